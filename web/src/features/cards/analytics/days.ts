/** Days are those of the statistics: Asia/Shanghai, which has no summer time. */
const offset_ms = 8 * 3_600_000
const day_ms = 86_400_000

/** The day (YYYY-MM-DD) in which a moment falls. */
export const dayIn = (at: number): string => new Date(at + offset_ms).toISOString().slice(0, 10)

export const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * day_ms).toISOString().slice(0, 10)

export const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))
