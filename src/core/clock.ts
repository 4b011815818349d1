/** Where code reads the time, so that a test can move it. Milliseconds since 1970. */
export type Clock = { now(): number }

export const systemClock: Clock = { now: () => Date.now() }

/** The time zone of calendar rules when a user has not chosen one. */
export const defaultTimeZone = 'Asia/Shanghai'

const formatters = new Map<string, Intl.DateTimeFormat>()
/** Days begin, and clocks change, at whole quarters of an hour of UTC: within one the answer stays the same. */
const quarter = 15 * 60_000
const latest = new Map<string, { quarter: number; day: string }>()

/** The calendar day (`2026-11-21`) at an instant in a time zone. Throws RangeError for an unknown zone. */
export function dayIn(timeZone: string, at: number): string {
  const now = Math.floor(at / quarter)
  const known = latest.get(timeZone)
  if (known?.quarter === now) return known.day
  const day = formatDay(timeZone, at)
  latest.set(timeZone, { quarter: now, day })
  return day
}

function formatDay(timeZone: string, at: number): string {
  let formatter = formatters.get(timeZone)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
    formatters.set(timeZone, formatter)
  }
  return formatter.format(at)
}

/** The instant at which a calendar day begins in the default time zone, whose clocks never change. */
export const dayStart = (day: string): number => Date.parse(`${day}T00:00:00+08:00`)

/** The calendar month (`2026-11`) at an instant in a time zone. */
export const monthIn = (timeZone: string, at: number): string => dayIn(timeZone, at).slice(0, 7)
