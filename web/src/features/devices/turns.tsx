import { Segmented, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Device } from '#api/device-types.ts'
import {
  type DeviceTurn,
  type TurnStage,
  turnStages,
  useDeviceTurns,
  useTurnStatistics,
} from '#api/devices-talk.ts'
import { useAddress } from '#ui/address.ts'
import { Chart } from '#ui/chart.tsx'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { BoxSkeleton } from '#ui/skeleton.tsx'
import { MenuButton } from './menu-button.tsx'
import style from './turns.module.css'

const spans = [7, 30, 90] as const

/** For operators: all devices together. */
export function Component() {
  const { t } = useTranslation('devices')
  return (
    <Page title={t('talk.turns.title')} description={t('talk.turns.text')} action={<MenuButton />}>
      <Speed device_id={null} />
    </Page>
  )
}

/** Of one device: how fast it answers, and its last exchanges. */
export function TurnsTab({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const { number } = useFormat()
  const pages = useDeviceTurns(device.id)
  const ms = (value: number | null) => (value === null ? '–' : `${number(value)} ms`)
  const columns: Column<DeviceTurn>[] = [
    {
      key: 'when',
      title: t('talk.turns.when'),
      role: 'title',
      render: turn => <Time value={turn.started_at} style="dateTime" />,
    },
    {
      key: 'how',
      title: t('talk.turns.how'),
      render: turn => t(turn.source === 'voice' ? 'talk.turns.voice' : 'talk.turns.typed'),
    },
    { key: 'outcome', title: t('talk.turns.outcome'), render: turn => <Outcome turn={turn} /> },
    { key: 'text', title: t('talk.stageNames.text_ms'), render: turn => ms(turn.text_ms) },
    { key: 'token', title: t('talk.stageNames.first_token_ms'), render: turn => ms(turn.first_token_ms) },
    { key: 'first', title: t('talk.turns.first'), render: turn => ms(turn.first_audio_ms) },
    { key: 'spoken', title: t('talk.turns.spoken'), render: turn => ms(turn.spoken_ms) },
  ]
  return (
    <>
      <Speed device_id={device.id} />
      <Section title={t('talk.turns.list')}>
        <DataTable
          label={t('talk.turns.list')}
          columns={columns}
          rowKey={turn => turn.id}
          pages={pages}
          empty={<EmptyState title={t('talk.turns.empty')} description={t('talk.turns.emptyText')} />}
        />
      </Section>
    </>
  )
}

function Outcome({ turn }: { turn: DeviceTurn }) {
  const { t } = useTranslation('devices')
  if (turn.outcome === 'failed') return <Tag color="error">{t('talk.turns.failed')}</Tag>
  if (turn.outcome === 'aborted') return <Tag>{t('talk.turns.aborted')}</Tag>
  return <Tag color="success">{t('talk.turns.done')}</Tag>
}

function Speed({ device_id }: { device_id: string | null }) {
  const { t } = useTranslation('devices')
  const { number } = useFormat()
  const address = useAddress()
  const days = spans.find(span => String(span) === address.get('days')) ?? 7
  const statistics = useTurnStatistics(device_id, days)
  if (statistics.isPending) return <BoxSkeleton shape="chart" />
  if (!statistics.data) return <ErrorState error={statistics.error} onRetry={() => statistics.refetch()} />
  const { total, days: byDay } = statistics.data
  const round = (value: number | null) => (value === null ? null : Math.round(value))
  const write = (value: number) => number(value)
  const first = (share: 'p50_ms' | 'p95_ms') => byDay.map(day => round(day.stages.first_audio_ms[share]))
  const ms = (value: number | null) => (value === null ? '–' : `${number(Math.round(value))} ms`)
  const columns: Column<{ stage: TurnStage }>[] = [
    {
      key: 'stage',
      title: t('talk.turns.stage'),
      role: 'title',
      render: ({ stage }) => t(`talk.stageNames.${stage}`),
    },
    { key: 'p50', title: t('talk.turns.median'), render: ({ stage }) => ms(total.stages[stage].p50_ms) },
    { key: 'p95', title: t('talk.turns.p95'), render: ({ stage }) => ms(total.stages[stage].p95_ms) },
  ]
  return (
    <div className={style.speed}>
      <Segmented
        options={spans.map(span => ({ value: span, label: t('talk.turns.days', { count: span }) }))}
        value={days}
        onChange={span => address.set({ days: span === 7 ? null : String(span) })}
      />
      {total.turns === 0 ? (
        device_id === null && (
          <EmptyState title={t('talk.turns.empty')} description={t('talk.turns.emptyText')} />
        )
      ) : (
        <>
          <Facts
            items={[
              [t('talk.turns.turns'), number(total.turns)],
              [t('talk.turns.aborted'), number(total.aborted)],
              [t('talk.turns.failed'), number(total.failed)],
            ]}
          />
          <Chart
            title={t('talk.turns.chart')}
            unit={t('talk.turns.unit')}
            kind="line"
            labels={byDay.map(({ day }) => day)}
            series={[
              { name: t('talk.turns.median'), values: first('p50_ms') },
              { name: t('talk.turns.p95'), values: first('p95_ms') },
            ]}
            formatValue={write}
          />
          <DataTable
            label={t('talk.turns.stages')}
            columns={columns}
            rowKey={({ stage }) => stage}
            pages={{ rows: turnStages.map(stage => ({ stage })) }}
            empty={null}
          />
        </>
      )}
    </div>
  )
}
