import { Form, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  type Condition,
  type Texts,
  tierNames,
  useDefinitions,
  useEvents,
  type Window,
} from '#api/achievements.ts'
import { useCardCategories } from '#api/cards.ts'
import { changeType, conditionTypes, fieldsOf } from './draft.ts'
import { FilterList } from './filter-list.tsx'
import { type Issues, problem } from './issues.ts'
import style from './manage.module.css'

type Part<C extends Condition = Condition> = {
  condition: C
  onChange: (condition: Condition) => void
  issues: Issues
  /** Where the condition stands in what is sent. */
  pointer: string
}

const units: readonly Window['unit'][] = ['all', 'day', 'week', 'month', 'rolling']

/** The form of one condition: what its kind has, and no more. */
export function ConditionFields({ ownId, ...part }: Part & { ownId: string | undefined }) {
  const { t } = useTranslation('achievements')
  const { condition, onChange, issues, pointer } = part
  return (
    <>
      <div className={style.fields}>
        <Form.Item label={t('editor.type')} {...problem(issues, `${pointer}/type`)}>
          <Select
            aria-label={t('editor.type')}
            value={condition.type}
            onChange={type => onChange(changeType(condition, type))}
            options={conditionTypes.map(type => ({ value: type, label: t(`editor.types.${type}`) }))}
          />
        </Form.Item>
        {'event' in condition && <EventField {...part} condition={condition} />}
        {'field' in condition && <FieldField {...part} condition={condition} />}
        {'window' in condition && <WindowFields {...part} condition={condition} />}
        {condition.type === 'streak' && (
          <Form.Item label={t('editor.perDay')} {...problem(issues, `${pointer}/per_day`)}>
            <InputNumber
              aria-label={t('editor.perDay')}
              min={1}
              max={10_000}
              precision={0}
              value={condition.per_day}
              onChange={value => onChange({ ...condition, per_day: value ?? 1 })}
            />
          </Form.Item>
        )}
        {condition.type === 'set' && (
          <CategoryField
            value={condition.category}
            onChange={category => onChange({ ...condition, category })}
            problem={problem(issues, `${pointer}/category`)}
          />
        )}
        {condition.type === 'prerequisite' && (
          <PrerequisiteFields {...part} condition={condition} ownId={ownId} />
        )}
      </div>
      {'filters' in condition && (
        <FilterList
          event={condition.event}
          filters={condition.filters}
          issues={issues}
          pointer={`${pointer}/filters`}
          onChange={filters => onChange({ ...condition, filters })}
        />
      )}
    </>
  )
}

function CategoryField({
  value,
  onChange,
  problem: shown,
}: {
  value: string | null
  onChange: (category: string | null) => void
  problem: ReturnType<typeof problem>
}) {
  const { t, i18n } = useTranslation('achievements')
  const categories = useCardCategories()
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <Form.Item label={t('editor.category')} extra={t('editor.categoryHint')} {...shown}>
      <Select
        aria-label={t('editor.category')}
        allowClear
        value={value}
        onChange={category => onChange(category ?? null)}
        options={(categories.data?.items ?? []).map(({ name, titles }) => ({
          value: name,
          label: titles[locale],
        }))}
      />
    </Form.Item>
  )
}

function EventField({ condition, onChange, issues, pointer }: Part<Extract<Condition, { event: string }>>) {
  const { t, i18n } = useTranslation('achievements')
  const events = useEvents()
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <Form.Item label={t('editor.event')} {...problem(issues, `${pointer}/event`)}>
      <Select
        aria-label={t('editor.event')}
        value={condition.event}
        loading={events.isPending}
        onChange={event => {
          const next = { ...condition, event, filters: [] }
          onChange('field' in next ? { ...next, field: '' } : next)
        }}
        options={(events.data?.items ?? []).map(({ name, names }) => ({ value: name, label: names[locale] }))}
      />
    </Form.Item>
  )
}

function FieldField({ condition, onChange, issues, pointer }: Part<Extract<Condition, { field: string }>>) {
  const { t, i18n } = useTranslation('achievements')
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  const fields = fieldsOf(useEvents().data?.items ?? [], condition.event).filter(
    ({ kind }) => condition.type !== 'sum' || kind === 'number',
  )
  return (
    <Form.Item label={t('editor.field')} {...problem(issues, `${pointer}/field`)}>
      <Select
        aria-label={t('editor.field')}
        value={condition.field || null}
        onChange={field => onChange({ ...condition, field: field ?? '' })}
        options={fields.map(({ name, names }) => ({ value: name, label: names[locale] }))}
      />
    </Form.Item>
  )
}

function WindowFields({
  condition,
  onChange,
  issues,
  pointer,
}: Part<Extract<Condition, { window: Window }>>) {
  const { t } = useTranslation('achievements')
  const { window } = condition
  return (
    <>
      <Form.Item label={t('editor.window')} {...problem(issues, `${pointer}/window/unit`)}>
        <Select
          aria-label={t('editor.window')}
          value={window.unit}
          onChange={unit =>
            onChange({ ...condition, window: unit === 'rolling' ? { unit, days: 7 } : { unit } })
          }
          options={units.map(unit => ({ value: unit, label: t(`editor.windows.${unit}`) }))}
        />
      </Form.Item>
      {window.unit === 'rolling' && (
        <Form.Item label={t('editor.days')} {...problem(issues, `${pointer}/window/days`)}>
          <InputNumber
            aria-label={t('editor.days')}
            min={2}
            max={366}
            precision={0}
            value={window.days ?? 7}
            onChange={days => onChange({ ...condition, window: { unit: 'rolling', days: days ?? 7 } })}
          />
        </Form.Item>
      )}
    </>
  )
}

function PrerequisiteFields({
  condition,
  onChange,
  issues,
  pointer,
  ownId,
}: Part<Extract<Condition, { type: 'prerequisite' }>> & { ownId: string | undefined }) {
  const { t, i18n } = useTranslation('achievements')
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  const others = (useDefinitions().data?.items ?? []).filter(({ id }) => id !== ownId)
  return (
    <>
      <Form.Item label={t('editor.prerequisite')} {...problem(issues, `${pointer}/achievement_id`)}>
        <Select
          aria-label={t('editor.prerequisite')}
          showSearch={{ optionFilterProp: 'label' }}
          value={condition.achievement_id || null}
          onChange={id => onChange({ ...condition, achievement_id: id ?? '' })}
          options={others.map(({ id, names, icon }) => ({ value: id, label: `${icon} ${names[locale]}` }))}
        />
      </Form.Item>
      <Form.Item label={t('editor.prerequisiteTier')} {...problem(issues, `${pointer}/tier`)}>
        <Select
          aria-label={t('editor.prerequisiteTier')}
          value={condition.tier ?? ''}
          onChange={name => onChange({ ...condition, tier: tierNames.find(tier => tier === name) ?? null })}
          options={[
            { value: '', label: t('editor.anyTier') },
            ...tierNames.map(name => ({ value: name, label: t(`tiers.${name}`) })),
          ]}
        />
      </Form.Item>
    </>
  )
}
