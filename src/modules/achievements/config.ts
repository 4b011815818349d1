import { integer } from '#core/config.ts'

export const achievementsSettings = {
  ACHIEVEMENTS_RETENTION_MONTHS: integer(
    'Months that the history of what people did is kept. New rules are counted back over it; what is unlocked stays for good.',
    24,
    { min: 1, max: 240 },
  ),
}
