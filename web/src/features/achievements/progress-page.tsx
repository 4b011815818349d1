import { TrophyOutlined } from '@ant-design/icons'
import { Button, Segmented, Statistic } from 'antd'
import { useTranslation } from 'react-i18next'
import { type AchievementProgress, type ProgressList, useProgress, useStanding } from '#api/achievements.ts'
import { useAddress } from '#ui/address.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { AchievementCard } from './achievement-card.tsx'
import style from './achievements.module.css'
import { PointsPanel } from './points-panel.tsx'
import { Tabs } from './tabs.tsx'

const shows = ['all', 'done', 'open'] as const
type Show = (typeof shows)[number]

const isDone = (item: AchievementProgress) => item.tiers.some(tier => tier.unlocked_at !== null)
const isOpen = (item: AchievementProgress) =>
  !item.is_secret && item.tiers.some(tier => tier.unlocked_at === null && tier.fraction > 0)

export function Component() {
  const { t } = useTranslation('achievements')
  const progress = useProgress()
  const address = useAddress()
  const show = shows.find(known => known === address.get('show')) ?? 'all'
  return (
    <Page
      title={t('mine.title')}
      filters={
        <>
          <Tabs active="mine" />
          <Segmented<Show>
            aria-label={t('mine.show')}
            value={show}
            onChange={next => address.set({ show: next === 'all' ? null : next })}
            options={shows.map(value => ({ value, label: t(`mine.${value}`) }))}
          />
        </>
      }
    >
      {progress.isPending ? (
        <ListSkeleton />
      ) : !progress.data ? (
        <ErrorState error={progress.error} onRetry={() => progress.refetch()} />
      ) : (
        <Content list={progress.data} show={show} />
      )}
      <PointsPanel
        isOpen={address.get('points') !== undefined}
        onClose={() => address.push({ points: null })}
      />
    </Page>
  )
}

function Content({ list, show }: { list: ProgressList; show: Show }) {
  const { t } = useTranslation('achievements')
  if (list.items.length === 0)
    return (
      <EmptyState
        icon={<TrophyOutlined />}
        title={t('mine.empty.title')}
        description={t('mine.empty.text')}
      />
    )
  const shown = list.items.filter(item => show === 'all' || (show === 'done' ? isDone(item) : isOpen(item)))
  return (
    <>
      <Totals list={list} />
      {shown.length === 0 ? (
        <EmptyState
          icon={<TrophyOutlined />}
          title={t('mine.none.title')}
          description={t('mine.none.text')}
          action={<LinkButton to="/chat">{t('mine.noneAction')}</LinkButton>}
        />
      ) : (
        <ul className={style.grid}>
          {shown.map(item => (
            <li key={item.achievement_id}>
              <AchievementCard item={item} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Totals({ list }: { list: ProgressList }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const address = useAddress()
  const standing = useStanding()
  const rank = standing.data?.rank ?? null
  return (
    <div className={style.totals}>
      <Statistic
        title={t('mine.points')}
        value={list.points}
        formatter={() => format.number(list.points)}
        suffix={
          <Button type="link" size="small" onClick={() => address.push({ points: 'history' })}>
            {t('points.action')}
          </Button>
        }
      />
      <Statistic
        title={t('mine.unlocked')}
        value={t('mine.unlockedOf', {
          unlocked: format.number(list.unlocked),
          total: format.number(list.items.length),
        })}
      />
      <Statistic
        title={t('mine.rank')}
        value={rank === null ? t('mine.notListed') : format.number(rank)}
        loading={standing.isPending}
      />
    </div>
  )
}
