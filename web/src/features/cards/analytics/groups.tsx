import { useTranslation } from 'react-i18next'
import type { Query } from '#api/client.ts'
import { type CardsByGroup, type CardsGroup, useCardsByGroup } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import { Chart } from '#ui/chart.tsx'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Count, useFormat } from '#ui/format.tsx'
import { BoxSkeleton } from '#ui/skeleton.tsx'

type Row = CardsByGroup['items'][number]

const mostBars = 15

/** A chart of the biggest, and the table of all; a row leads to the statistics of it alone. */
export function Groups({ by, query }: { by: CardsGroup; query: Query }) {
  const { t } = useTranslation('cards')
  const groups = useCardsByGroup(by, query)
  const columns = useColumns(by)
  if (groups.isError && !groups.data)
    return <ErrorState error={groups.error} onRetry={() => groups.refetch()} />
  if (!groups.data || groups.isPlaceholderData) return <BoxSkeleton shape="chart" />
  const rows = groups.data.items
  const biggest = rows.filter(row => row.redeemed + row.refused > 0).slice(0, mostBars)
  const nameOf = (row: Row) =>
    row.name || t(by === 'region' ? 'analytics.unknownRegion' : 'analytics.noChannel')
  return (
    <>
      {biggest.length > 0 && (
        <Chart
          title={t('analytics.uses')}
          unit={t('analytics.times')}
          kind="rows"
          labels={biggest.map(nameOf)}
          series={[
            { name: t('analytics.redeemed'), values: biggest.map(row => row.redeemed) },
            { name: t('analytics.refused'), values: biggest.map(row => row.refused) },
          ]}
        />
      )}
      {by === 'region' && <p className={common.small}>{t('analytics.regionNote')}</p>}
      <DataTable
        label={t(`analytics.byGroup.${by}`)}
        columns={columns}
        rowKey={row => row.key}
        pages={{ rows }}
        empty={<EmptyState title={t('analytics.emptyTitle')} />}
      />
    </>
  )
}

/** Which filter a row of a group sets. */
const filterOf: Partial<Record<CardsGroup, string>> = {
  batch: 'batch',
  template: 'template',
  channel: 'channel',
}

function useColumns(by: CardsGroup): Column<Row>[] {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const address = useAddress()
  const filter = filterOf[by]
  const number = (key: string, title: string, value: (row: Row) => number | null): Column<Row> => ({
    key,
    title,
    align: 'right',
    render: row => {
      const count = value(row)
      return count === null ? '–' : <Count value={count} />
    },
  })
  return [
    {
      key: 'name',
      title: t(`analytics.groups.${by}`),
      role: 'title',
      width: '28%',
      render: row => {
        const name = row.name || t(by === 'region' ? 'analytics.unknownRegion' : 'analytics.noChannel')
        if (!filter || row.key === '') return <span className={common.ellipsis}>{name}</span>
        return (
          <button
            type="button"
            className={common.nameButton}
            onClick={() => address.push({ [filter]: row.key, name: row.name })}
          >
            {name}
          </button>
        )
      },
    },
    ...(by === 'region' ? [] : [number('issued', t('analytics.issued'), row => row.issued)]),
    number('redeemed', t('analytics.redeemed'), row => row.redeemed),
    ...(by === 'region'
      ? []
      : [
          {
            key: 'rate',
            title: t('analytics.rate'),
            align: 'right' as const,
            render: (row: Row) => (row.issued ? format.percent(row.redeemed_in_all / row.issued) : '–'),
          },
        ]),
    number('refused', t('analytics.refused'), row => row.refused),
    number('undone', t('analytics.undone'), row => row.undone),
    number('expired', t('analytics.expired'), row => row.expired),
  ]
}
