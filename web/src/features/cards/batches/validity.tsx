import { useTranslation } from 'react-i18next'
import type { CardBatch } from '#api/cards.ts'
import { Time } from '#ui/format.tsx'

/** Until when the cards of a batch can be redeemed, as far as that is known. */
export function Validity({ batch }: { batch: CardBatch }) {
  const { t } = useTranslation('cards')
  if (batch.expires_at) return <Time value={batch.expires_at} style="dateTime" />
  if (batch.valid_days !== null) return t('batches.expiresAfter', { count: batch.valid_days })
  return t('batches.never')
}
