import { useTranslation } from 'react-i18next'
import { type CardBatch, type CardExport, useBatch, useExports } from '#api/cards.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../cards.module.css'
import { BatchActions } from './batch-actions.tsx'
import { BatchProgress, BatchStateTag } from './batch-state.tsx'
import { Validity } from './validity.tsx'

/** A batch beside the list, with what can be done with it. */
export function BatchPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('cards')
  return (
    <Panel isOpen={id !== undefined} onClose={onClose} title={t('batches.one')}>
      {id !== undefined && <Content key={id} id={id} onClose={onClose} />}
    </Panel>
  )
}

function Content({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('cards')
  const can = useCan()
  const batch = useBatch(id)
  if (batch.isPending) return <FormSkeleton />
  if (!batch.data) return <ErrorState error={batch.error} onRetry={() => batch.refetch()} />
  const { data } = batch
  return (
    <>
      <div className={style.panelHead}>
        <h3 className={style.panelTitle}>{data.name}</h3>
        <BatchStateTag state={data.state} />
      </div>
      {data.state === 'generating' && (
        <div className={style.note} aria-live="polite">
          <BatchProgress batch={data} />
          <p className={common.small}>{t('batches.leave')}</p>
        </div>
      )}
      <BatchActions batch={data} onGone={onClose} />
      <BatchFacts batch={data} />
      {can('cards.exports.create') && data.generated > 0 && <Exports id={id} />}
    </>
  )
}

function BatchFacts({ batch }: { batch: CardBatch }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const secret = batch.secret_destroyed_at
    ? t('batches.secretDestroyed', { at: format.date(batch.secret_destroyed_at) })
    : t(batch.has_secret ? 'batches.hasSecret' : 'batches.noSecret')
  return (
    <Facts
      items={[
        [
          t('batches.template'),
          `${batch.template_name} · ${t('templates.versionNumber', { version: batch.template_version })}`,
        ],
        [
          t('batches.quantity'),
          t('batches.cards', { count: batch.quantity, value: format.number(batch.quantity) }),
        ],
        [t('batches.expires'), <Validity key="validity" batch={batch} />],
        [t('batches.channel'), batch.channel],
        [t('batches.notes'), batch.notes],
        [t('batches.secret'), secret],
        [t('batches.created'), <Time key="created" value={batch.created_at} />],
        [t('batches.released'), batch.released_at && <Time key="released" value={batch.released_at} />],
      ]}
    />
  )
}

/** From 0 to 1: how much of what was asked for is written. */
const doneOf = ({ cards, options: { from, to } }: CardExport) => cards / (to - from + 1)

function Exports({ id }: { id: string }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const exports = useExports(id)
  return (
    <section>
      <h3 className={style.partTitle}>{t('batches.exports')}</h3>
      {exports.data?.items.length === 0 && <p className={common.small}>{t('batches.noExports')}</p>}
      <ul className={style.history}>
        {exports.data?.items.map(item => (
          <li key={item.id}>
            <span className={`${style.grow} ${common.ellipsis}`}>
              {t('batches.exportLine', {
                who: item.requested_by.name ?? t('batches.someone'),
                format: item.format.toUpperCase(),
                count: item.cards,
                value: format.number(item.cards),
              })}
            </span>
            <span className={item.state === 'cut' ? common.warn : common.small}>
              {t(`batches.exportStates.${item.state}`, { percent: format.percent(doneOf(item)) })}
            </span>
            <span className={common.small}>
              <Time value={item.created_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
