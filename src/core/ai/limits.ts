import { dayIn, monthIn } from '#core/clock.ts'

export type Period = 'day' | 'month'

/** How much one user may use in a calendar day or month of theirs. All limits of one user name one time zone. */
export type Limit = {
  metric: 'requests' | 'tokens' | 'cost_micros'
  period: Period
  /** The largest amount that is still allowed. */
  max: number
  time_zone: string
}

/** The name of the running period: `2026-11-21` for a day, `2026-11` for a month. */
export const periodKey = (period: Period, timeZone: string, at: number): string =>
  period === 'day' ? dayIn(timeZone, at) : monthIn(timeZone, at)

/**
 * The instant (milliseconds since 1970) at which the next day or month begins in a time zone. Where a change of the
 * clocks skips midnight (America/Santiago), that is the first instant that exists of the new day.
 */
export function periodEnd(period: Period, timeZone: string, at: number): number {
  const key = periodKey(period, timeZone, at)
  const hour = 3_600_000
  let low = at
  let high = at + (period === 'day' ? 26 : 32 * 24) * hour
  // The key changes once between the two: offsets move the clock by less than the span is longer than the period.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (periodKey(period, timeZone, middle) === key) low = middle
    else high = middle
  }
  return high
}

export const resetsAt = (period: Period, timeZone: string, at: number): string =>
  new Date(periodEnd(period, timeZone, at)).toISOString()
