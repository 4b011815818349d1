import { measured, type Surroundings, tiersMet } from './evaluate.ts'
import { isRank, type Rule, type Tier } from './rule.ts'
import {
  addEntry,
  always,
  best,
  concerns,
  type Entry,
  entriesOf,
  type Fact,
  mayRaise,
  type Tally,
  valueAround,
} from './tally.ts'

/** The places that a user has in ranks, by condition. */
export type Places = ReadonlyMap<number, number>

export type Simulation = ReturnType<typeof createSimulation>

const noPlaces: Places = new Map()

/**
 * Counts one user's facts by a rule, without a database: what a replay stores and what a preview shows. Facts come in
 * the order in which they happened; undone ones are left out.
 */
export function createSimulation(rule: Rule, around: Surroundings) {
  const tallies: Tally[] = rule.conditions.map(() => new Map())
  const values = rule.conditions.map(condition => measured(condition, 0, around))
  const reached = new Map<string, { tier: Tier; at: string }>()
  const tallyOf = (index: number): Tally => tallies[index] ?? new Map()

  function evaluate(at: string) {
    for (const tier of tiersMet(rule, values))
      if (!reached.has(tier.tier)) reached.set(tier.tier, { tier, at })
  }

  return {
    apply(fact: Fact, places = noPlaces): void {
      if (!rule.conditions.some(condition => concerns(condition, fact))) return
      const entries = entriesOf(rule, fact)
      for (const entry of entries) addEntry(tallyOf(entry.condition), entry)
      for (const [i, condition] of rule.conditions.entries()) {
        if (isRank(condition)) values[i] = places.get(i) ?? 0
        else if (concerns(condition, fact)) {
          const own = entries.filter(entry => entry.condition === i)
          if (!mayRaise(condition, tallyOf(i), own)) continue
          const value = measured(condition, valueAround(condition, tallyOf(i), fact.day), around)
          values[i] = Math.max(values[i] ?? 0, value)
        }
      }
      evaluate(fact.occurred_at)
    },
    /** Whether every tier is reached: further facts change nothing. */
    isDone: (): boolean => reached.size === rule.tiers.length,
    /** The tiers that were reached, in order, by `at` at the latest. */
    finish(at: string, places = noPlaces): { tier: Tier; at: string }[] {
      for (const [i, condition] of rule.conditions.entries())
        if (isRank(condition)) values[i] = places.get(i) ?? 0
      evaluate(at)
      return [...reached.values()]
    },
    /** What has to be stored so that counting can go on. */
    entries(places = noPlaces): Entry[] {
      const counted = tallies.flatMap((tally, condition) =>
        [...tally].flatMap(([value, days]) =>
          [...days].map(([day, amount]) => ({ condition, value, day, amount })),
        ),
      )
      const placed = rule.conditions.flatMap((condition, i) => {
        const place = isRank(condition) ? places.get(i) : undefined
        return place === undefined ? [] : [{ condition: i, value: '', day: always, amount: place }]
      })
      return [...counted, ...placed, ...bestsOf(rule, values)]
    },
  }
}

/**
 * The best values so far, kept only where several conditions are met at different times: with a single one what is
 * reached is unlocked at once.
 */
export function bestsOf(rule: Rule, values: readonly number[]): Entry[] {
  if (rule.conditions.length === 1) return []
  return rule.conditions.flatMap((condition, i) =>
    isRank(condition) || condition.type === 'prerequisite'
      ? []
      : [{ condition: i, value: '', day: best, amount: values[i] ?? 0 }],
  )
}
