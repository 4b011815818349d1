import fc from 'fast-check'
import { expect, test } from 'vitest'
import { periodEnd, periodKey, resetsAt } from './limits.ts'

test('days and months are those of the time zone', () => {
  const at = Date.parse('2026-11-30T17:00:00Z')
  expect(periodKey('day', 'Asia/Shanghai', at)).toBe('2026-12-01')
  expect(periodKey('month', 'Asia/Shanghai', at)).toBe('2026-12')
  expect(periodKey('day', 'America/New_York', at)).toBe('2026-11-30')
  expect(resetsAt('day', 'Asia/Shanghai', at)).toBe('2026-12-01T16:00:00.000Z')
  expect(resetsAt('month', 'Asia/Shanghai', at)).toBe('2026-12-31T16:00:00.000Z')
})

test('days of 23 and 25 hours, and a midnight that does not exist', () => {
  // New York 2026: clocks forward on 8 March, back on 1 November.
  expect(resetsAt('day', 'America/New_York', Date.parse('2026-03-08T05:00:00Z'))).toBe(
    '2026-03-09T04:00:00.000Z',
  )
  expect(resetsAt('day', 'America/New_York', Date.parse('2026-11-01T04:00:00Z'))).toBe(
    '2026-11-02T05:00:00.000Z',
  )
  expect(resetsAt('month', 'America/New_York', Date.parse('2026-03-01T05:00:00Z'))).toBe(
    '2026-04-01T04:00:00.000Z',
  )
  // Santiago goes from 24:00 on 5 September 2026 to 01:00.
  expect(resetsAt('day', 'America/Santiago', Date.parse('2026-09-05T12:00:00Z'))).toBe(
    '2026-09-06T04:00:00.000Z',
  )
})

test('the end of a period is the first instant of the next, in every zone', () => {
  const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
  const at = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2035, 0, 1) })
  fc.assert(
    fc.property(zone, at, fc.constantFrom('day', 'month'), (timeZone, now, period) => {
      const key = periodKey(period, timeZone, now)
      const end = periodEnd(period, timeZone, now)
      expect(end).toBeGreaterThan(now)
      expect(periodKey(period, timeZone, end - 1)).toBe(key)
      expect(periodKey(period, timeZone, end) > key).toBe(true)
    }),
    { numRuns: 300 },
  )
})
