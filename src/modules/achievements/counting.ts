import type { Transaction } from 'kysely'
import { measured, type Surroundings, tiersMet } from './evaluate.ts'
import { type Range, tallyStore } from './history-store.ts'
import { isRank, type Rule, type TierName } from './rule.ts'
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
  type Tally,
  valueAround,
  valueEver,
} from './tally.ts'
import { type Unlock, unlockStore } from './unlock-store.ts'
import type { Unlocking } from './unlocking.ts'

type Tx = Transaction<AchievementsTables>
type Amounts = Entry & { version_id: string }

/** One fact, and the rules that it concerns. */
type Count = {
  userId: string
  fact: Fact
  rules: readonly LiveRule[]
  unlocks: readonly Unlock[]
  around: (unlocks: readonly Unlock[]) => Promise<Surroundings>
}

export const hasUnlocked =
  (unlocks: readonly Unlock[]) =>
  (achievementId: string, tier: TierName | null): boolean =>
    unlocks.some(unlock => unlock.achievement_id === achievementId && (tier === null || unlock.tier === tier))

/** Whether there is nothing left to reach: then nothing is counted any more either. */
export const isComplete = ({ achievement_id, rule }: LiveRule, unlocks: readonly Unlock[]): boolean =>
  rule.tiers.every(({ tier }) => hasUnlocked(unlocks)(achievement_id, tier))

/**
 * Adds a fact to the tallies of all rules that it concerns, and unlocks what it reaches: three queries however many
 * rules there are, besides what an unlocking takes. The caller holds the user's lock.
 */
export async function countFact(tx: Tx, unlocking: Unlocking, count: Count): Promise<void> {
  const { userId, fact, unlocks } = count
  const rules = count.rules.filter(
    live => !isComplete(live, unlocks) && live.rule.conditions.some(condition => concerns(condition, fact)),
  )
  if (rules.length === 0) return
  const tallies = await readTallies(tx, userId, rules, (rule, i) =>
    touches(rule, i, fact) ? rangeAround(rule, i, fact) : [],
  )
  const around = await count.around(unlocks)
  const changed: Amounts[] = []
  const reached = []
  for (const live of rules) {
    const tally = tallies(live)
    const entries = entriesOf(live.rule, fact)
    for (const entry of entries) addEntry(tally(entry.condition), entry)
    changed.push(...totals(live, entries, tally), ...(await takePlaces(tx, live, fact, tally)))
    const values = live.rule.conditions.map((condition, i) => {
      const kept = tally(i).get('')?.get(best) ?? 0
      if (isRank(condition)) return tally(i).get('')?.get(always) ?? 0
      if (!concerns(condition, fact) && condition.type !== 'prerequisite') return kept
      return Math.max(kept, measured(condition, valueAround(condition, tally(i), fact.day), around))
    })
    changed.push(...bestsOf(live.rule, values).map(entry => ({ ...entry, version_id: live.version_id })))
    reached.push({ live, tiers: tiersMet(live.rule, values) })
  }
  await tallyStore.write(tx, userId, changed)
  for (const { live, tiers } of reached) {
    const missing = tiers.filter(({ tier }) => !hasUnlocked(unlocks)(live.achievement_id, tier))
    await unlocking.grant(
      tx,
      userId,
      live,
      missing.map(tier => ({ tier, at: fact.occurred_at })),
    )
  }
}

/** Takes an undone fact out of the tallies again. What it has unlocked stays. The caller holds the user's lock. */
export async function uncountFact(
  tx: Tx,
  count: Omit<Count, 'around'> & { around: Surroundings },
): Promise<void> {
  const { userId, fact, unlocks, around } = count
  const rules = count.rules.filter(
    live => !isComplete(live, unlocks) && entriesOf(live.rule, fact).length > 0,
  )
  if (rules.length === 0) return
  const everything: [string, string][] = [[always, best]]
  const tallies = await readTallies(tx, userId, rules, (rule, i) =>
    touches(rule, i, fact) ? everything : [],
  )
  const changed: Amounts[] = []
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
  await tallyStore.write(tx, userId, changed)
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
  }: { live: LiveRule; index: number; place: number; at: string } & Pick<Count, 'userId' | 'around'>,
): Promise<void> {
  const { version_id, rule } = live
  const { unlocks } = await unlockStore.standing(tx, userId)
  if (isComplete(live, unlocks)) return
  const around = await surroundingsOf(unlocks)
  const tally = (await readTallies(tx, userId, [live], () => []))(live)
  const earlier = tally(index).get('')?.get(always) ?? place
  const bestPlace = Math.min(earlier, place)
  const entry = { version_id, condition: index, value: '', day: always, amount: bestPlace }
  await tallyStore.write(tx, userId, [entry])
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

function rangeAround(rule: Rule, index: number, fact: Fact): [string, string][] {
  const condition = rule.conditions[index]
  return condition ? [daysAround(condition, rule, index, fact.day)] : []
}

/** The amounts that conditions need, their best values and places included. */
async function readTallies(
  tx: Tx,
  userId: string,
  rules: readonly LiveRule[],
  rangesOf: (rule: Rule, condition: number) => [string, string][],
) {
  const ranges: Range[] = []
  for (const { version_id, rule } of rules) {
    for (const [condition, definition] of rule.conditions.entries()) {
      const wanted = rangesOf(rule, condition)
      const whole = wanted.some(([from, to]) => from === always && to === best)
      if (rule.conditions.length > 1 && !whole) wanted.push([best, best])
      if (isRank(definition) && !wanted.some(([from]) => from === always)) wanted.push([always, always])
      for (const [from, to] of wanted) ranges.push({ version_id, condition, from, to })
    }
  }
  const tallies = new Map<string, Tally>()
  const tallyOf = (key: string): Tally => {
    const tally = tallies.get(key) ?? new Map()
    tallies.set(key, tally)
    return tally
  }
  for (const { version_id, ...entry } of await tallyStore.read(tx, userId, ranges))
    addEntry(tallyOf(`${version_id} ${entry.condition}`), entry)
  return ({ version_id }: LiveRule) =>
    (condition: number): Tally =>
      tallyOf(`${version_id} ${condition}`)
}

/** The new totals of the amounts that entries changed. */
const totals = (
  { version_id }: LiveRule,
  entries: readonly Entry[],
  tally: (condition: number) => Tally,
): Amounts[] =>
  entries.map(({ condition, value, day }) => ({
    version_id,
    condition,
    value,
    day,
    amount: tally(condition).get(value)?.get(day) ?? 0,
  }))

/** Gives the user a place in each condition of the kind `first` that the fact meets for the first time. */
async function takePlaces(
  tx: Tx,
  { version_id, rule }: LiveRule,
  fact: Fact,
  tally: (condition: number) => Tally,
): Promise<Amounts[]> {
  const taken: Amounts[] = []
  for (const [index, condition] of rule.conditions.entries()) {
    if (condition.type !== 'first' || !concerns(condition, fact)) continue
    if (tally(index).get('')?.has(always)) continue
    const place = await tallyStore.takePlace(tx, version_id, index, placesOf(rule, index))
    if (place === null) continue
    const entry = { condition: index, value: '', day: always, amount: place }
    addEntry(tally(index), entry)
    taken.push({ ...entry, version_id })
  }
  return taken
}

/** How many places a rank has: those of its easiest tier. */
export const placesOf = (rule: Rule, index: number): number =>
  Math.max(...rule.tiers.map(({ goals }) => goals[index] ?? 1))
