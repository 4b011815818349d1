/** A parsed cron schedule: which minutes, hours, days and months match. */
export type Schedule = {
  minutes: ReadonlySet<number>
  hours: ReadonlySet<number>
  days: ReadonlySet<number>
  months: ReadonlySet<number>
  weekdays: ReadonlySet<number>
  /** Both day fields are restricted: then either may match, as in every cron. */
  eitherDay: boolean
  /** The hour field is `*` or a step of it: then the schedule follows elapsed time, not the clock on the wall. */
  everyHour: boolean
}

const minute = 60_000
const day = 24 * 60 * minute

/** Longest gap between two days that a schedule can name: 29 February around a century without one. */
const longestGapDays = 8 * 366 + 1

/**
 * Reads the five fields `minute hour day month weekday`: numbers, `*`, ranges, lists and steps; weekdays run from 0
 * (Sunday) to 7 (Sunday again).
 * @throws {Error} that names the schedule when it is malformed or can never match.
 */
export function parseSchedule(text: string): Schedule {
  const fields = text.trim().split(/\s+/)
  const [minutes, hours, days, months, weekdays] = fields
  if (fields.length !== 5 || !minutes || !hours || !days || !months || !weekdays) {
    throw new Error(`The schedule “${text}” does not have five fields`)
  }
  const schedule: Schedule = {
    minutes: parseField(minutes, 0, 59, text),
    hours: parseField(hours, 0, 23, text),
    days: parseField(days, 1, 31, text),
    months: parseField(months, 1, 12, text),
    weekdays: new Set([...parseField(weekdays, 0, 7, text)].map(weekday => weekday % 7)),
    eitherDay: !days.startsWith('*') && !weekdays.startsWith('*'),
    everyHour: hours.startsWith('*'),
  }
  if (previousTick(schedule, 'UTC', Date.UTC(2096, 11, 31)) === null) {
    throw new Error(`The schedule “${text}” never comes`)
  }
  return schedule
}

function parseField(field: string, min: number, max: number, text: string): Set<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part)
    const step = Number(match?.[3] ?? 1)
    const from = Number(match?.[1] ?? min)
    // `5/15` means from 5 on, `5` means 5 alone.
    const to = Number(match?.[2] ?? (match?.[1] === undefined || match[3] !== undefined ? max : from))
    if (!match || step < 1 || from < min || to > max || from > to) {
      throw new Error(`“${part}” in the schedule “${text}” is not a value from ${min} to ${max}`)
    }
    for (let value = from; value <= to; value += step) values.add(value)
  }
  return values
}

/**
 * The latest tick at or before `at` (milliseconds since 1970), or null when there is none for years. Where clocks
 * change, a fixed hour that is skipped ticks as much later as the clock jumps, and one that comes twice ticks the
 * first time only (RFC 5545 §3.3.5 reads local times alike); a schedule for every hour ticks in each hour that passes.
 * @throws {RangeError} for an unknown time zone.
 */
export function previousTick(schedule: Schedule, timeZone: string, at: number): number | null {
  const localNow = at + offsetAt(timeZone, at)
  const lastDay = Math.floor(localNow / day) * day
  for (let back = 0; back <= longestGapDays; back++) {
    const localDay = lastDay - back * day
    if (!matchesDay(schedule, new Date(localDay))) continue
    const tick = latestOfDay(schedule, timeZone, localDay, at)
    if (tick !== null) return tick
  }
  return null
}

function matchesDay({ days, months, weekdays, eitherDay }: Schedule, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false
  const byDate = days.has(date.getUTCDate())
  const byWeekday = weekdays.has(date.getUTCDay())
  return eitherDay ? byDate || byWeekday : byDate && byWeekday
}

/** Clocks never change by more than this, so that later wall-clock times cannot come before earlier ones. */
const largestShift = 180 * minute

function latestOfDay(schedule: Schedule, timeZone: string, localDay: number, at: number): number | null {
  let found: number | null = null
  let foundLocal = 0
  const latestLocal = at + offsetAt(timeZone, at) + largestShift
  for (const hour of [...schedule.hours].sort((a, b) => b - a)) {
    for (const minuteOfHour of [...schedule.minutes].sort((a, b) => b - a)) {
      const local = localDay + (hour * 60 + minuteOfHour) * minute
      if (local > latestLocal) continue
      if (found !== null && local < foundLocal - largestShift) return found
      for (const instant of instantsOf(local, timeZone, schedule.everyHour)) {
        if (instant > at || (found !== null && instant <= found)) continue
        found = instant
        foundLocal = local
      }
    }
  }
  return found
}

/** The instants at which the wall clock shows `local` (milliseconds as if it were UTC). */
function instantsOf(local: number, timeZone: string, everyHour: boolean): number[] {
  const before = offsetAt(timeZone, local - day)
  const after = offsetAt(timeZone, local + day)
  const candidates = before === after ? [local - before] : [local - before, local - after]
  const real = candidates.filter(instant => instant + offsetAt(timeZone, instant) === local)
  if (everyHour) return real
  // Read with the old offset, a skipped time lands after the jump.
  return real.length === 0 ? [local - before] : [Math.min(...real)]
}

const formatters = new Map<string, Intl.DateTimeFormat>()
/** Clocks change at whole quarters of an hour of UTC, and to ask for an offset takes microseconds. */
const quarter = 15 * minute
const offsets = new Map<string, number>()

/** Milliseconds by which a zone's wall clock is ahead of UTC at an instant. */
function offsetAt(timeZone: string, at: number): number {
  if (timeZone === 'UTC') return 0
  const start = Math.floor(at / quarter) * quarter
  const key = `${start} ${timeZone}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  if (offsets.size > 10_000) offsets.clear()
  const offset = wallClock(timeZone, start) - start
  offsets.set(key, offset)
  return offset
}

/** What a zone's wall clock shows at an instant, in milliseconds as if it were UTC. */
function wallClock(timeZone: string, at: number): number {
  let formatter = formatters.get(timeZone)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(timeZone, formatter)
  }
  const parts: Record<string, number> = {}
  for (const { type, value } of formatter.formatToParts(at)) parts[type] = Number(value)
  const { year = 0, month = 1, day: date = 1, hour = 0, minute: minutes = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, date, hour, minutes, second)
}
