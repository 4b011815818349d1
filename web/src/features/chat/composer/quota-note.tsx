import { useTranslation } from 'react-i18next'
import { useQuota } from '#api/chat.ts'
import type { Quota, QuotaLimit } from '#api/types.ts'
import { useFormat } from '#ui/format.tsx'
import style from './composer.module.css'

/** From this part of a limit on, what is left is worth a line. */
const lowFraction = 0.2

/** The limit that ends first, if one is near its end. */
export function tightestLimit(quota: Quota | undefined): QuotaLimit | null {
  const near = (quota?.limits ?? []).filter(
    limit =>
      limit.max !== null &&
      limit.remaining !== null &&
      limit.metric !== 'cost_micros' &&
      (limit.remaining <= 10 || limit.remaining / Math.max(1, limit.max) <= lowFraction),
  )
  const part = (limit: QuotaLimit) => (limit.remaining ?? 0) / Math.max(1, limit.max ?? 1)
  return near.sort((a, b) => part(a) - part(b))[0] ?? null
}

export function QuotaNote() {
  const { t } = useTranslation('chat')
  const format = useFormat()
  const { data: quota } = useQuota()
  const limit = tightestLimit(quota)
  if (!limit || limit.metric === 'cost_micros' || limit.remaining === null) return null
  const values = {
    count: limit.remaining,
    left: format.number(Math.max(0, limit.remaining)),
    time: format.dateTime(limit.resets_at),
  }
  const text = limit.metric === 'requests' ? t('quota.requests', values) : t('quota.tokens', values)
  return (
    <p className={style.note} data-tone={limit.remaining <= 0 ? 'warning' : 'plain'}>
      {text}
    </p>
  )
}
