import type {
  Condition,
  ConditionType,
  CountableEvent,
  DefinitionInput,
  EventField,
  Filter,
  Rule,
  Tier,
} from '#api/achievements.ts'
import { tierNames } from '#api/achievements.ts'

/** The order of the form's menu: what is needed most comes first. */
export const conditionTypes: readonly ConditionType[] = [
  'count',
  'streak',
  'distinct',
  'sum',
  'set',
  'first',
  'top',
  'prerequisite',
]

const firstEvent = 'chat.message.posted'

export const freshCondition: Condition = {
  type: 'count',
  event: firstEvent,
  filters: [],
  window: { unit: 'all' },
}

export const freshDefinition: DefinitionInput = {
  names: { 'zh-CN': '', en: '' },
  descriptions: { 'zh-CN': '', en: '' },
  icon: '🏅',
  is_hidden: false,
  is_enabled: true,
  position: 1000,
  rule: {
    match: 'all',
    conditions: [freshCondition],
    tiers: [{ tier: 'bronze', goals: [10], points: 10, rewards: { membership: null } }],
  },
}

/** The same event and filters as another kind of condition, as far as that has them. */
export function changeType(condition: Condition, type: ConditionType): Condition {
  const event = 'event' in condition ? condition.event : firstEvent
  const filters = 'filters' in condition ? condition.filters : []
  const window = 'window' in condition ? condition.window : { unit: 'all' as const }
  switch (type) {
    case 'count':
      return { type, event, filters, window }
    case 'sum':
    case 'distinct':
      return { type, event, filters, window, field: '' }
    case 'streak':
      return { type, event, filters, per_day: 1 }
    case 'first':
      return { type, event, filters }
    case 'set':
      return { type, category: null }
    case 'top':
      return { type }
    case 'prerequisite':
      return { type, achievement_id: '', tier: null }
  }
}

export const fieldsOf = (events: readonly CountableEvent[], event: string): readonly EventField[] =>
  events.find(({ name }) => name === event)?.fields ?? []

/** A filter's values from what was typed: numbers for fields with numbers, several texts between commas. */
export function parseValues(field: EventField | undefined, typed: readonly string[]): Filter['values'] {
  const texts = typed.map(text => text.trim()).filter(text => text !== '')
  return field?.kind === 'number' ? texts.map(Number).filter(Number.isFinite) : texts
}

export function addCondition(rule: Rule): Rule {
  return {
    ...rule,
    conditions: [...rule.conditions, freshCondition],
    tiers: rule.tiers.map(tier => ({ ...tier, goals: [...tier.goals, 1] })),
  }
}

export function removeCondition(rule: Rule, index: number): Rule {
  return {
    ...rule,
    conditions: rule.conditions.filter((_, i) => i !== index),
    tiers: rule.tiers.map(tier => ({ ...tier, goals: tier.goals.filter((_, i) => i !== index) })),
  }
}

const isRank = ({ type }: Condition) => type === 'first' || type === 'top'

/** The next harder tier: goals twice as far, or ranks half as deep. */
export function addTier(rule: Rule): Rule {
  const last = rule.tiers.at(-1)
  const tier = tierNames.find(name => !rule.tiers.some(other => other.tier === name))
  if (!last || !tier) return rule
  const goals = rule.conditions.map((condition, i) => {
    const goal = last.goals[i] ?? 1
    if (condition.type === 'prerequisite') return 1
    if (isRank(condition)) return Math.max(1, Math.floor(goal / 2))
    return condition.type === 'set' ? Math.min(100, goal * 2) : goal * 2
  })
  const next: Tier = { tier, goals, points: last.points * 2, rewards: { membership: null } }
  return { ...rule, tiers: [...rule.tiers, next] }
}
