import type { Transaction } from 'kysely'
import { measured, type Surroundings, tiersMet } from './evaluate.ts'
import { type Amount, type Range, tallyStore } from './history-store.ts'
import { type Condition, isRank, type Rule } from './rule.ts'
import type { LiveRule } from './rule-book.ts'
import { bestsOf } from './simulation.ts'
import type { AchievementsTables } from './tables.ts'
import {
  addEntry,
  always,
  best,
  concerns,
  daysAround,
  type Entry,
  entriesOf,
  type Fact,
  mayRaise,
  setEntry,
  type Tally,
  valueAround,
  valueEver,
} from './tally.ts'
import { hasUnlocked, type Unlocked, unlockKey, unlockStore } from './unlock-store.ts'
import type { Unlocking } from './unlocking.ts'

type Tx = Transaction<AchievementsTables>
type Days = [string, string]

/** Whether there is nothing left to reach: then nothing is counted any more either. */
export const isComplete = ({ achievement_id, rule }: LiveRule, unlocked: Unlocked): boolean =>
  rule.tiers.every(({ tier }) => hasUnlocked(unlocked, achievement_id, tier))

/**
 * The amounts that counting facts of one day begins with. What a streak needs besides is read when a fact makes a day
 * of it.
 */
export function rangesAround(rules: readonly LiveRule[], facts: readonly Fact[]): Range[] {
  const day = facts[0]?.day ?? always
  const isConcerned = (condition: Condition) => facts.some(fact => concerns(condition, fact))
  return rangesOf(
    rules.filter(({ rule }) => rule.conditions.some(isConcerned)),
    (rule, i) => {
      const condition = rule.conditions[i]
      if (!condition || !isConcerned(condition)) return []
      return condition.type === 'streak' ? [[day, day]] : [daysAround(condition, rule, i, day)]
    },
  )
}

/** Facts of one user and one day, in order, and the rules that they may concern. */
export type Count = {
  userId: string
  facts: readonly Fact[]
  rules: readonly LiveRule[]
  unlocked: Unlocked
  /** Those in `rangesAround`. */
  amounts: readonly Amount[]
  around: (unlocked: Unlocked) => Promise<Surroundings>
}

/** The places that facts were given, by their ids. */
type Places = ReadonlyMap<string, readonly Amount[]>

/**
 * Gives each user a place in each condition of the kind `first` that they meet for the first time: to those first
 * whose facts come first in `facts`, which holds those of all counts.
 */
export async function takePlaces(tx: Tx, facts: readonly Fact[], counts: readonly Count[]): Promise<Places> {
  const countOf = new Map(counts.map(count => [count.userId, count]))
  const given = new Map<string, Amount[]>()
  const placeKey = ({ version_id, condition }: Pick<Amount, 'version_id' | 'condition'>) =>
    `${version_id} ${condition}`
  const gone = new Set<string>()
  const held = new Set<string>()
  for (const { userId, amounts } of counts)
    for (const amount of amounts) if (amount.day === always) held.add(`${userId} ${placeKey(amount)}`)
  for (const fact of facts) {
    const count = countOf.get(fact.user_id)
    if (!count?.facts.includes(fact)) continue
    for (const live of count.rules) {
      if (isComplete(live, count.unlocked)) continue
      const { version_id, rule } = live
      for (const condition of firstsMet(rule, fact)) {
        const key = placeKey({ version_id, condition })
        const own = `${fact.user_id} ${key}`
        if (gone.has(key) || held.has(own)) continue
        const place = await tallyStore.takePlace(tx, version_id, condition, placesOf(rule, condition))
        if (place === null) {
          gone.add(key)
          continue
        }
        held.add(own)
        const amount = { version_id, condition, value: '', day: always, amount: place }
        given.set(fact.id, [...(given.get(fact.id) ?? []), amount])
      }
    }
  }
  return given
}

/**
 * Adds facts to the tallies of all rules that they concern, and unlocks what they reach. Without a query, besides what
 * an unlocking takes, and one where a fact makes a day of a streak. Returns the tallies' new amounts, for the caller to
 * write, who holds the user's lock.
 */
