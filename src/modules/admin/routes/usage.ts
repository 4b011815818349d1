import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import { dayIn, dayStart, defaultTimeZone } from '#core/clock.ts'
import { defineError } from '#core/errors.ts'
import type { Router } from '#core/http/route.ts'
import type { Identity } from '#modules/identity/contract.ts'

const badRange = defineError({
  code: 'usage.bad_range',
  status: 400,
  en: '`from` must lie before `to`, and the two at most 400 days apart.',
  'zh-CN': '开始时间必须早于结束时间，且间隔不超过 400 天。',
})

const day = 86_400_000
const mostDays = 400

const UsageRow = z.object({
  key: z.string().describe('A day in Asia/Shanghai (2026-11-21), a model id or a user id.'),
  label: z.string().nullable().describe('The user’s name.'),
  requests: z.int(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  cached_tokens: z.int(),
  cost_micros: z.int(),
})

/** What was used, by whom and at what cost. */
export function usageRoutes(router: Router, { ai, identity }: { ai: Ai; identity: Identity }): void {
  router.route({
    method: 'GET',
    path: '/api/v1/admin/usage',
    access: 'admin.usage.read',
    summary: 'Requests, tokens and cost by day, model or user. Default: the last 30 days by day.',
    query: z.object({
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional().describe('Not included.'),
      group_by: z.enum(['day', 'model', 'user']).default('day'),
    }),
    response: z.object({
      from: z.string(),
      to: z.string(),
      currency: z.string(),
      items: z.array(UsageRow),
    }),
    async handler({ actor, query: { group_by, ...query } }) {
      const to = query.to ? Date.parse(query.to) : Date.now()
      const from = query.from ? Date.parse(query.from) : dayStart(dayIn(defaultTimeZone, to - 29 * day))
      if (!(from < to) || to - from > mostDays * day) throw badRange()
      const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
      const rows = await ai.ledger.usage(actor.user_id, { ...range, group_by })
      const people = group_by === 'user' ? await identity.usersByIds(rows.map(row => row.key)) : null
      const items = rows.map(row => ({ ...row, label: people?.get(row.key)?.display_name ?? null }))
      return { ...range, currency: ai.currency, items }
    },
  })
}
