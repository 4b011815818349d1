import { addDays, type Day, monthEnd, monthStart, weekStart } from './days.ts'
import { type Condition, eventOf, type Filter, isRank, type Rule } from './rule.ts'

/** Something that a user did, as it is kept. */
export type Fact = {
  id: string
  user_id: string
  event: string
  occurred_at: string
  /** The calendar day that it was for the user then. A later change of the time zone does not move it. */
  day: Day
  fields: Record<string, string | number | boolean | null>
}

/**
 * What is counted of one user for one condition: amounts by value (of `distinct` and `set`; otherwise '') and day.
 * All-time amounts stand under the day `always`, and so does the place of a rank; `best` holds the best value so far.
 */
export type Entry = { condition: number; value: string; day: Day; amount: number }
export type Tally = Map<string, Map<Day, number>>

export const always: Day = '0001-01-01'
export const best: Day = '9999-12-31'

export function matches(filters: readonly Filter[], fields: Fact['fields']): boolean {
  return filters.every(({ field, op, values }) => {
    const value = fields[field] ?? null
    if (op === 'is') return value !== null && values.includes(value)
    if (op === 'is_not') return value === null || !values.includes(value)
    const [limit] = values
    if (typeof value !== 'number' || typeof limit !== 'number') return false
    return op === 'at_least' ? value >= limit : value <= limit
  })
}

/** Whether a fact counts for a condition. */
export function concerns(condition: Condition, fact: Fact): boolean {
  if (eventOf(condition) !== fact.event) return false
  switch (condition.type) {
    case 'set':
      return condition.category === null || fact.fields.category === condition.category
    case 'prerequisite':
      return fact.fields.achievement_id === condition.achievement_id
    case 'top':
      return false
    default:
      return matches(condition.filters, fact.fields)
  }
}

/** What a fact adds to the tallies of a rule. Places of a rank are given elsewhere, one after another. */
export function entriesOf(rule: Rule, fact: Fact): Entry[] {
  const entries: Entry[] = []
  for (const [index, condition] of rule.conditions.entries()) {
    if (!concerns(condition, fact)) continue
    const add = (value: string, day: Day, amount: number) => {
      if (amount !== 0) entries.push({ condition: index, value, day, amount })
    }
    switch (condition.type) {
      case 'count':
        add('', dayOf(condition, fact), 1)
        break
      case 'streak':
        add('', fact.day, 1)
        break
      case 'sum': {
        const amount = fact.fields[condition.field]
        if (typeof amount === 'number') add('', dayOf(condition, fact), amount)
        break
      }
      case 'distinct':
      case 'set': {
        const value = fact.fields[condition.type === 'set' ? 'template_id' : condition.field]
        const day = condition.type === 'set' ? always : dayOf(condition, fact)
        if (value !== null && value !== undefined) add(String(value), day, 1)
      }
    }
  }
  return entries
}

const dayOf = ({ window }: { window: { unit: string } }, fact: Fact): Day =>
  window.unit === 'all' ? always : fact.day

export function addEntry(tally: Tally, { value, day, amount }: Entry): void {
  const days = tally.get(value) ?? new Map<Day, number>()
  days.set(day, (days.get(day) ?? 0) + amount)
  tally.set(value, days)
}

export function setEntry(tally: Tally, { value, day, amount }: Entry): void {
  const days = tally.get(value) ?? new Map<Day, number>()
  tally.set(value, days.set(day, amount))
}

const amountOn = (tally: Tally, day: Day): number => tally.get('')?.get(day) ?? 0

/**
 * Whether entries that were just added may have raised what a condition comes to: not a further event on a day that
 * counts in a streak already, nor a value that was there on that day.
 */
export function mayRaise(condition: Condition, tally: Tally, added: readonly Entry[]): boolean {
  const amounts = added.map(({ value, day }) => tally.get(value)?.get(day) ?? 0)
  if (condition.type === 'streak') return amounts.includes(condition.per_day)
  return condition.type !== 'distinct' || amounts.includes(1)
}