export async function countFacts(
  tx: Tx,
  unlocking: Unlocking,
  count: Count,
  places: Places,
): Promise<Amount[]> {
  const { userId, facts } = count
  const tallies = talliesOf(count.amounts)
  const unlocked = new Set(count.unlocked)
  const around = await count.around(unlocked)
  const changed = new Map<string, Amount>()
  for (const fact of facts) {
    const rules = count.rules.filter(
      live =>
        !isComplete(live, unlocked) && live.rule.conditions.some(condition => concerns(condition, fact)),
    )
    if (rules.length === 0) continue
    const given = places.get(fact.id) ?? []
    const { amounts, reached } = await countFact(tx, { userId, fact, rules, tallies, around, given })
    for (const amount of amounts) {
      const { version_id, condition, value, day } = amount
      changed.set(`${version_id} ${condition} ${day} ${value}`, amount)
    }
    for (const { live, tiers } of reached) {
      const missing = tiers.filter(({ tier }) => !hasUnlocked(unlocked, live.achievement_id, tier))
      const unlocks = missing.map(tier => ({ tier, at: fact.occurred_at }))
      await unlocking.grant(tx, userId, live, unlocks)
      for (const { tier } of missing) unlocked.add(unlockKey(live.achievement_id, tier))
    }
  }
  return [...changed.values()]
}

/** Adds one fact to the tallies; which amounts changed, and which tiers its rules come to. */
async function countFact(
  tx: Tx,
  {
    userId,
    fact,
    rules,
    tallies,
    around,
    given,
  }: {
    userId: string
    fact: Fact
    rules: readonly LiveRule[]
    tallies: Tallies
    around: Surroundings
    given: readonly Amount[]
  },
) {
  const added = new Map(rules.map(live => [live, entriesOf(live.rule, fact)]))
  for (const [live, entries] of added)
    for (const entry of entries) addEntry(tallies(live)(entry.condition), entry)
  await readStreaks(tx, userId, fact, added, tallies)
  const amounts: Amount[] = []
  const reached = []
  for (const [live, entries] of added) {
    const tally = tallies(live)
    const places = given.filter(place => place.version_id === live.version_id)
    for (const place of places) addEntry(tally(place.condition), place)
    amounts.push(...totals(live, entries, tally), ...places)
    const values = live.rule.conditions.map((condition, i) => {
      const kept = tally(i).get('')?.get(best) ?? 0
      if (isRank(condition)) return tally(i).get('')?.get(always) ?? 0
      if (condition.type !== 'prerequisite') {
        if (!concerns(condition, fact)) return kept
        const own = entries.filter(entry => entry.condition === i)
        if (!mayRaise(condition, tally(i), own)) return kept
      }
      return Math.max(kept, measured(condition, valueAround(condition, tally(i), fact.day), around))
    })
    for (const entry of bestsOf(live.rule, values)) {
      setEntry(tally(entry.condition), entry)
      amounts.push({ ...entry, version_id: live.version_id })
    }
    reached.push({ live, tiers: tiersMet(live.rule, values) })
  }
  return { amounts, reached }
}

/** Reads the other days of the streaks that a fact made a day of: mostly the first one of a day. */
async function readStreaks(
  tx: Tx,
  userId: string,
  fact: Fact,
  added: ReadonlyMap<LiveRule, Entry[]>,
  tallies: Tallies,
): Promise<void> {
  const ranges: Range[] = []
  for (const [live, entries] of added)
    for (const entry of entries) {
      const condition = live.rule.conditions[entry.condition]
      if (condition?.type !== 'streak' || !mayRaise(condition, tallies(live)(entry.condition), [entry]))
        continue
      const [from, to] = daysAround(condition, live.rule, entry.condition, fact.day)
      ranges.push({ version_id: live.version_id, condition: entry.condition, from, to })
    }
  for (const amount of await tallyStore.read(tx, userId, ranges))
    if (amount.day !== fact.day) addEntry(tallies(amount)(amount.condition), amount)
}

/** Takes an undone fact out of the tallies again. What it has unlocked stays. The caller holds the user's lock. */
export async function uncountFact(
  tx: Tx,
  count: { userId: string; fact: Fact; rules: readonly LiveRule[]; unlocked: Unlocked; around: Surroundings },
): Promise<void> {
  const { userId, fact, unlocked, around } = count
  const rules = count.rules.filter(
    live => !isComplete(live, unlocked) && entriesOf(live.rule, fact).length > 0,
  )
  if (rules.length === 0) return
  const everything: Days[] = [[always, best]]
  const ranges = rangesOf(rules, (rule, i) => (touches(rule, i, fact) ? everything : []))
  const tallies = talliesOf(await tallyStore.read(tx, userId, ranges))
  const changed: Amount[] = []
  for (const live of rules) {
    const tally = tallies(live)
    const entries = entriesOf(live.rule, fact).map(entry => ({ ...entry, amount: -entry.amount }))
    for (const entry of entries) addEntry(tally(entry.condition), entry)
    changed.push(...totals(live, entries, tally))
    const values = live.rule.conditions.map((condition, i) =>
      touches(live.rule, i, fact)
        ? measured(condition, valueEver(condition, tally(i)), around)
        : (tally(i).get('')?.get(best) ?? 0),
    )
    changed.push(...bestsOf(live.rule, values).map(entry => ({ ...entry, version_id: live.version_id })))
  }
  await tallyStore.write(
    tx,
    changed.map(amount => ({ ...amount, user_id: userId })),
  )
}

