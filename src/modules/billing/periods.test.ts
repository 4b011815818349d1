import fc from 'fast-check'
import { expect, test } from 'vitest'
import { day_ms, withoutDays } from './periods.ts'

const start = Date.parse('2026-11-21T00:00:00Z')
const at = (day: number) => new Date(start + day * day_ms).toISOString()

/** Periods that follow one another, some over, the last perhaps without end. */
const timeline = fc
  .record({
    lengths: fc.array(fc.tuple(fc.constantFrom('vip', 'silver'), fc.integer({ min: 1, max: 40 })), {
      minLength: 1,
      maxLength: 6,
    }),
    isEndless: fc.boolean(),
    today: fc.integer({ min: 0, max: 60 }),
    granted: fc.integer({ min: 0, max: 6 }),
    days: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ lengths, isEndless, today, granted, days }) => {
    let day = 0
    const periods = lengths.map(([plan_id, length], n) => {
      const from = day
      day += length
      const isLast = n === lengths.length - 1
      return {
        id: String(n),
        plan_id,
        from_at: at(from),
        until_at: isEndless && isLast ? null : at(day),
        // The first four began to be in the order of their numbers.
        created_at: at(n),
      }
    })
    return { periods, now: at(today), granted_at: at(granted), days }
  })

const left_ms = (periods: { from_at: string; until_at: string | null }[], now: string) =>
  periods.map(({ from_at, until_at }) =>
    until_at === null
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Date.parse(until_at) - Math.max(Date.parse(from_at), Date.parse(now))),
  )

test('what is taken back is what was asked for or all there is, from that plan only, and leaves no gap', () => {
  fc.assert(
    fc.property(timeline, ({ periods, now, granted_at, days }) => {
      const { periods: after, taken_ms } = withoutDays(periods, { plan: 'vip', days, granted_at, now })
      const before_ms = left_ms(periods, now)
      const after_ms = left_ms(after, now)
      const mayGo = periods.map(
        ({ plan_id, until_at, created_at }) =>
          plan_id === 'vip' && until_at !== null && created_at <= granted_at,
      )
      const there_ms = before_ms.filter((_, n) => mayGo[n]).reduce((sum, ms) => sum + ms, 0)
      expect(taken_ms).toBe(Math.min(days * day_ms, there_ms))
      for (const [n, ms] of after_ms.entries()) if (!mayGo[n]) expect(ms).toBe(before_ms[n])
      for (const [n, period] of after.entries())
        if (n > 0) expect(period.from_at).toBe(after[n - 1]?.until_at)
      // What is past stays as it was.
      for (const [n, period] of periods.entries())
        if (period.until_at !== null && period.until_at <= now) expect(after[n]).toEqual(period)
    }),
  )
})
