import { BarChartOutlined, DownloadOutlined } from '@ant-design/icons'
import { Button, Input, Segmented } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useUsage } from '#api/admin.ts'
import type { UsageGroup } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Count, Money } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { BoxSkeleton, ListSkeleton } from '#ui/skeleton.tsx'
import style from '../admin.module.css'
import { dayAfter, dayIn, isDay, startOfDay } from '../days.ts'
import { download, toCsv } from './csv.ts'
import { isMetric, type Metric, metrics, UsageChart } from './usage-chart.tsx'
import { completeRows, rowName, totalOf } from './usage-rows.ts'
import { UsageTable } from './usage-table.tsx'

const groups: UsageGroup[] = ['day', 'model', 'user']
const isGroup = (text: string | undefined): text is UsageGroup => groups.some(group => group === text)

/** What the address asks for; without it the last 30 days by day. */
function useQuery() {
  const { get } = useAddress()
  const today = dayIn(Date.now())
  const [by, from, to, metric] = [get('by'), get('from'), get('to'), get('metric')]
  const until = isDay(to) ? to : today
  const since = isDay(from) && from <= until ? from : dayAfter(until, -29)
  return {
    by: isGroup(by) ? by : ('day' as const),
    metric: isMetric(metric) ? metric : ('cost' as const),
    from: since,
    to: until,
    today,
  }
}

export function Component() {
  const { t } = useTranslation('admin')
  const { by, metric, from, to } = useQuery()
  const usage = useUsage({ from: startOfDay(from), to: startOfDay(dayAfter(to, 1)), group_by: by })
  const rows =
    usage.data && !usage.isPlaceholderData ? completeRows(usage.data.items, { by, from, to }) : null
  const save = () => {
    if (rows && usage.data)
      download(
        `banyan-usage-${by}-${from}-${to}.csv`,
        toCsv(
          [
            t(`usage.groups.${by}`),
            t('usage.requests'),
            t('usage.prompt'),
            t('usage.cached'),
            t('usage.completion'),
            `${t('usage.cost')} (${usage.data.currency})`,
          ],
          rows.map(row => [
            rowName(row),
            row.requests,
            row.prompt_tokens,
            row.cached_tokens,
            row.completion_tokens,
            row.cost_micros / 1_000_000,
          ]),
        ),
      )
  }
  return (
    <Page
      title={t('usage.title')}
      back="/admin"
      action={
        <Button icon={<DownloadOutlined />} disabled={!rows || rows.length === 0} onClick={save}>
          {t('usage.csv')}
        </Button>
      }
      filters={<Filters />}
    >
      {usage.isError && !usage.data ? (
        <ErrorState error={usage.error} onRetry={() => usage.refetch()} />
      ) : !rows || !usage.data ? (
        <>
          <BoxSkeleton shape="chart" />
          <ListSkeleton />
        </>
      ) : usage.data.items.length === 0 ? (
        <EmptyState
          icon={<BarChartOutlined />}
          title={t('usage.empty.title')}
          description={t('usage.empty.text')}
        />
      ) : (
        <>
          <Totals rows={rows} currency={usage.data.currency} />
          <Section>
            <UsageChart rows={rows} by={by} metric={metric} currency={usage.data.currency} />
          </Section>
          <Section title={t(`usage.tables.${by}`)}>
            <UsageTable rows={rows} by={by} currency={usage.data.currency} />
          </Section>
        </>
      )}
    </Page>
  )
}

function Filters() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const { by, metric, from, to, today } = useQuery()
  return (
    <>
      <Segmented<UsageGroup>
        aria-label={t('usage.groupBy')}
        value={by}
        onChange={value => address.set({ by: value })}
        options={groups.map(group => ({ value: group, label: t(`usage.groups.${group}`) }))}
      />
      <Segmented<Metric>
        aria-label={t('usage.metric')}
        value={metric}
        onChange={value => address.set({ metric: value })}
        options={metrics.map(each => ({ value: each, label: t(`usage.metrics.${each}`) }))}
      />
      <span className={style.range}>
        <Input
          className={style.date ?? ''}
          type="date"
          aria-label={t('usage.from')}
          value={from}
          min={dayAfter(to, -399)}
          max={to}
          onChange={event => isDay(event.target.value) && address.set({ from: event.target.value })}
        />
        <span aria-hidden="true">–</span>
        <Input
          className={style.date ?? ''}
          type="date"
          aria-label={t('usage.to')}
          value={to}
          min={from}
          max={today}
          onChange={event => isDay(event.target.value) && address.set({ from, to: event.target.value })}
        />
      </span>
    </>
  )
}

function Totals({ rows, currency }: { rows: Parameters<typeof totalOf>[0]; currency: string }) {
  const { t } = useTranslation('admin')
  const total = totalOf(rows)
  return (
    <div className={style.figures}>
      <Figure label={t('usage.cost')}>
        <Money micros={total.cost_micros} currency={currency} />
      </Figure>
      <Figure label={t('usage.tokens')}>
        <Count value={total.prompt_tokens + total.completion_tokens} />
      </Figure>
      <Figure label={t('usage.requests')}>
        <Count value={total.requests} />
      </Figure>
    </div>
  )
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={style.card}>
      <h2 className={style.cardLabel}>{label}</h2>
      <div className={style.figure}>{children}</div>
    </div>
  )
}
