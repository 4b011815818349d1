import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDays, localTime, monthEnd, weekStart } from './days.ts'
import { fractionTo, tiersMet } from './evaluate.ts'
import type { Condition, Rule, Window } from './rule.ts'
import { createSimulation } from './simulation.ts'
import {
  addEntry,
  entriesOf,
  type Fact,
  matches,
  type Tally,
  valueAround,
  valueEver,
  valueNow,
} from './tally.ts'
import { counting, ruleOf } from './testing.ts'

const start = '2026-01-01'
const event = 'chat.message.answered'

/** A fact on a day counted from the beginning of 2026. */
const fact = (offset: number, fields: Fact['fields'] = {}, id = String(offset)): Fact => ({
  id,
  user_id: 'u',
  event,
  occurred_at: `${addDays(start, offset)}T12:00:00.000Z`,
  day: addDays(start, offset),
  fields,
})

const nothing = { setSize: () => 0, hasUnlocked: () => false }

/** What a condition comes to at most when facts arrive in this order, one by one. */
function bestOnTheWay(condition: Condition, facts: readonly Fact[]): number {
  const tally: Tally = new Map()
  const rule = ruleOf(condition, 1000)
  let most = 0
  for (const one of facts) {
    for (const entry of entriesOf(rule, one)) addEntry(tally, entry)
    most = Math.max(most, valueAround(condition, tally, one.day))
  }
  expect(valueEver(condition, tally)).toBe(most)
  return most
}

/** The same by looking at every day, as one would with a calendar. */
function byCalendar(condition: Condition, facts: readonly Fact[]): number {
  const offsets = facts.map(one => (Date.parse(one.day) - Date.parse(start)) / 86_400_000)
  const amount = (some: readonly Fact[]) => {
    if (condition.type === 'sum') return some.reduce((sum, { fields }) => sum + Number(fields.tokens), 0)
    return condition.type === 'distinct' ? new Set(some.map(({ fields }) => fields.kind)).size : some.length
  }
  const within = (from: number, to: number) =>
    amount(facts.filter((_, i) => (offsets[i] ?? 0) >= from && (offsets[i] ?? 0) <= to))
  if (condition.type === 'streak') {
    let [best, run] = [0, 0]
    for (let day = -5; day < 60; day++) {
      run = within(day, day) >= condition.per_day ? run + 1 : 0
      best = Math.max(best, run)
    }
    return best
  }
  if (!('window' in condition)) return 0
  const { unit, days = 1 } = condition.window
  if (unit === 'all') return amount(facts)
  let best = 0
  for (let day = -40; day < 60; day++) {
    const on = addDays(start, day)
    const group = (same: (other: string) => boolean) => amount(facts.filter(one => same(one.day)))
    if (unit === 'rolling') best = Math.max(best, within(day - days + 1, day))
    else if (unit === 'day') best = Math.max(best, within(day, day))
    else if (unit === 'month')
      best = Math.max(
        best,
        group(other => other.slice(0, 7) === on.slice(0, 7)),
      )
    else
      best = Math.max(
        best,
        group(other => weekStart(other) === weekStart(on)),
      )
  }
  return best
}

const facts = fc
  .array(fc.record({ offset: fc.integer({ min: 0, max: 40 }), kind: fc.constantFrom('a', 'b', 'c') }), {
    maxLength: 40,
  })
  .map(list => list.map(({ offset, kind }, i) => fact(offset, { kind, tokens: offset + 1 }, String(i))))

const window: fc.Arbitrary<Window> = fc.oneof(
  fc.record({ unit: fc.constantFrom('all' as const, 'day' as const, 'week' as const, 'month' as const) }),
  fc.record({ unit: fc.constant('rolling' as const), days: fc.integer({ min: 2, max: 12 }) }),
)

const conditions: fc.Arbitrary<Condition> = fc.oneof(
  window.map((window): Condition => ({ type: 'count', event, filters: [], window })),
  window.map((window): Condition => ({ type: 'sum', event, field: 'tokens', filters: [], window })),
  window.map((window): Condition => ({ type: 'distinct', event, field: 'kind', filters: [], window })),
  fc
    .integer({ min: 1, max: 2 })
    .map((per_day): Condition => ({ type: 'streak', event, filters: [], per_day })),
)

