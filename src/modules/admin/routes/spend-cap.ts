import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Router } from '#core/http/route.ts'

const Cap = z
  .int()
  .min(0)
  .max(1_000_000_000_000_000)
  .nullable()
  .describe('Millionths of the currency, for all users together. Null: no cap.')
const SpendCap = z
  .object({
    day_micros: Cap,
    month_micros: Cap,
    currency: z.string(),
    spent_day_micros: z.int().describe('Today in Asia/Shanghai, running calls included.'),
    spent_month_micros: z.int(),
  })
  .meta({ id: 'SpendCap' })

const access = 'admin.spend_cap.manage'
const path = '/api/v1/admin/spend-cap'

/** What the whole installation may spend at providers. */
export function spendCapRoutes(router: Router, { spendCap, ledger, currency }: Ai): void {
  const read = async () => {
    const [cap, spent] = await Promise.all([spendCap.get(), ledger.spend()])
    return {
      ...cap,
      currency,
      spent_day_micros: spent.day_micros,
      spent_month_micros: spent.month_micros,
    }
  }

  router.route({
    method: 'GET',
    path,
    access,
    summary: 'The spend cap, and what is spent',
    response: SpendCap,
    handler: read,
  })

  router.route({
    method: 'PUT',
    path,
    access,
    summary: 'Set the spend cap; from now on it holds instead of AI_SPEND_CAP_DAY and AI_SPEND_CAP_MONTH',
    body: z.object({ day_micros: Cap, month_micros: Cap }),
    response: SpendCap,
    async handler({ actor, body }) {
      await spendCap.set(body, actor.user_id)
      return read()
    },
  })
}
