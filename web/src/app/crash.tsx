import { BugOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { isRouteErrorResponse, useRouteError } from 'react-router'
import { ApiError } from '#api/client.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { NotFoundPage } from './not-found.tsx'
import style from './shell.module.css'

/** What stands in for a page that threw: the server's error if it was one, else ours. */
export function CrashPage() {
  const { t } = useTranslation('app')
  const error = useRouteError()
  useEffect(() => console.error(error), [error])
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFoundPage />
  const reload = () => location.reload()
  return (
    <div className={style.centered}>
      {error instanceof ApiError ? (
        <ErrorState error={error} onRetry={reload} />
      ) : (
        <EmptyState
          isPage
          icon={<BugOutlined />}
          title={t('crash.title')}
          description={t('crash.text')}
          action={
            <Button type="primary" onClick={reload}>
              {t('crash.reload')}
            </Button>
          }
        />
      )}
    </div>
  )
}
