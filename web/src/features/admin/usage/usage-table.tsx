import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { UsageGroup, UsageRow } from '#api/types.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { Count, Money, useFormat } from '#ui/format.tsx'
import { rowName, totalOf } from './usage-rows.ts'

const step = 50

export function UsageTable({
  rows,
  by,
  currency,
}: {
  rows: readonly UsageRow[]
  by: UsageGroup
  currency: string
}) {
  const { t } = useTranslation('admin')
  const [most, setMost] = useState(step)
  const format = useFormat()
  const total = totalOf(rows).cost_micros
  const count = (key: 'requests' | 'prompt_tokens' | 'cached_tokens' | 'completion_tokens', title: string) =>
    ({
      key,
      title,
      align: 'right',
      render: (row: UsageRow) => <Count value={row[key]} />,
    }) satisfies Column<UsageRow>
  const columns: Column<UsageRow>[] = [
    {
      key: 'name',
      title: t(`usage.groups.${by}`),
      role: 'title',
      width: '28%',
      render: row => (
        <span className={common.ellipsis} title={rowName(row)}>
          {by === 'day' ? format.date(`${row.key}T12:00:00Z`) : rowName(row)}
        </span>
      ),
    },
    count('requests', t('usage.requests')),
    count('prompt_tokens', t('usage.prompt')),
    count('cached_tokens', t('usage.cached')),
    count('completion_tokens', t('usage.completion')),
    {
      key: 'cost',
      title: t('usage.cost'),
      align: 'right',
      render: row => (
        <>
          <Money micros={row.cost_micros} currency={currency} />
          {by !== 'day' && total > 0 && (
            <div className={common.small}>{format.percent(row.cost_micros / total)}</div>
          )}
        </>
      ),
    },
  ]
  // Days read better from the latest on.
  const ordered = by === 'day' ? rows.toReversed() : rows
  return (
    <>
      <DataTable
        label={t(`usage.tables.${by}`)}
        columns={columns}
        rowKey={row => row.key}
        pages={{ rows: ordered.slice(0, most) }}
        empty={null}
      />
      {ordered.length > most && (
        <Button block onClick={() => setMost(most + step)}>
          {t('usage.more')}
        </Button>
      )}
    </>
  )
}
