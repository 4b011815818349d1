import type { PeriodRow } from './store.ts'

export const day_ms = 86_400_000

type Period = Pick<PeriodRow, 'id' | 'plan_id' | 'from_at' | 'until_at' | 'created_at'>

/**
 * What periods come to when days of a plan are taken back: only what is still to come goes, the last of it first, and
 * what follows moves up. A period that began to be after the days were given does not hold them: somebody has decided
 * anew. `periods` are in order; `taken_ms` is how much there was to take.
 */
export function withoutDays<P extends Period>(
  periods: readonly P[],
  { plan, days, granted_at, now }: { plan: string; days: number; granted_at: string; now: string },
): { periods: P[]; taken_ms: number } {
  const isYounger = (period: P) => Date.parse(period.created_at) > Date.parse(granted_at)
  let wanted_ms = days * day_ms
  const cuts = new Map<P, number>()
  for (const period of periods.toReversed()) {
    if (period.plan_id !== plan || period.until_at === null || isYounger(period)) continue
    const from = Math.max(Date.parse(period.from_at), Date.parse(now))
    const cut = Math.min(wanted_ms, Math.max(0, Date.parse(period.until_at) - from))
    cuts.set(period, cut)
    wanted_ms -= cut
  }
  let taken_ms = 0
  const earlier = (time: string) => new Date(Date.parse(time) - taken_ms).toISOString()
  const left = periods.map(period => {
    const from_at = earlier(period.from_at)
    taken_ms += cuts.get(period) ?? 0
    return { ...period, from_at, until_at: period.until_at && earlier(period.until_at) }
  })
  return { periods: left, taken_ms }
}
