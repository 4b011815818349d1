import { ReloadOutlined } from '@ant-design/icons'
import { Alert, Button } from 'antd'
import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import { useQuota } from '#api/chat.ts'
import { useMe } from '#api/me.ts'
import type { Quota } from '#api/types.ts'
import { useFormat } from '#ui/format.tsx'
import type { Format } from '#ui/format-values.ts'
import { LinkButton } from '#ui/link-button.tsx'
import type { SendFailure } from '../stream-state.ts'
import style from './thread.module.css'

/** Failures that only an administrator can end, and where. */
const adminPages: Record<string, string> = {
  'ai.not_configured': '/admin/setup',
  'ai.bad_key': '/admin/providers',
  'ai.upstream_model_missing': '/admin/models',
  'ai.model_not_found': '/admin/models',
  'quota.spend_cap_reached': '/admin/usage',
}

/** What went wrong, where it did, and what to do about it. */
export function FailureNote({
  failure,
  onRetry,
  retryLabel,
  onTakeBack,
}: {
  failure: SendFailure
  onRetry?: (() => void) | undefined
  retryLabel?: string
  /** Gives the question back to be changed. */
  onTakeBack?: () => void
}) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  const { data: quota } = useQuota()
  const isAdmin = useMe().permissions.some(permission => permission.startsWith('admin.'))
  const adminPage = adminPages[failure.code]
  return (
    <Alert
      type="error"
      showIcon
      className={style.failure}
      title={textOf(failure, quota, t, format)}
      description={adminPage && !isAdmin ? t('failure.askAdmin') : undefined}
      action={
        <span className={style.failureActions}>
          {adminPage && isAdmin && (
            <LinkButton to={adminPage} size="small">
              {t('failure.toAdmin')}
            </LinkButton>
          )}
          {onRetry && (
            <Button size="small" icon={<ReloadOutlined />} onClick={onRetry}>
              {retryLabel ?? t('failure.retry')}
            </Button>
          )}
          {onTakeBack && (
            <Button size="small" type="text" onClick={onTakeBack}>
              {t('failure.takeBack')}
            </Button>
          )}
        </span>
      }
    />
  )
}

function textOf(
  failure: SendFailure,
  quota: Quota | undefined,
  t: TFunction<'chat'>,
  format: Format,
): string {
  if (failure.code === 'quota.exceeded') {
    const spent = quota?.limits.find(limit => limit.remaining !== null && limit.remaining <= 0)
    if (spent) return t('failure.quota', { time: format.dateTime(spent.resets_at) })
  }
  if (failure.detail) return failure.detail
  if (failure.status === 0) return navigator.onLine ? t('failure.network') : t('failure.offline')
  return t('failure.unknown')
}
