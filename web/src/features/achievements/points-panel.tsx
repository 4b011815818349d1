import { StarOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { type PointsEntry, usePoints } from '#api/achievements.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import style from './achievements.module.css'

/** Where one's points come from, newest first. */
export function PointsPanel({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation('achievements')
  return (
    <Panel isOpen={isOpen} onClose={onClose} title={t('points.title')}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard. */}
      <div tabIndex={0}>
        <History />
      </div>
    </Panel>
  )
}

function History() {
  const { t } = useTranslation('achievements')
  return (
    <DataTable<PointsEntry>
      label={t('points.title')}
      columns={useColumns()}
      rowKey={entry => entry.id}
      pages={usePoints()}
      empty={
        <EmptyState
          icon={<StarOutlined />}
          title={t('points.empty.title')}
          description={t('points.empty.text')}
        />
      }
    />
  )
}

function useColumns(): Column<PointsEntry>[] {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  return [
    {
      key: 'source',
      title: t('points.source'),
      role: 'title',
      render: ({ source, name, icon, tier }) => (
        <span className={style.source}>
          <span>
            {icon} {name ?? t('points.gone')}
          </span>
          <span className={style.sourceKind}>
            {source === 'card'
              ? t('points.card')
              : t('points.achievement', { tier: tier ? t(`tiers.${tier}`) : '' })}
          </span>
        </span>
      ),
    },
    { key: 'at', title: t('points.at'), width: 120, render: ({ at }) => <Time value={at} /> },
    {
      key: 'points',
      title: t('mine.points'),
      width: 100,
      align: 'right',
      render: ({ points, taken_back_at }) =>
        taken_back_at === null ? (
          <span className="numbers">+{format.number(points)}</span>
        ) : (
          <span className={style.takenBack}>
            <del className="numbers">+{format.number(points)}</del> {t('points.takenBack')}
          </span>
        ),
    },
  ]
}