/** The days whose amounts decide what a condition comes to in the windows around a day. */
export function daysAround(condition: Condition, rule: Rule, index: number, day: Day): [Day, Day] {
  if (condition.type === 'streak') {
    const goals = rule.tiers.map(tier => tier.goals[index] ?? 1)
    const longest = Math.ceil(Math.max(...goals))
    return [addDays(day, -longest), addDays(day, longest)]
  }
  if (!('window' in condition)) return [always, always]
  const { unit, days = 1 } = condition.window
  if (unit === 'all') return [always, always]
  if (unit === 'rolling') return [addDays(day, 1 - days), addDays(day, days - 1)]
  return calendarWindow(unit, day)
}

function calendarWindow(unit: 'day' | 'week' | 'month', day: Day): [Day, Day] {
  if (unit === 'day') return [day, day]
  if (unit === 'month') return [monthStart(day), monthEnd(day)]
  return [weekStart(day), addDays(weekStart(day), 6)]
}

/** The most that a condition came to in any window that holds the day: what a fact of that day may have reached. */
export function valueAround(condition: Condition, tally: Tally, day: Day): number {
  if (condition.type === 'streak') {
    const counts = (other: Day) => amountOn(tally, other) >= condition.per_day
    if (!counts(day)) return 0
    let length = 1
    for (let other = addDays(day, -1); counts(other); other = addDays(other, -1)) length++
    for (let other = addDays(day, 1); counts(other); other = addDays(other, 1)) length++
    return length
  }
  if (!('window' in condition)) return isRank(condition) ? amountOn(tally, always) : valueIn(condition, tally)
  const { unit, days = 1 } = condition.window
  if (unit === 'all') return valueIn(condition, tally, always, always)
  if (unit !== 'rolling') return valueIn(condition, tally, ...calendarWindow(unit, day))
  // A window that ends on a day without facts holds no more than the one that ends on the last fact in it.
  const last = addDays(day, days - 1)
  const ends = new Set([day])
  for (const amounts of tally.values())
    for (const other of amounts.keys()) if (other > day && other <= last) ends.add(other)
  return Math.max(...[...ends].map(end => valueIn(condition, tally, addDays(end, 1 - days), end)))
}

/** What a condition comes to now: in the running window, or as a streak that may still go on. */
export function valueNow(condition: Condition, tally: Tally, today: Day): number {
  if (condition.type === 'streak') {
    const running = valueAround(condition, tally, today)
    return running > 0 ? running : valueAround(condition, tally, addDays(today, -1))
  }
  if ('window' in condition && condition.window.unit === 'rolling')
    return valueIn(condition, tally, addDays(today, 1 - (condition.window.days ?? 1)), today)
  return valueAround(condition, tally, today)
}

/** The most that a condition ever came to, by all that is counted. */
export function valueEver(condition: Condition, tally: Tally): number {
  const days = new Set<Day>()
  for (const amounts of tally.values()) for (const day of amounts.keys()) if (day !== best) days.add(day)
  let most = 0
  for (const day of days) most = Math.max(most, valueAround(condition, tally, day))
  return most
}

/** Sum of the amounts, or number of the values, within days. */
function valueIn(condition: Condition, tally: Tally, from: Day = always, to: Day = always): number {
  const isDistinct = condition.type === 'distinct' || condition.type === 'set'
  let total = 0
  for (const amounts of tally.values()) {
    const inside = sumBetween(amounts, from, to)
    total += isDistinct ? Number(inside > 0) : inside
  }
  return total
}

function sumBetween(amounts: Map<Day, number>, from: Day, to: Day): number {
  if (from === to) return amounts.get(from) ?? 0
  let sum = 0
  for (const [day, amount] of amounts) if (day >= from && day <= to) sum += amount
  return sum
}
