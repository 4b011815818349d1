import { useTranslation } from 'react-i18next'
import { type CardsExpiry, useCardsExpiry } from '#api/redemptions.ts'
import { Chart } from '#ui/chart.tsx'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Count, Time, useFormat } from '#ui/format.tsx'
import { BoxSkeleton } from '#ui/skeleton.tsx'

type Row = CardsExpiry['items'][number]

const mostBars = 15

/** Batches that end next, and what will probably be left of them. */
export function Expiry() {
  const { t } = useTranslation('cards')
  const expiry = useCardsExpiry()
  const columns = useColumns()
  if (expiry.isError && !expiry.data)
    return <ErrorState error={expiry.error} onRetry={() => expiry.refetch()} />
  if (!expiry.data) return <BoxSkeleton shape="chart" />
  const rows = expiry.data.items
  if (rows.length === 0) return <p className={common.small}>{t('analytics.noExpiry')}</p>
  const next = rows.slice(0, mostBars)
  return (
    <>
      <Chart
        title={t('analytics.expiry')}
        unit={t('analytics.unit')}
        kind="rows"
        labels={next.map(row => row.name)}
        series={[
          { name: t('analytics.expected'), values: next.map(row => row.expected_to_expire) },
          {
            name: t('analytics.redeemed'),
            values: next.map(row => row.remaining - row.expected_to_expire),
          },
        ]}
      />
      <DataTable
        label={t('analytics.expiry')}
        columns={columns}
        rowKey={row => row.batch_id}
        pages={{ rows }}
        empty={null}
      />
    </>
  )
}

function useColumns(): Column<Row>[] {
  const { t } = useTranslation('cards')
  const format = useFormat()
  return [
    {
      key: 'name',
      title: t('usage.batch'),
      role: 'title',
      width: '32%',
      render: row => (
        <>
          <span className={common.ellipsis}>{row.name}</span>
          <span className={`${common.small} ${common.ellipsis}`}>{row.template_name}</span>
        </>
      ),
    },
    {
      key: 'expires',
      title: t('analytics.expires'),
      render: row => <Time value={row.expires_at} style="date" />,
    },
    {
      key: 'remaining',
      title: t('analytics.remaining'),
      align: 'right',
      render: row => <Count value={row.remaining} />,
    },
    {
      key: 'pace',
      title: t('analytics.pace'),
      align: 'right',
      render: row => format.number(Math.round(row.redeemed_per_day * 10) / 10),
    },
    {
      key: 'expected',
      title: t('analytics.expected'),
      align: 'right',
      render: row => <Count value={row.expected_to_expire} />,
    },
  ]
}
