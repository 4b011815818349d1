import { BarChartOutlined } from '@ant-design/icons'
import { Input, Segmented, Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { type CardsByDay, type CardsGroup, useCardsByDay } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import { Chart } from '#ui/chart.tsx'
import common from '#ui/common.module.css'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Count, useFormat } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { BoxSkeleton, ListSkeleton } from '#ui/skeleton.tsx'
import style from './analytics.module.css'
import { dayAfter, dayIn, isDay } from './days.ts'
import { Expiry } from './expiry.tsx'
import { Groups } from './groups.tsx'

const groups: readonly CardsGroup[] = ['batch', 'template', 'channel', 'region']

/** What the address asks for; without it the last thirty days of everything. */
function useQuery() {
  const { get } = useAddress()
  const today = dayIn(Date.now())
  const [from, to, by] = [get('from'), get('to'), get('by')]
  const until = isDay(to) ? to : today
  const since = isDay(from) && from <= until ? from : dayAfter(until, -29)
  return {
    today,
    by: groups.find(group => group === by) ?? ('batch' as const),
    query: {
      from: since,
      to: until,
      batch_id: get('batch'),
      template_id: get('template'),
      channel: get('channel'),
    },
  }
}

export function Component() {
  const { t } = useTranslation('cards')
  const { by, query } = useQuery()
  const days = useCardsByDay(query)
  return (
    <Page title={t('analytics.title')} back="/cards" filters={<Filters />}>
      {days.isError && !days.data ? (
        <ErrorState error={days.error} onRetry={() => days.refetch()} />
      ) : !days.data ? (
        <>
          <BoxSkeleton shape="chart" />
          <ListSkeleton />
        </>
      ) : isEmpty(days.data) ? (
        <EmptyState
          icon={<BarChartOutlined />}
          title={t('analytics.emptyTitle')}
          description={t('analytics.emptyText')}
        />
      ) : (
        <>
          <Totals data={days.data} />
          <Days data={days.data} />
          <Section title={t(`analytics.byGroup.${by}`)}>
            <Groups by={by} query={query} />
          </Section>
          <Section title={t('analytics.expiry')} description={t('analytics.expiryText')}>
            <Expiry />
          </Section>
        </>
      )}
    </Page>
  )
}

const isEmpty = ({ days, issued_before, redeemed_before }: CardsByDay): boolean =>
  issued_before + redeemed_before === 0 &&
  days.every(day => day.issued + day.redeemed + day.refused + day.undone + day.expired === 0)

function Filters() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const { by, query, today } = useQuery()
  const { from, to } = query
  const name = address.get('name') ?? ''
  const take = (key: string) => address.set({ [key]: null, name: null })
  return (
    <>
      <span className={style.range}>
        <Input
          className={style.date ?? ''}
          type="date"
          aria-label={t('analytics.from')}
          value={from}
          min={dayAfter(to, -365)}
          max={to}
          onChange={event => isDay(event.target.value) && address.set({ from: event.target.value })}
        />
        <span aria-hidden="true">–</span>
        <Input
          className={style.date ?? ''}
          type="date"
          aria-label={t('analytics.to')}
          value={to}
          min={from}
          max={today}
          onChange={event => isDay(event.target.value) && address.set({ from, to: event.target.value })}
        />
      </span>
      <Segmented<CardsGroup>
        aria-label={t('analytics.by')}
        value={by}
        onChange={value => address.set({ by: value })}
        options={groups.map(group => ({ value: group, label: t(`analytics.groups.${group}`) }))}
      />
      {query.batch_id && (
        <Tag closable onClose={() => take('batch')}>
          {t('analytics.onlyBatch', { name })}
        </Tag>
      )}
      {query.template_id && (
        <Tag closable onClose={() => take('template')}>
          {t('analytics.onlyTemplate', { name })}
        </Tag>
      )}
      {query.channel && (
        <Tag closable onClose={() => take('channel')}>
          {t('analytics.onlyChannel', { name: query.channel })}
        </Tag>
      )}
    </>
  )
}

function Totals({ data }: { data: CardsByDay }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const sum = (pick: (day: CardsByDay['days'][number]) => number) =>
    data.days.reduce((total, day) => total + pick(day), 0)
  const issued = sum(day => day.issued)
  const redeemed = sum(day => day.redeemed - day.undone)
  const issuedInAll = data.issued_before + issued
  const redeemedInAll = data.redeemed_before + redeemed
  const refused = sum(day => day.refused)
  const inPeriod = (count: number) => t('analytics.inPeriod', { number: format.number(count) })
  return (
    <div className={style.figures}>
      <Figure label={t('analytics.issued')} note={inPeriod(issued)}>
        <Count value={issuedInAll} />
      </Figure>
      <Figure label={t('analytics.redeemed')} note={inPeriod(redeemed)}>
        <Count value={redeemedInAll} />
      </Figure>
      <Figure label={t('analytics.rate')}>
        {issuedInAll === 0 ? '–' : format.percent(redeemedInAll / issuedInAll)}
      </Figure>
      <Figure
        label={t('analytics.refused')}
        note={
          data.unknown_codes === null
            ? undefined
            : t('analytics.unknownCodes', { number: format.number(data.unknown_codes) })
        }
      >
        <Count value={refused} />
      </Figure>
    </div>
  )
}

function Figure({ label, note, children }: { label: string; note?: ReactNode; children: ReactNode }) {
  return (
    <div className={style.card}>
      <h2 className={style.label}>{label}</h2>
      <div className={style.figure}>{children}</div>
      {note && <div className={common.small}>{note}</div>}
    </div>
  )
}

function Days({ data }: { data: CardsByDay }) {
  const { t } = useTranslation('cards')
  const labels = data.days.map(day => day.day.slice(5))
  const values = (pick: (day: CardsByDay['days'][number]) => number) => data.days.map(pick)
  return (
    <Section>
      <Chart
        title={t('analytics.byDay')}
        unit={t('analytics.times')}
        kind="bar"
        labels={labels}
        series={[
          { name: t('analytics.redeemed'), values: values(day => day.redeemed) },
          { name: t('analytics.refused'), values: values(day => day.refused) },
          { name: t('analytics.undone'), values: values(day => day.undone) },
        ]}
      />
      {data.days.some(day => day.issued > 0) && (
        <Chart
          title={t('analytics.issuedByDay')}
          unit={t('analytics.unit')}
          kind="bar"
          labels={labels}
          series={[{ name: t('analytics.issued'), values: values(day => day.issued) }]}
        />
      )}
      <p className={common.small}>{t('analytics.dayNote')}</p>
    </Section>
  )
}
