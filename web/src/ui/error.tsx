import {
  DisconnectOutlined,
  ExclamationCircleOutlined,
  LockOutlined,
  SearchOutlined,
} from '@ant-design/icons'
import { Alert, Button } from 'antd'
import type { TFunction } from 'i18next'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError, type InputIssue } from '#api/client.ts'
import { hasSessionEnded } from '#api/query.ts'
import { CopyButton } from './copy.tsx'
import { issuesWithoutField, pathOf } from './form.ts'
import style from './state.module.css'

/** What happened, in words for the person: the server's own where it gave some. */
function errorText(error: unknown, t: TFunction<'app'>): string {
  if (!(error instanceof ApiError)) return t('error.unknown.text')
  if (hasSessionEnded(error)) return t('error.signedOut.text')
  if (error.detail) return error.detail
  if (error.status === 0) return navigator.onLine ? t('error.network.text') : t('error.offline.text')
  return t('error.server.text')
}

/** For short messages (`message.error(errorText(error))`): what happened, in words for the person. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation('app')
  return error => errorText(error, t)
}

function look(error: unknown, t: TFunction<'app'>) {
  const status = error instanceof ApiError ? error.status : -1
  if (status === 0) return { icon: <DisconnectOutlined />, title: t('error.network.title') }
  if (status === 403) return { icon: <LockOutlined />, title: t('error.forbidden.title') }
  if (status === 404) return { icon: <SearchOutlined />, title: t('error.notFound.title') }
  if (status >= 400 && status < 500)
    return { icon: <ExclamationCircleOutlined />, title: t('error.refused.title') }
  return { icon: <ExclamationCircleOutlined />, title: t('error.server.title') }
}

/** A view that could not be read: what happened, try again, and the request id to give to the operator. */
export function ErrorState({
  error,
  title,
  onRetry,
}: {
  error: unknown
  /** What could not be done; by default told from the kind of error. */
  title?: string
  onRetry?: () => void
}) {
  const { t } = useTranslation('app')
  const seen = look(error, t)
  return (
    <div className={style.state} role="alert">
      <div className={style.icon} aria-hidden="true">
        {seen.icon}
      </div>
      <h2 className={style.title}>{title ?? seen.title}</h2>
      <div className={style.text}>{errorText(error, t)}</div>
      {onRetry && (
        <div className={style.actions}>
          <Button onClick={onRetry}>{t('common.retry')}</Button>
        </div>
      )}
      <RequestId error={error} />
    </div>
  )
}

/** A write that failed, above the form or beside the button; nothing while there is no error. */
export function ErrorAlert({ error }: { error: unknown }) {
  const { t } = useTranslation('app')
  const issues = issuesWithoutField(error)
  const isShown = error !== null && error !== undefined && issues?.length !== 0
  const place = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another error is seen as the first one was.
  useEffect(() => {
    // The button of a form may be far below. What was only read anew does not move a page.
    if (isShown && place.current?.closest('form')) place.current.scrollIntoView({ block: 'nearest' })
  }, [error, isShown])
  if (!isShown) return null
  return (
    <div ref={place} className={style.alert}>
      <Alert type="error" showIcon title={errorText(error, t)} description={detailOf(error)} />
    </div>
  )
}

/** More than the sentence; undefined where that is all. */
function detailOf(error: unknown): ReactNode {
  const issues = issuesWithoutField(error)
  if (issues) return <Issues issues={issues} />
  if (hasSessionEnded(error)) return <SignInAgain />
  return requestIdOf(error) && <RequestId error={error} />
}

function SignInAgain() {
  const { t } = useTranslation('app')
  return (
    <a href="/sign-in" target="_blank" rel="noreferrer">
      {t('error.signedOut.signIn')}
    </a>
  )
}

/** What no field of the form could show. */
function Issues({ issues }: { issues: readonly InputIssue[] }) {
  return (
    <ul className={style.issues}>
      {issues.map(issue => (
        <li key={issue.pointer + issue.detail}>
          {pathOf(issue).length > 0 && <code>{pathOf(issue).join(' / ')} </code>}
          {issue.detail}
        </li>
      ))}
    </ul>
  )
}

/** Only for the server's own failures: nobody needs to report a wrong password. */
const requestIdOf = (error: unknown): string | undefined =>
  error instanceof ApiError && error.status >= 500 ? error.requestId : undefined

function RequestId({ error }: { error: unknown }) {
  const { t } = useTranslation('app')
  const id = requestIdOf(error)
  if (!id) return null
  return (
    <div className={style.requestId}>
      <span>{t('error.requestId', { id })}</span>
      <CopyButton text={id} label={t('error.copyRequestId')} />
    </div>
  )
}
