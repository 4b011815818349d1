import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import {
  type Condition,
  type CountableEvent,
  type Definition,
  type Filter,
  type Rule,
  type Texts,
  useDefinitions,
  useEvents,
} from '#api/achievements.ts'
import { type CardCategory, useCardCategories } from '#api/cards.ts'
import { useFormat } from '#ui/format.tsx'

type Names = {
  events: readonly CountableEvent[]
  achievements: readonly Pick<Definition, 'id' | 'names'>[]
  categories: readonly Pick<CardCategory, 'name' | 'titles'>[]
}
type Words = {
  t: TFunction<'achievements'>
  locale: keyof Texts
  names: Names
  number: (value: number) => string
}

/** What a rule asks for, in words; a sentence for each condition. */
export function explainRule(rule: Rule, words: Words): string[] {
  return rule.conditions.map((condition, i) =>
    explainCondition(
      condition,
      rule.tiers.map(tier => tier.goals[i] ?? 1),
      words,
    ),
  )
}

function explainCondition(condition: Condition, goals: readonly number[], words: Words): string {
  const { t, names, locale, number } = words
  const suffix = condition.type === 'set' ? '%' : ''
  const goal = [...new Set(goals)].map(value => `${number(value)}${suffix}`).join(' / ')
  if (condition.type === 'top') return t('explain.top', { goal })
  if (condition.type === 'set') {
    const found = names.categories.find(({ name }) => name === condition.category)
    const category = found?.titles[locale] ?? condition.category
    return t('explain.set', {
      goal,
      category: category ? t('explain.category', { category }) : t('explain.anyCategory'),
    })
  }
  if (condition.type === 'prerequisite') {
    const found = names.achievements.find(({ id }) => id === condition.achievement_id)
    const name = found?.names[locale] ?? t('explain.unknown')
    return condition.tier
      ? t('explain.prerequisiteTier', { name, tier: t(`tiers.${condition.tier}`) })
      : t('explain.prerequisite', { name })
  }
  const source = names.events.find(({ name }) => name === condition.event)
  const event = source?.names[locale] ?? condition.event
  const fieldName = (name: string) => source?.fields.find(field => field.name === name)?.names[locale] ?? name
  const filters = explainFilters(condition.filters, fieldName, t)
  if (condition.type === 'streak')
    return t('explain.streak', { event, filters, goal, perDay: number(condition.per_day) })
  if (condition.type === 'first') return t('explain.first', { event, filters, goal })
  const { unit, days } = condition.window
  const window = t(`explain.windows.${unit}`, { days: days ?? '' })
  if (condition.type === 'count') return t('explain.count', { event, filters, goal, window })
  return t(`explain.${condition.type}`, {
    event,
    filters,
    goal,
    window,
    field: fieldName(condition.field),
  })
}

function explainFilters(
  filters: readonly Filter[],
  fieldName: (name: string) => string,
  t: TFunction<'achievements'>,
): string {
  if (filters.length === 0) return ''
  const list = filters.map(({ field, op, values }) =>
    t(`explain.filter.${op}`, { field: fieldName(field), values: values.join(' / ') || '…' }),
  )
  return t('explain.filters', { list: list.join(t('explain.listSeparator')) })
}

/** Explains rules in the person's language, once the names of events and achievements are known. */
export function useExplain(): (rule: Rule) => string[] {
  const { t, i18n } = useTranslation('achievements')
  const format = useFormat()
  const events = useEvents()
  const definitions = useDefinitions()
  const categories = useCardCategories()
  const names = {
    events: events.data?.items ?? [],
    achievements: definitions.data?.items ?? [],
    categories: categories.data?.items ?? [],
  }
  const locale = i18n.language === 'en' ? 'en' : 'zh-CN'
  return rule => explainRule(rule, { t, locale, names, number: format.number })
}
