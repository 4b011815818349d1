import { integer } from '#core/config.ts'

export const sampleSettings = {
  SAMPLE_TITLE_MAX_CHARS: integer('Longest title of an item, in characters.', 200, {
    min: 1,
    max: 1000,
    reloadable: true,
  }),
}
