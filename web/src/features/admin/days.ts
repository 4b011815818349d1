/** Days are those of the books: Asia/Shanghai, which has no summer time. */
const offsetMs = 8 * 3_600_000
const dayMs = 86_400_000

/** The day (YYYY-MM-DD) in which a moment falls. */
export const dayIn = (at: number): string => new Date(at + offsetMs).toISOString().slice(0, 10)

export const startOfDay = (day: string): string => `${day}T00:00:00+08:00`

/** The last second of the day. */
export const endOfDay = (day: string): string => `${day}T23:59:59+08:00`

export const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)

/** Both ends included. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = []
  for (let day = from; day <= to && days.length < 400; day = dayAfter(day, 1)) days.push(day)
  return days
}

export const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))
