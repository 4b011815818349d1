import { integer, text } from '#core/config.ts'
import { redemptionSettings } from './redemption-config.ts'

export const cardsSettings = {
  CARDS_AUDIO_MAX_MB: integer('Largest audio file of a card template, in megabytes.', 20, {
    min: 1,
    max: 100,
    reloadable: true,
  }),
  CARDS_SHEET_FONT: text(
    'A font file (TTF, OTF or TTC) for Chinese names on PDF print sheets. Default: Noto Sans, which is installed with Banyan.',
    '',
    { example: '/usr/share/fonts/NotoSansSC-Regular.otf' },
  ),
  CARDS_IMAGE_MAX_MB: integer('Largest picture of a card template, in megabytes.', 5, {
    min: 1,
    max: 50,
    reloadable: true,
  }),
  ...redemptionSettings,
}
