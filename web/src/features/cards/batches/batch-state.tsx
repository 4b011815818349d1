import { Progress, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { CardBatch } from '#api/cards.ts'
import common from '#ui/common.module.css'
import { useFormat } from '#ui/format.tsx'

export const batchStates = ['draft', 'generating', 'ready', 'released', 'frozen', 'void'] as const
const looks = {
  draft: 'default',
  generating: 'processing',
  ready: 'blue',
  released: 'success',
  frozen: 'warning',
  void: 'error',
}

export function BatchStateTag({ state }: { state: CardBatch['state'] }) {
  const { t } = useTranslation('cards')
  return <Tag color={looks[state]}>{t(`batches.states.${state}`)}</Tag>
}

/** How far its generation is, with the exact numbers. */
export function BatchProgress({ batch, size = 'default' }: { batch: CardBatch; size?: 'small' | 'default' }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const { generated, quantity } = batch
  return (
    <>
      <Progress
        size={size}
        percent={Math.floor((generated / quantity) * 100)}
        aria-label={t('batches.progress')}
      />
      <span className={`${common.small} numbers`}>
        {t('batches.quantityOf', { generated: format.number(generated), quantity: format.number(quantity) })}
      </span>
    </>
  )
}
