import { type Condition, isRank, type Rule, type Tier, type TierName } from './rule.ts'

/** What conditions are measured against besides the user's own facts. */
export type Surroundings = {
  /** How many different cards there are, of a category or in all. */
  setSize(category: string | null): number
  /** Whether the user has unlocked an achievement, at that tier if one is named. */
  hasUnlocked(achievementId: string, tier: TierName | null): boolean
}

/** What is compared with a goal: cards of a set in percent of all, a prerequisite as 0 or 1. */
export function measured(condition: Condition, value: number, around: Surroundings): number {
  if (condition.type === 'set') {
    const size = around.setSize(condition.category)
    return size === 0 ? 0 : Math.min(100, Math.floor((100 * value) / size))
  }
  if (condition.type === 'prerequisite')
    return Number(around.hasUnlocked(condition.achievement_id, condition.tier))
  return value
}

export const isMet = (condition: Condition, value: number, goal: number): boolean =>
  isRank(condition) ? value >= 1 && value <= goal : value >= goal

/** From 0 to 1: how far one condition is on its way to a goal. Places are reached or not. */
const fractionOf = (condition: Condition, value: number, goal: number): number =>
  isRank(condition) ? Number(isMet(condition, value, goal)) : Math.min(1, Math.max(0, value / goal))

/** The tiers that measured values of all conditions reach. */
export function tiersMet(rule: Rule, values: readonly number[]): Tier[] {
  return rule.tiers.filter(({ goals }) => {
    const met = rule.conditions.map((condition, i) => isMet(condition, values[i] ?? 0, goals[i] ?? 1))
    return rule.match === 'all' ? met.every(Boolean) : met.some(Boolean)
  })
}

/** From 0 to 1: how far a tier is. With several conditions the mean of all, or the best where one is enough. */
export function fractionTo(rule: Rule, tier: Tier, values: readonly number[]): number {
  const parts = rule.conditions.map((condition, i) =>
    fractionOf(condition, values[i] ?? 0, tier.goals[i] ?? 1),
  )
  return rule.match === 'all' ? parts.reduce((sum, part) => sum + part, 0) / parts.length : Math.max(...parts)
}
