import { TrophyOutlined } from '@ant-design/icons'
import { Statistic, Switch, Tag } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { type BoardEntry, useLeaderboard, useSetListed, useStanding } from '#api/achievements.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { Count, useFormat } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import style from './achievements.module.css'
import { Tabs } from './tabs.tsx'

export function Component() {
  const { t } = useTranslation('achievements')
  const pages = useLeaderboard()
  const items = pages.data?.items ?? []
  return (
    <Page title={t('board.title')} filters={<Tabs active="leaderboard" />}>
      <Own />
      <DataTable<BoardEntry>
        label={t('board.title')}
        columns={useColumns()}
        // Entries carry nothing that would tell who somebody is: not even an id.
        rowKey={entry => String(items.indexOf(entry))}
        pages={pages}
        empty={
          <EmptyState
            icon={<TrophyOutlined />}
            title={t('board.empty.title')}
            description={t('board.empty.text')}
          />
        }
      />
    </Page>
  )
}

/** Whether one is seen, and where one stands. */
function Own() {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const standing = useStanding()
  const setListed = useSetListed()
  const switchId = useId()
  if (!standing.data) return null
  const { points, is_listed, rank } = standing.data
  const checked = setListed.isPending ? setListed.variables : is_listed
  return (
    <section className={style.own}>
      <div className={style.optIn}>
        <label htmlFor={switchId}>
          <Switch
            id={switchId}
            checked={checked}
            loading={setListed.isPending}
            onChange={value => setListed.mutate(value)}
          />
          <span>{t('board.listed')}</span>
        </label>
        <p>{is_listed && points === 0 ? t('board.noPoints') : t('board.listedHint')}</p>
        <ErrorAlert error={setListed.error} />
      </div>
      <div className={style.totals}>
        <Statistic
          title={t('board.own')}
          value={rank === null ? t('board.notListed') : format.number(rank)}
        />
        <Statistic title={t('board.ownPoints')} value={format.number(points)} />
      </div>
    </section>
  )
}

function useColumns(): Column<BoardEntry>[] {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  return [
    {
      key: 'rank',
      title: t('board.rank'),
      width: 96,
      render: ({ rank }) => (
        <span className={style.rank} data-rank={rank <= 3 ? rank : undefined}>
          {format.number(rank)}
        </span>
      ),
    },
    {
      key: 'name',
      title: t('board.name'),
      role: 'title',
      render: ({ display_name, is_own }) => (
        <span className={style.person}>
          <span className={style.personName} title={display_name}>
            {display_name}
          </span>
          {is_own && <Tag color="success">{t('board.you')}</Tag>}
        </span>
      ),
    },
    {
      key: 'points',
      title: t('board.points'),
      width: 140,
      align: 'right',
      render: ({ points }) => <Count value={points} />,
    },
  ]
}
