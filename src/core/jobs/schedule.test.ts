import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSchedule, previousTick } from './schedule.ts'

const iso = (tick: number | null) => (tick === null ? null : new Date(tick).toISOString().slice(0, 16))

const before = (schedule: string, timeZone: string, at: string) =>
  iso(previousTick(parseSchedule(schedule), timeZone, Date.parse(at)))

test('finds the latest tick in the time zone of the schedule', () => {
  expect(before('30 3 * * *', 'Asia/Shanghai', '2026-11-21T08:00:00Z')).toBe('2026-11-20T19:30')
  expect(before('30 3 * * *', 'Asia/Shanghai', '2026-11-20T19:30:00Z')).toBe('2026-11-20T19:30')
  expect(before('30 3 * * *', 'Asia/Shanghai', '2026-11-20T19:29:59.999Z')).toBe('2026-11-19T19:30')
  expect(before('*/15 * * * *', 'Asia/Kolkata', '2026-11-20T19:29:00Z')).toBe('2026-11-20T19:15')
  expect(before('0 0 1 1 *', 'Asia/Shanghai', '2026-11-20T00:00:00Z')).toBe('2025-12-31T16:00')
  expect(before('0 9 * * 1-5', 'UTC', '2026-11-22T12:00:00Z')).toBe('2026-11-20T09:00')
  expect(before('0 9 * * 7', 'UTC', '2026-11-22T12:00:00Z')).toBe('2026-11-22T09:00')
  expect(before('0 0 29 2 *', 'UTC', '2026-11-22T12:00:00Z')).toBe('2024-02-29T00:00')
})

test('a restricted day of month and a restricted weekday are alternatives', () => {
  expect(before('0 0 13 * 5', 'UTC', '2026-11-22T00:00:00Z')).toBe('2026-11-20T00:00')
  expect(before('0 0 13 * 5', 'UTC', '2026-10-14T00:00:00Z')).toBe('2026-10-13T00:00')
})

test('a fixed hour that the clock skips ticks as much later', () => {
  // New York goes from 02:00 EST to 03:00 EDT on 8 March 2026.
  expect(before('30 2 * * *', 'America/New_York', '2026-03-08T07:29:00Z')).toBe('2026-03-07T07:30')
  expect(before('30 2 * * *', 'America/New_York', '2026-03-08T23:00:00Z')).toBe('2026-03-08T07:30')
  expect(before('30 2 * * *', 'America/New_York', '2026-03-09T23:00:00Z')).toBe('2026-03-09T06:30')
})

test('a fixed hour that comes twice ticks once', () => {
  // New York goes back from 02:00 EDT to 01:00 EST on 1 November 2026.
  expect(before('30 1 * * *', 'America/New_York', '2026-11-01T05:45:00Z')).toBe('2026-11-01T05:30')
  expect(before('30 1 * * *', 'America/New_York', '2026-11-01T07:00:00Z')).toBe('2026-11-01T05:30')
})

test('a schedule for every hour ticks in each hour that passes, when the clock changes too', () => {
  const schedule = parseSchedule('30 * * * *')
  for (const zone of ['America/New_York', 'Europe/Berlin', 'Asia/Shanghai']) {
    for (const start of [
      '2026-03-08T00:00:00Z',
      '2026-03-29T00:00:00Z',
      '2026-10-25T00:00:00Z',
      '2026-11-01T00:00:00Z',
    ]) {
      for (let hour = 0; hour < 24; hour++) {
        const at = Date.parse(start) + hour * 3_600_000 + 45 * 60_000
        expect(previousTick(schedule, zone, at), `${zone} ${new Date(at).toISOString()}`).toBe(
          at - 15 * 60_000,
        )
      }
    }
  }
})

test('agrees with a search minute by minute where clocks do not change', () => {
  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 1, max: 7 }).map(step => `*/${step}`),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    )
  const time = fc.integer({ min: Date.UTC(2025, 0, 3), max: Date.UTC(2027, 0, 1) })
  fc.assert(
    fc.property(field(0, 59), field(0, 23), field(0, 6), time, (minutes, hours, weekdays, at) => {
      const schedule = parseSchedule(`${minutes} ${hours} * * ${weekdays}`)
      const offset = 8 * 3_600_000
      let expected: number | null = null
      for (let instant = Math.floor(at / 60_000) * 60_000; instant > at - 8 * 86_400_000; instant -= 60_000) {
        const local = new Date(instant + offset)
        if (
          schedule.minutes.has(local.getUTCMinutes()) &&
          schedule.hours.has(local.getUTCHours()) &&
          schedule.weekdays.has(local.getUTCDay())
        ) {
          expected = instant
          break
        }
      }
      expect(previousTick(schedule, 'Asia/Shanghai', at)).toBe(expected)
    }),
    { numRuns: 60 },
  )
})

test.each([
  '',
  '* * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'x * * * *',
  '0 0 30 2 *',
])('refuses the schedule “%s”', text => {
  expect(() => parseSchedule(text)).toThrow(/schedule|value/)
})

test('refuses an unknown time zone', () => {
  expect(() => previousTick(parseSchedule('* * * * *'), 'Mars/Olympus', Date.now())).toThrow(RangeError)
})