describe('what conditions come to', () => {
  test('is the same in whatever order facts arrive, and what a calendar says', () => {
    fc.assert(
      fc.property(conditions, facts, fc.infiniteStream(fc.nat()), (condition, list, order) => {
        const shuffled = list
          .map(one => ({ one, at: order.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one)
        expect(bestOnTheWay(condition, shuffled)).toBe(byCalendar(condition, list))
      }),
      { numRuns: 300 },
    )
  })

  test('goes back when facts are taken out again', () => {
    fc.assert(
      fc.property(conditions, facts, facts, (condition, kept, undone) => {
        const rule = ruleOf(condition, 1000)
        const tally: Tally = new Map()
        for (const one of [...undone, ...kept])
          for (const entry of entriesOf(rule, one)) addEntry(tally, entry)
        for (const one of undone)
          for (const entry of entriesOf(rule, one)) addEntry(tally, { ...entry, amount: -entry.amount })
        expect(valueEver(condition, tally)).toBe(byCalendar(condition, kept))
      }),
      { numRuns: 100 },
    )
  })

  test('a streak goes on until the end of the next day', () => {
    const streak: Condition = { type: 'streak', event, filters: [], per_day: 1 }
    const tally: Tally = new Map()
    for (const offset of [1, 2, 3])
      for (const entry of entriesOf(ruleOf(streak, 5), fact(offset))) addEntry(tally, entry)
    expect([3, 4, 5].map(offset => valueNow(streak, tally, addDays(start, offset)))).toEqual([3, 3, 0])
  })
})

test('days follow the calendar of the time zone, through changes of the clock', () => {
  // New York goes from 02:00 to 03:00 on 2026-03-08, and from 02:00 back to 01:00 on 2026-11-01.
  const at = (iso: string) => localTime('America/New_York', Date.parse(iso))
  expect(at('2026-03-08T06:59:00Z')).toEqual({ day: '2026-03-08', hour: 1, weekday: 7 })
  expect(at('2026-03-08T07:00:00Z')).toEqual({ day: '2026-03-08', hour: 3, weekday: 7 })
  expect(at('2026-03-09T03:59:00Z').day).toBe('2026-03-08')
  expect(at('2026-11-01T05:30:00Z').hour).toBe(1)
  expect(at('2026-11-01T06:30:00Z').hour).toBe(1)
  expect(at('2026-11-02T04:59:00Z').day).toBe('2026-11-01')
  expect(localTime('Asia/Shanghai', Date.parse('2026-11-20T16:00:00Z'))).toEqual({
    day: '2026-11-21',
    hour: 0,
    weekday: 6,
  })
  expect([addDays('2026-03-08', 1), addDays('2026-02-28', 1), monthEnd('2028-02-10')]).toEqual([
    '2026-03-09',
    '2026-03-01',
    '2028-02-29',
  ])
  expect([weekStart('2026-11-22'), weekStart('2026-11-23')]).toEqual(['2026-11-16', '2026-11-23'])
})

test('filters compare fields', () => {
  const fields = { status: 'done', tokens: 5, bot_id: null }
  const is = (op: 'is' | 'is_not' | 'at_least' | 'at_most', field: string, ...values: (string | number)[]) =>
    matches([{ field, op, values }], fields)
  expect(is('is', 'status', 'failed', 'done')).toBe(true)
  expect(is('is_not', 'status', 'failed', 'done')).toBe(false)
  expect(is('is_not', 'bot_id', 'x')).toBe(true)
  expect(is('is', 'bot_id', 'x')).toBe(false)
  expect([is('at_least', 'tokens', 5), is('at_most', 'tokens', 4), is('at_least', 'status', 1)]).toEqual([
    true,
    false,
    false,
  ])
})

test('several conditions may each be met at their own time', () => {
  const rule: Rule = {
    match: 'all',
    conditions: [
      { type: 'count', event, filters: [], window: { unit: 'day' } },
      { type: 'streak', event, filters: [], per_day: 1 },
    ],
    tiers: [{ tier: 'bronze', goals: [2, 3], points: 1, rewards: { membership: null } }],
  }
  const simulation = createSimulation(rule, nothing)
  for (const offset of [0, 0, 10, 11, 12]) simulation.apply(fact(offset))
  expect(simulation.finish('2026-12-31T00:00:00.000Z')).toMatchObject([
    { tier: { tier: 'bronze' }, at: '2026-01-13T12:00:00.000Z' },
  ])
  const anyOf: Rule = { ...rule, match: 'any' }
  expect(tiersMet(anyOf, [2, 0])).toHaveLength(1)
  expect(tiersMet(rule, [2, 2])).toHaveLength(0)
  const [tier] = rule.tiers
  if (!tier) throw new Error('no tier')
  expect([fractionTo(rule, tier, [1, 3]), fractionTo(anyOf, tier, [1, 0])]).toEqual([0.75, 0.5])
  expect(tiersMet(counting(event, 1, 5), [7])).toHaveLength(2)
})
