import { z } from 'zod'
import { tierNames } from './rule.ts'

/** What a rule would have come to over the history so far. Grows while the preview runs. */
export const PreviewResult = z
  .object({
    users_scanned: z.int(),
    users_total: z.int(),
    is_complete: z.boolean().describe('False while it runs, and for good when its time ran out.'),
    tiers: z.array(z.object({ tier: z.enum(tierNames), users: z.int() })),
    sample: z
      .array(
        z.object({
          user_id: z.uuid(),
          display_name: z.string().nullable(),
          tier: z.enum(tierNames),
          reached_at: z.string(),
        }),
      )
      .describe('Up to ten people who would have it.'),
    timeline: z
      .array(z.object({ day: z.string(), reached: z.int() }))
      .describe('Days on which tiers would have been reached, oldest first; at most the last 366.'),
  })
  .meta({ id: 'AchievementPreviewResult' })
export type PreviewResult = z.output<typeof PreviewResult>
