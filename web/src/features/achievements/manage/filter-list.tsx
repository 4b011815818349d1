import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Form, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type EventField, type Filter, type FilterOp, type Texts, useEvents } from '#api/achievements.ts'
import { fieldsOf, parseValues } from './draft.ts'
import { type Issues, problem } from './issues.ts'
import style from './manage.module.css'

const opsOf = (field: EventField | undefined): FilterOp[] =>
  field?.kind === 'number' ? ['at_least', 'at_most', 'is', 'is_not'] : ['is', 'is_not']

export function FilterList({
  event,
  filters,
  onChange,
  issues,
  pointer,
}: {
  event: string
  filters: readonly Filter[]
  onChange: (filters: Filter[]) => void
  issues: Issues
  pointer: string
}) {
  const { t } = useTranslation('achievements')
  const fields = fieldsOf(useEvents().data?.items ?? [], event)
  const [first] = fields
  const replace = (index: number, filter: Filter) =>
    onChange(filters.map((old, i) => (i === index ? filter : old)))
  return (
    <div className={style.filters}>
      {filters.length > 0 && <span className={style.label}>{t('editor.filters')}</span>}
      {filters.map((filter, i) => (
        <FilterRow
          // biome-ignore lint/suspicious/noArrayIndexKey: filters are known by their place alone.
          key={i}
          number={i + 1}
          filter={filter}
          fields={fields}
          onChange={next => replace(i, next)}
          onRemove={() => onChange(filters.filter((_, other) => other !== i))}
          problem={problem(issues, ...['field', 'op', 'values'].map(part => `${pointer}/${i}/${part}`))}
        />
      ))}
      {first && (
        <Button
          type="link"
          size="small"
          icon={<PlusOutlined />}
          className={style.addFilter ?? ''}
          onClick={() =>
            onChange([...filters, { field: first.name, op: opsOf(first)[0] ?? 'is', values: [] }])
          }
        >
          {t('editor.addFilter')}
        </Button>
      )}
    </div>
  )
}

function FilterRow({
  number,
  filter,
  fields,
  onChange,
  onRemove,
  problem: shown,
}: {
  number: number
  filter: Filter
  fields: readonly EventField[]
  onChange: (filter: Filter) => void
  onRemove: () => void
  problem: ReturnType<typeof problem>
}) {
  const { t, i18n } = useTranslation('achievements')
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  const field = fields.find(({ name }) => name === filter.field)
  return (
    <Form.Item className={style.filter ?? ''} {...shown}>
      <div className={style.filterRow}>
        <Select
          aria-label={t('editor.filterField', { number })}
          value={filter.field}
          onChange={name => {
            const next = fields.find(other => other.name === name)
            onChange({ field: name, op: opsOf(next)[0] ?? 'is', values: [] })
          }}
          options={fields.map(({ name, names }) => ({ value: name, label: names[locale] }))}
        />
        <Select
          aria-label={t('editor.filterOp', { number })}
          value={filter.op}
          onChange={op => onChange({ ...filter, op, values: filter.values.slice(0, 1) })}
          options={opsOf(field).map(op => ({ value: op, label: t(`editor.ops.${op}`) }))}
        />
        <Select
          mode="tags"
          aria-label={t('editor.filterValue', { number })}
          maxCount={filter.op === 'at_least' || filter.op === 'at_most' ? 1 : 50}
          tokenSeparators={[',', '，', ' ']}
          value={filter.values.map(String)}
          onChange={typed => onChange({ ...filter, values: parseValues(field, typed) })}
          options={(field?.values ?? []).map(value => ({ value, label: value }))}
        />
        <Button
          type="text"
          icon={<MinusCircleOutlined />}
          aria-label={t('editor.removeFilter', { number })}
          onClick={onRemove}
        />
      </div>
    </Form.Item>
  )
}
