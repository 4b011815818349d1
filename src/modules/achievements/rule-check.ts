import type { InputIssue, Texts } from '#core/errors.ts'
import { type Condition, type Filter, isRank, type Rule } from './rule.ts'
import { commonFields, countable } from './sources.ts'

const texts = {
  event: { 'zh-CN': '没有这个事件。', en: 'There is no such event.' },
  field: { 'zh-CN': '这个事件没有此字段。', en: 'The event has no such field.' },
  number: { 'zh-CN': '此处需要一个数值字段。', en: 'A field with numbers is needed here.' },
  filter: {
    'zh-CN': '数值字段要填一个数字，文字字段只能用“是”或“不是”。',
    en: 'Give one number for a field with numbers; a text can only be, or not be, something.',
  },
  values: { 'zh-CN': '请填写要比较的值。', en: 'Say which value it is compared with.' },
  days: {
    'zh-CN': '请填写滚动窗口的天数（2–366）。',
    en: 'Say how many days the rolling window has (2–366).',
  },
  daysElsewhere: { 'zh-CN': '只有滚动窗口才有天数。', en: 'Only a rolling window has a number of days.' },
  goals: { 'zh-CN': '每个条件都要有一个目标值。', en: 'There must be one goal for each condition.' },
  whole: { 'zh-CN': '目标值必须是整数。', en: 'The goal must be a whole number.' },
  tooHigh: { 'zh-CN': '目标值超出了此条件的上限。', en: 'The goal is higher than this condition allows.' },
  order: {
    'zh-CN': '等级要从易到难：后一级的目标不能更容易。',
    en: 'Tiers go from the easiest to the hardest; this goal is easier than the one before.',
  },
  twice: { 'zh-CN': '同一等级出现了两次。', en: 'The same tier is given twice.' },
  self: { 'zh-CN': '前置成就不能形成循环。', en: 'Achievements cannot be each other’s prerequisite.' },
  prerequisite: { 'zh-CN': '没有这个前置成就。', en: 'There is no such achievement.' },
} satisfies Record<string, Texts>

/** The highest goal of each kind of condition. Distinct values of one user are all read when one is added. */
const highestGoal: Record<Condition['type'], number> = {
  count: 1e9,
  sum: 1e12,
  distinct: 1000,
  streak: 1000,
  set: 100,
  first: 100_000,
  top: 1000,
  prerequisite: 1,
}

/** What achievements need before others: `of(id)` is null for one that does not exist. */
export type Prerequisites = { self: string | null; of(id: string): readonly string[] | null }

/** Everything that keeps a rule from working, for the person who wrote it. Pointers lead into `/rule`. */
export function checkRule(rule: Rule, prerequisites: Prerequisites): InputIssue[] {
  const issues: InputIssue[] = []
  const complain = (pointer: string, text: Texts) => issues.push({ pointer: `/rule${pointer}`, detail: text })
  for (const [i, condition] of rule.conditions.entries())
    checkCondition(condition, prerequisites, (pointer, text) => complain(`/conditions/${i}${pointer}`, text))
  const seen = new Set<string>()
  for (const [i, tier] of rule.tiers.entries()) {
    if (seen.has(tier.tier)) complain(`/tiers/${i}/tier`, texts.twice)
    seen.add(tier.tier)
    if (tier.goals.length !== rule.conditions.length) {
      complain(`/tiers/${i}/goals`, texts.goals)
      continue
    }
    for (const [j, condition] of rule.conditions.entries()) {
      const goal = tier.goals[j] ?? 1
      const before = rule.tiers[i - 1]?.goals[j]
      const pointer = `/tiers/${i}/goals/${j}`
      if (!Number.isInteger(goal)) complain(pointer, texts.whole)
      if (goal > highestGoal[condition.type]) complain(pointer, texts.tooHigh)
      if (before !== undefined && (isRank(condition) ? goal > before : goal < before))
        complain(pointer, texts.order)
    }
  }
  return issues
}

type Complain = (pointer: string, text: Texts) => void

function checkCondition(condition: Condition, prerequisites: Prerequisites, complain: Complain) {
  if (condition.type === 'prerequisite') {
    if (prerequisites.of(condition.achievement_id) === null) complain('/achievement_id', texts.prerequisite)
    else if (leadsTo(condition.achievement_id, prerequisites)) complain('/achievement_id', texts.self)
  }
  if (!('event' in condition)) return
  const source = countable.find(({ event }) => event.name === condition.event)
  if (!source) return complain('/event', texts.event)
  const fields = [...source.fields, ...commonFields]
  const kindOf = (name: string) => fields.find(field => field.name === name)?.kind
  if ('field' in condition) {
    const kind = kindOf(condition.field)
    if (kind === undefined) complain('/field', texts.field)
    else if (condition.type === 'sum' && kind !== 'number') complain('/field', texts.number)
  }
  for (const [i, filter] of condition.filters.entries()) {
    const kind = kindOf(filter.field)
    if (kind === undefined) complain(`/filters/${i}/field`, texts.field)
    else if (filter.values.length === 0) complain(`/filters/${i}/values`, texts.values)
    else if (!fits(filter, kind)) complain(`/filters/${i}/values`, texts.filter)
  }
  if ('window' in condition) {
    const { unit, days } = condition.window
    if (unit === 'rolling' && days === undefined) complain('/window/days', texts.days)
    if (unit !== 'rolling' && days !== undefined) complain('/window/days', texts.daysElsewhere)
  }
}

function fits({ op, values }: Filter, kind: 'text' | 'number'): boolean {
  const isRange = op === 'at_least' || op === 'at_most'
  if (kind === 'text') return !isRange && values.every(value => typeof value === 'string')
  return values.every(value => typeof value === 'number') && (!isRange || values.length === 1)
}

/** Whether what an achievement needs leads back to the one that is being checked. */
function leadsTo(start: string, { self, of }: Prerequisites): boolean {
  if (self === null) return false
  const seen = new Set<string>()
  const open = [start]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === self) return true
    if (seen.has(id)) continue
    seen.add(id)
    open.push(...(of(id) ?? []))
  }
  return false
}
