import { PlusOutlined, TrophyOutlined } from '@ant-design/icons'
import { App, Button, Switch, Tag, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import {
  type Definition,
  type Texts,
  useDefinitions,
  useResumeReplay,
  useStatistics,
  useSwitchDefinition,
} from '#api/achievements.ts'
import { Chart } from '#ui/chart.tsx'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { useErrorText } from '#ui/error.tsx'
import { Count, useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page, Section } from '#ui/page.tsx'
import { useExplain } from '../explain.ts'
import { Tabs } from '../tabs.tsx'
import style from './manage.module.css'

const statisticDays = 30

export function Component() {
  const { t } = useTranslation('achievements')
  const navigate = useNavigate()
  const definitions = useDefinitions()
  return (
    <Page
      title={t('manage.title')}
      description={t('manage.text')}
      width="wide"
      action={
        <LinkButton type="primary" icon={<PlusOutlined />} to="/achievements/manage/new">
          {t('manage.add')}
        </LinkButton>
      }
      filters={<Tabs active="manage" />}
    >
      <DataTable
        label={t('manage.title')}
        columns={useColumns()}
        rowKey={definition => definition.id}
        pages={definitions}
        onRowClick={({ id }) => navigate(`/achievements/manage/${id}`)}
        empty={
          <EmptyState
            icon={<TrophyOutlined />}
            title={t('manage.empty.title')}
            description={t('manage.empty.text')}
          />
        }
      />
      <Statistics />
    </Page>
  )
}

/** How many tiers were unlocked a day; the nights before the first count are left out. */
function Statistics() {
  const { t } = useTranslation('achievements')
  const statistics = useStatistics(statisticDays)
  const byDay = new Map<string, number>()
  for (const { day, unlocked } of statistics.data?.items ?? [])
    byDay.set(day, (byDay.get(day) ?? 0) + unlocked)
  if (byDay.size === 0) return null
  const days = [...byDay.keys()].sort()
  return (
    <Section title={t('manage.statistics')} description={t('manage.statisticsText')}>
      <Chart
        title={t('manage.unlocks')}
        unit={t('manage.unlocks')}
        kind="bar"
        labels={days}
        series={[{ name: t('manage.unlocks'), values: days.map(day => byDay.get(day) ?? 0) }]}
      />
    </Section>
  )
}

function useColumns(): Column<Definition>[] {
  const { t, i18n } = useTranslation('achievements')
  const explain = useExplain()
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  return [
    {
      key: 'name',
      title: t('manage.name'),
      role: 'title',
      width: '26%',
      render: definition => (
        <span className={style.named}>
          <span className={style.icon} aria-hidden="true">
            {definition.icon}
          </span>
          <span className={style.names}>
            <LinkButton
              type="link"
              className={style.nameLink ?? ''}
              to={`/achievements/manage/${definition.id}`}
              onClick={event => event.stopPropagation()}
            >
              {definition.names[locale]}
            </LinkButton>
            <span className={style.tags}>
              {definition.is_starter && <Tag>{t('manage.starter')}</Tag>}
              {definition.is_hidden && <Tag>{t('manage.hidden')}</Tag>}
              <Replay definition={definition} />
            </span>
          </span>
        </span>
      ),
    },
    {
      key: 'rule',
      title: t('manage.rule'),
      render: ({ rule }) => explain(rule).map(sentence => <div key={sentence}>{sentence}</div>),
    },
    {
      key: 'holders',
      title: t('manage.holders'),
      width: 110,
      align: 'right',
      render: definition => <Holders definition={definition} />,
    },
    {
      key: 'version',
      title: t('manage.version'),
      width: 80,
      align: 'right',
      render: ({ version }) => <Count value={version} />,
    },
    {
      key: 'state',
      title: t('manage.state'),
      width: 80,
      render: definition => <OnOff definition={definition} name={definition.names[locale]} />,
    },
  ]
}

/** Who has the easiest tier has the achievement. */
function Holders({ definition: { holders, rule } }: { definition: Definition }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const most = Math.max(0, ...holders.map(({ users }) => users))
  const lines = rule.tiers.map(({ tier }) => {
    const users = holders.find(other => other.tier === tier)?.users ?? 0
    return `${t(`tiers.${tier}`)} ${format.number(users)}`
  })
  return (
    <Tooltip title={lines.map(line => <div key={line}>{line}</div>)}>
      <span className="numbers">{format.compact(most)}</span>
    </Tooltip>
  )
}

function Replay({ definition: { id, replay, is_enabled } }: { definition: Definition }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const resume = useResumeReplay()
  if (replay.state === 'done' || !is_enabled) return null
  if (replay.state !== 'stopped')
    return (
      <Tag color="processing">
        {t(`manage.replay.${replay.state}`, { users: format.number(replay.users_done) })}
      </Tag>
    )
  return (
    <>
      <Tag color="warning">{t('manage.replay.stopped')}</Tag>
      <Button
        size="small"
        loading={resume.isPending}
        onClick={event => {
          event.stopPropagation()
          resume.mutate(id)
        }}
      >
        {t('manage.replay.resume')}
      </Button>
    </>
  )
}

function OnOff({ definition, name }: { definition: Definition; name: string }) {
  const { t } = useTranslation('achievements')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const change = useSwitchDefinition()
  return (
    <Switch
      size="small"
      checked={change.isPending ? change.variables.is_enabled : definition.is_enabled}
      loading={change.isPending}
      aria-label={t('manage.switch', { name })}
      onClick={(_, event) => event.stopPropagation()}
      onChange={is_enabled =>
        change.mutate(
          { id: definition.id, is_enabled },
          { onError: error => message.error(errorText(error)) },
        )
      }
    />
  )
}
