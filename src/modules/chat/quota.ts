import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import { type Billing, freePlan } from '#modules/billing/contract.ts'

export const QuotaState = z
  .object({
    plan: z.string(),
    limits: z.array(
      z.object({
        metric: z.enum(['requests', 'tokens', 'cost_micros']),
        period: z.enum(['day', 'month']),
        max: z.int().nullable(),
        used: z.int(),
        held: z.int().describe('By answers that are being written.'),
        remaining: z.int().nullable(),
        resets_at: z.string(),
      }),
    ),
  })
  .meta({ id: 'Quota' })
export type QuotaState = z.output<typeof QuotaState>

export type Quota = ReturnType<typeof createQuota>

/** What a user may still ask for. */
export function createQuota({ ai, billing }: { ai: Ai; billing: Pick<Billing, 'planOf'> }) {
  return {
    async get(userId: string): Promise<QuotaState> {
      const [limits, plans] = await Promise.all([ai.quota(userId), billing.planOf([userId])])
      return { plan: plans.get(userId) ?? freePlan, limits }
    },

    /** `X-Quota-Requests-Remaining` and `X-Quota-Tokens-Remaining`, the tighter of day and month; none without a limit. */
    async headers({ user_id }: { user_id: string }): Promise<Record<string, string>> {
      const limits = await ai.quota(user_id)
      const headers: Record<string, string> = {}
      for (const metric of ['requests', 'tokens'] as const) {
        const left = limits.filter(limit => limit.metric === metric).map(limit => limit.remaining)
        if (left.length > 0) headers[`x-quota-${metric}-remaining`] = String(Math.min(...left))
      }
      return headers
    },
  }
}
