import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { UsageGroup, UsageRow } from '#api/types.ts'
import { Chart, type ChartSeries } from '#ui/chart.tsx'
import common from '#ui/common.module.css'
import type { Format } from '#ui/format-values.ts'
import { rowName, tokensOf } from './usage-rows.ts'

export const metrics = ['cost', 'tokens', 'requests'] as const
export type Metric = (typeof metrics)[number]
export const isMetric = (text: string | undefined): text is Metric => metrics.some(metric => metric === text)

const mostBars = 20

const sizeOf: Record<Metric, (row: UsageRow) => number> = {
  cost: row => row.cost_micros,
  tokens: tokensOf,
  requests: row => row.requests,
}

const symbols: Record<string, string> = { CNY: '¥', USD: '$' }

/** One metric of all rows; of models and users the biggest. */
export function UsageChart({
  rows,
  by,
  metric,
  currency,
}: {
  rows: readonly UsageRow[]
  by: UsageGroup
  metric: Metric
  currency: string
}) {
  const { t } = useTranslation('admin')
  const shown = useMemo(
    () =>
      by === 'day' ? rows : rows.toSorted((a, b) => sizeOf[metric](b) - sizeOf[metric](a)).slice(0, mostBars),
    [rows, by, metric],
  )
  const labels = useMemo(
    () => shown.map(row => (by === 'day' ? row.key.slice(5) : rowName(row))),
    [shown, by],
  )
  const series = useMemo((): ChartSeries[] => {
    if (metric === 'cost')
      return [{ name: t('usage.cost'), values: shown.map(row => row.cost_micros / 1_000_000) }]
    if (metric === 'requests') return [{ name: t('usage.requests'), values: shown.map(row => row.requests) }]
    return [
      { name: t('usage.prompt'), values: shown.map(row => row.prompt_tokens) },
      { name: t('usage.completion'), values: shown.map(row => row.completion_tokens) },
    ]
  }, [shown, metric, t])
  const unit =
    metric === 'cost'
      ? (symbols[currency] ?? currency)
      : t(metric === 'tokens' ? 'usage.unitTokens' : 'usage.unitRequests')
  const writeCost = useMemo(
    () => (value: number, format: Format) => format.money(value * 1_000_000, currency),
    [currency],
  )
  return (
    <>
      <Chart
        title={t(`usage.charts.${by}`, { metric: t(`usage.metrics.${metric}`) })}
        unit={unit}
        kind={by === 'day' ? 'bar' : 'rows'}
        labels={labels}
        series={series}
        {...(metric === 'cost' && { formatValue: writeCost })}
      />
      {by === 'day' && <p className={common.small}>{t('usage.dayNote')}</p>}
      {rows.length > shown.length && (
        <p className={common.small}>{t('usage.topNote', { count: mostBars })}</p>
      )}
    </>
  )
}
