import { z } from 'zod'
import { type Clock, dayIn, dayStart, defaultTimeZone } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { asksForAll, analyticsStore as store } from './analytics-store.ts'
import type { RedemptionTables } from './redemption-tables.ts'

/** Which cards, and which days (in Asia/Shanghai, both included; by default the last thirty). */
export const AnalyticsQuery = z.object({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  batch_id: z.uuid().optional(),
  template_id: z.uuid().optional(),
  channel: z.string().max(100).optional(),
})
export type AnalyticsQuery = z.output<typeof AnalyticsQuery>

const Counts = {
  redeemed: z.int(),
  undone: z.int().describe('Redemptions that were undone, by the day of that.'),
  refused: z.int().describe('Attempts that failed.'),
  expired: z.int(),
}

export const CardsByDay = z
  .object({
    from: z.string(),
    to: z.string(),
    issued_before: z.int().describe('Cards released before the first day.'),
    redeemed_before: z.int().describe('Of these and before: redeemed, less undone.'),
    unknown_codes: z
      .int()
      .nullable()
      .describe('How many of the refused had codes that no card has; only without filter.'),
    days: z.array(z.object({ day: z.string(), issued: z.int(), ...Counts })),
  })
  .meta({ id: 'CardsByDay' })
export type CardsByDay = z.output<typeof CardsByDay>

export const analyticsGroups = ['batch', 'template', 'channel', 'region'] as const
export type AnalyticsGroup = (typeof analyticsGroups)[number]

export const CardsByGroup = z
  .object({
    items: z.array(
      z.object({
        key: z.string().describe('Id of the batch or template, or the channel or region; empty: not known.'),
        name: z.string(),
        issued: z.int().nullable().describe('Cards released until the last day. Null: regions have none.'),
        redeemed_in_all: z.int().describe('Until the last day, less undone.'),
        ...Counts,
      }),
    ),
  })
  .meta({ id: 'CardsByGroup' })
export type CardsByGroup = z.output<typeof CardsByGroup>

export const CardsExpiry = z
  .object({
    items: z.array(
      z.object({
        batch_id: z.uuid(),
        name: z.string(),
        template_name: z.string(),
        expires_at: z.string(),
        remaining: z.int().describe('Cards that nobody has redeemed yet.'),
        redeemed_per_day: z
          .number()
          .describe('Less undone; on average of the last 28 days, or since the release.'),
        expected_to_expire: z.int().describe('What will be left then if that goes on.'),
      }),
    ),
  })
  .meta({ id: 'CardsExpiry' })
export type CardsExpiry = z.output<typeof CardsExpiry>

export const periodInvalid = defineError({
  code: 'cards.period_invalid',
  status: 422,
  en: 'The period must begin before it ends, and is at most {days} days long.',
  'zh-CN': '起始日期须早于结束日期，且最长 {days} 天。',
})

export type Analytics = {
  /** @throws AppError `cards.period_invalid` */
  byDay(actor: Actor, query: AnalyticsQuery): Promise<CardsByDay>
  /** The fifty with the most redemptions and failures. @throws AppError `cards.period_invalid` */
  byGroup(actor: Actor, group: AnalyticsGroup, query: AnalyticsQuery): Promise<CardsByGroup>
  /** The fifty released batches that end next. */
  expiry(actor: Actor): Promise<CardsExpiry>
}

const day_ms = 86_400_000
const usualDays = 30
const mostDays = 366
/** Before it there were no cards, and further back the calendar of the database ends. */
const earliestDay = '2000-01-01'
const pace_days = 28

export function createAnalytics({ db, clock }: { db: Db<RedemptionTables>; clock: Clock }): Analytics {
  function periodOf({ from, to, ...filter }: AnalyticsQuery) {
    const last = to ?? dayIn(defaultTimeZone, clock.now())
    const first = from ?? dayBefore(last, usualDays - 1)
    const days = (Date.parse(last) - Date.parse(first)) / day_ms + 1
    if (days < 1 || days > mostDays || first < earliestDay) throw periodInvalid({ days: mostDays })
    return { first, last, days, ...filter }
  }

  return {
    async byDay({ user_id }, query) {
      const period = periodOf(query)
      const [counts, issued, before, unknown_codes] = await db.read(user_id, rows =>
        Promise.all([
          store.byDay(rows, period),
          store.issuedByDay(rows, period),
          store.before(rows, period),
          asksForAll(period) ? store.unknownCodes(rows, period) : null,
        ]),
      )
      const countsOf = new Map(counts.map(({ day, ...sums }) => [day, sums]))
      const issuedOn = new Map(issued.map(row => [row.day, row.issued]))
      const days = Array.from({ length: period.days }, (_, index) => {
        const day = dayBefore(period.first, -index)
        return { day, issued: issuedOn.get(day) ?? 0, ...(countsOf.get(day) ?? none) }
      })
      const { issued: issued_before, redeemed: redeemed_before } = before
      return { from: period.first, to: period.last, issued_before, redeemed_before, unknown_codes, days }
    },
    async byGroup({ user_id }, group, query) {
      const period = periodOf(query)
      return { items: await db.read(user_id, rows => store.byGroup(rows, group, period)) }
    },
    async expiry({ user_id }) {
      const now = clock.now()
      // Whole days, and what there is of today.
      const paceFrom = dayBefore(dayIn(defaultTimeZone, now), pace_days)
      const batches = await db.read(user_id, rows =>
        store.ending(rows, new Date(now).toISOString(), paceFrom),
      )
      const items = batches.map(({ released_at, redeemed_lately, ...batch }) => {
        const since = Math.max(dayStart(paceFrom), Date.parse(released_at))
        const days = Math.max(1, (now - since) / day_ms)
        const redeemed_per_day = redeemed_lately / days
        const left_days = (Date.parse(batch.expires_at) - now) / day_ms
        const expected = batch.remaining - redeemed_per_day * left_days
        return { ...batch, redeemed_per_day, expected_to_expire: Math.max(0, Math.round(expected)) }
      })
      return { items }
    },
  }
}

const none = { redeemed: 0, undone: 0, refused: 0, expired: 0 }

const dayBefore = (day: string, days: number): string =>
  new Date(Date.parse(day) - days * day_ms).toISOString().slice(0, 10)