/** Notes a user's place in a rank that is looked at from time to time, and unlocks what it reaches. */
export async function countPlace(
  tx: Tx,
  unlocking: Unlocking,
  {
    userId,
    live,
    index,
    place,
    at,
    around: surroundingsOf,
  }: {
    userId: string
    live: LiveRule
    index: number
    place: number
    at: string
    around: (unlocked: Unlocked) => Promise<Surroundings>
  },
): Promise<void> {
  const { version_id, rule } = live
  const unlocked = await unlockStore.of(tx, userId)
  if (isComplete(live, unlocked)) return
  const around = await surroundingsOf(unlocked)
  const tally = talliesOf(
    await tallyStore.read(
      tx,
      userId,
      rangesOf([live], () => []),
    ),
  )(live)
  const earlier = tally(index).get('')?.get(always) ?? place
  const bestPlace = Math.min(earlier, place)
  const entry = { user_id: userId, version_id, condition: index, value: '', day: always, amount: bestPlace }
  await tallyStore.write(tx, [entry])
  const values = rule.conditions.map((condition, i) => {
    if (i === index) return bestPlace
    if (condition.type === 'prerequisite') return measured(condition, 0, around)
    return (
      tally(i)
        .get('')
        ?.get(isRank(condition) ? always : best) ?? 0
    )
  })
  const reached = tiersMet(rule, values).map(tier => ({ tier, at }))
  await unlocking.grant(tx, userId, live, reached)
}

const touches = (rule: Rule, index: number, fact: Fact): boolean => {
  const condition = rule.conditions[index]
  return condition !== undefined && concerns(condition, fact)
}

/** The days that conditions want, and their best values and places. */
function rangesOf(
  rules: readonly LiveRule[],
  wantedOf: (rule: Rule, condition: number) => readonly Days[],
): Range[] {
  const ranges: Range[] = []
  for (const { version_id, rule } of rules) {
    for (const [condition, definition] of rule.conditions.entries()) {
      const wanted = [...wantedOf(rule, condition)]
      const whole = wanted.some(([from, to]) => from === always && to === best)
      if (rule.conditions.length > 1 && !whole) wanted.push([best, best])
      if (isRank(definition) && !wanted.some(([from]) => from === always)) wanted.push([always, always])
      for (const [from, to] of wanted) ranges.push({ version_id, condition, from, to })
    }
  }
  return ranges
}

type Tallies = (live: Pick<LiveRule, 'version_id'>) => (condition: number) => Tally

function talliesOf(amounts: readonly Amount[]): Tallies {
  const tallies = new Map<string, Tally>()
  const tallyOf = (key: string): Tally => {
    const tally = tallies.get(key) ?? new Map()
    tallies.set(key, tally)
    return tally
  }
  for (const { version_id, ...entry } of amounts) addEntry(tallyOf(`${version_id} ${entry.condition}`), entry)
  return ({ version_id }) =>
    condition =>
      tallyOf(`${version_id} ${condition}`)
}

/** The new totals of the amounts that entries changed. */
const totals = (
  { version_id }: LiveRule,
  entries: readonly Entry[],
  tally: (condition: number) => Tally,
): Amount[] =>
  entries.map(({ condition, value, day }) => ({
    version_id,
    condition,
    value,
    day,
    amount: tally(condition).get(value)?.get(day) ?? 0,
  }))

/** The conditions of the kind `first` that a fact meets. */
export const firstsMet = (rule: Rule, fact: Fact): number[] =>
  rule.conditions.flatMap((condition, i) =>
    condition.type === 'first' && concerns(condition, fact) ? [i] : [],
  )

/** How many places a rank has: those of its easiest tier. */
export const placesOf = (rule: Rule, index: number): number =>
  Math.max(...rule.tiers.map(({ goals }) => goals[index] ?? 1))
