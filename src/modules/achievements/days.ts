import { dayIn } from '#core/clock.ts'

/** A calendar day, `2026-11-21`. Days know no time zone: the zone decided which one it is. */
export type Day = string

const day_ms = 86_400_000

const utc = (day: Day): number => Date.parse(`${day}T00:00:00Z`)

export const addDays = (day: Day, count: number): Day =>
  new Date(utc(day) + count * day_ms).toISOString().slice(0, 10)

/** The Monday of the day's week. */
export const weekStart = (day: Day): Day => addDays(day, -((new Date(utc(day)).getUTCDay() + 6) % 7))

export const monthStart = (day: Day): Day => `${day.slice(0, 7)}-01`
export const monthEnd = (day: Day): Day => {
  const [year = 0, month = 1] = day.split('-').map(Number)
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10)
}

const hours = new Map<string, Intl.DateTimeFormat>()

/**
 * Where an instant falls in a time zone: its day, hour (0–23) and weekday (1 Monday – 7 Sunday).
 * @throws RangeError for an unknown zone.
 */
export function localTime(timeZone: string, at: number): { day: Day; hour: number; weekday: number } {
  let format = hours.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' })
    hours.set(timeZone, format)
  }
  const day = dayIn(timeZone, at)
  return { day, hour: Number(format.format(at)), weekday: new Date(utc(day)).getUTCDay() || 7 }
}
