import { z } from 'zod'

export const tierNames = ['bronze', 'silver', 'gold', 'platinum', 'diamond'] as const
export type TierName = (typeof tierNames)[number]

// Texts may be empty here: the check of a rule says it better than a schema that finds no fitting kind of condition.
const EventName = z.string().max(100).describe('The name of an event that achievements know.')
const FieldName = z.string().max(60)

export const Filter = z
  .object({
    field: FieldName,
    op: z.enum(['is', 'is_not', 'at_least', 'at_most']),
    values: z
      .array(z.union([z.string().max(200), z.number(), z.boolean()]))
      .max(50)
      .describe('`is`: any of them; `is_not`: none of them; `at_least` and `at_most`: one number.'),
  })
  .meta({ id: 'AchievementFilter' })
export type Filter = z.output<typeof Filter>

export const Window = z
  .object({
    unit: z.enum(['all', 'day', 'week', 'month', 'rolling']),
    days: z.int().min(2).max(366).optional().describe('Of a rolling window.'),
  })
  .describe('Calendar days, weeks from Monday and months are those of the user’s own time zone.')
  .meta({ id: 'AchievementWindow' })
export type Window = z.output<typeof Window>

const counted = { event: EventName, filters: z.array(Filter).max(10) }

/** What has to be reached; how much of it is a matter of the tier's goal. */
export const Condition = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('count'), ...counted, window: Window }),
    z.object({ type: z.literal('sum'), ...counted, field: FieldName, window: Window }),
    z.object({ type: z.literal('distinct'), ...counted, field: FieldName, window: Window }),
    z.object({
      type: z.literal('streak'),
      ...counted,
      per_day: z.int().min(1).max(10_000).describe('How many events make a day count.'),
    }),
    z.object({
      type: z.literal('set'),
      category: z.string().max(60).nullable().describe('Of cards; null: all together. Goals are percent.'),
    }),
    z.object({ type: z.literal('first'), ...counted }).describe('Among the first N people.'),
    z.object({ type: z.literal('top') }).describe('Among the first N of the leaderboard.'),
    z.object({
      type: z.literal('prerequisite'),
      achievement_id: z.string().max(36),
      tier: z.enum(tierNames).nullable().describe('Null: any tier.'),
    }),
  ])
  .meta({ id: 'AchievementCondition' })
export type Condition = z.output<typeof Condition>
export type ConditionOf<T extends Condition['type']> = Extract<Condition, { type: T }>

export const Rewards = z
  .object({
    membership: z
      .object({ plan: z.string().min(1).max(60), days: z.int().min(1).max(3660) })
      .nullable()
      .describe('Days of a plan.'),
  })
  .meta({ id: 'AchievementRewards' })
export type Rewards = z.output<typeof Rewards>

export const Tier = z
  .object({
    tier: z.enum(tierNames),
    goals: z.array(z.number().min(1)).min(1).max(5).describe('One for each condition, in their order.'),
    points: z.int().min(0).max(100_000),
    rewards: Rewards,
  })
  .meta({ id: 'AchievementTier' })
export type Tier = z.output<typeof Tier>

export const Rule = z
  .object({
    match: z.enum(['all', 'any']).describe('Whether all conditions have to be met or one is enough.'),
    conditions: z.array(Condition).min(1).max(5),
    tiers: z.array(Tier).min(1).max(5).describe('From the easiest to the hardest.'),
  })
  .meta({ id: 'AchievementRule' })
export type Rule = z.output<typeof Rule>

/** The lower the better: a place. */
export const isRank = ({ type }: Condition): boolean => type === 'first' || type === 'top'

/** The event of another module that a set of cards is counted from. */
export const setEvent = 'cards.card.redeemed'

/** Events that may change what a condition comes to. */
export function eventOf(condition: Condition): string | null {
  switch (condition.type) {
    case 'set':
      return setEvent
    case 'prerequisite':
      return 'achievements.achievement.unlocked'
    case 'top':
      return null
    default:
      return condition.event
  }
}

export const eventsOf = (rule: Rule): string[] => [
  ...new Set(rule.conditions.map(eventOf).filter(event => event !== null)),
]
