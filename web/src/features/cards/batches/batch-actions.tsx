import { DownloadOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type CardBatch, useDeleteBatch, useDestroySecret, useMoveBatch } from '#api/cards.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { useErrorText } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import style from '../cards.module.css'
import { ExportDialog } from './export-dialog.tsx'

type Step = 'generate' | 'release' | 'freeze' | 'void' | 'delete' | 'destroy'

/** What can be done with a batch as it is; what cannot be taken back is asked about, by name. */
export function BatchActions({ batch, onGone }: { batch: CardBatch; onGone: () => void }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const mayExport = useCan()('cards.exports.create')
  const { state, quantity, has_secret } = batch
  const { run, ask, pending } = useSteps(batch, onGone)
  const [isExporting, setExporting] = useState(false)
  const hasCards = state === 'ready' || state === 'released' || state === 'frozen'
  const button = (step: Step) => ({
    loading: pending === step,
    disabled: pending !== null && pending !== step,
  })
  return (
    <div className={`${common.actions} ${style.panelActions}`}>
      {state === 'draft' && (
        <Button type="primary" {...button('generate')} onClick={() => run('generate')}>
          {t('batches.generate', { count: quantity, value: format.number(quantity) })}
        </Button>
      )}
      {state === 'generating' && (
        <Button {...button('generate')} onClick={() => run('generate')}>
          {t('batches.resume')}
        </Button>
      )}
      {(state === 'ready' || state === 'frozen') && (
        <Button type="primary" {...button('release')} onClick={() => ask('release')}>
          {t(state === 'frozen' ? 'batches.thaw' : 'batches.release')}
        </Button>
      )}
      {hasCards && mayExport && (
        <Button
          icon={<DownloadOutlined />}
          type={state === 'released' ? 'primary' : 'default'}
          disabled={!has_secret}
          onClick={() => setExporting(true)}
        >
          {t('export.action')}
        </Button>
      )}
      {state === 'released' && (
        <Button {...button('freeze')} onClick={() => ask('freeze')}>
          {t('batches.freeze')}
        </Button>
      )}
      {has_secret && mayExport && (hasCards || state === 'void') && (
        <Button danger {...button('destroy')} onClick={() => ask('destroy')}>
          {t('batches.destroy')}
        </Button>
      )}
      {state === 'draft' && (
        <Button danger {...button('delete')} onClick={() => ask('delete')}>
          {t('batches.delete')}
        </Button>
      )}
      {state !== 'void' && state !== 'draft' && (
        <Button danger {...button('void')} onClick={() => ask('void')}>
          {t('batches.void')}
        </Button>
      )}
      <ExportDialog batch={batch} isOpen={isExporting} onClose={() => setExporting(false)} />
    </div>
  )
}

function useSteps(batch: CardBatch, onGone: () => void) {
  const { t } = useTranslation('cards')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const format = useFormat()
  const move = useMoveBatch(batch.id)
  const remove = useDeleteBatch()
  const destroy = useDestroySecret(batch.id)
  const [pending, setPending] = useState<Step | null>(null)

  async function run(step: Step) {
    setPending(step)
    try {
      if (step === 'delete') {
        await remove.mutateAsync(batch.id)
        message.success(t('batches.deleted'))
        onGone()
      } else if (step === 'destroy') await destroy.mutateAsync(undefined)
      else await move.mutateAsync(step)
    } catch (error) {
      message.error(errorText(error))
    } finally {
      setPending(null)
    }
  }

  function ask(step: Exclude<Step, 'generate'>) {
    modal.confirm({
      title: t(`batches.${step}Ask`, { name: batch.name }),
      content: t(`batches.${step}Text`, { count: batch.quantity, value: format.number(batch.quantity) }),
      okText: t(`batches.${step}`),
      okButtonProps: { danger: step !== 'release' },
      onOk: () => run(step),
    })
  }
  return { run, ask, pending }
}
