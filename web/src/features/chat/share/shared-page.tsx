import { LinkOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link, useParams } from 'react-router'
import { useShared } from '#api/chat.ts'
import { ApiError } from '#api/client.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Mark } from '#ui/mark.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from './shared.module.css'
import { SharedThread } from './shared-thread.tsx'

/** A shared conversation, for anybody who has the link; nothing in it can be changed. */
export function Component() {
  const { t } = useTranslation('chat')
  const { token = '' } = useParams()
  const shared = useShared(token)
  const title = shared.data ? (shared.data.title ?? t('list.untitled')) : t('share.pageTitle')
  useDocumentTitle(title)
  return (
    <div className={style.page}>
      {/* Whoever has the link may read it; search engines shall not hand the link around. */}
      <meta name="robots" content="noindex" />
      <header className={style.bar}>
        <Link to="/" className={style.mark} aria-label="Banyan">
          <Mark size={24} />
          <span>Banyan</span>
        </Link>
        <Tag>{t('share.readOnly')}</Tag>
      </header>
      <main className={style.main}>
        {shared.isPending && <ListSkeleton rows={5} />}
        {shared.isError &&
          (shared.error instanceof ApiError && shared.error.status < 500 && shared.error.status >= 400 ? (
            <EmptyState
              isPage
              icon={<LinkOutlined />}
              title={t('share.gone')}
              description={t('share.goneText')}
            />
          ) : (
            <ErrorState error={shared.error} onRetry={() => shared.refetch()} />
          ))}
        {shared.data && (
          <>
            <h1 className={style.title}>{title}</h1>
            <p className={style.time}>
              <Time value={shared.data.created_at} style="dateTime" />
            </p>
            <SharedThread messages={shared.data.messages} />
            <p className={style.end}>{t('share.disclaimer')}</p>
          </>
        )}
      </main>
    </div>
  )
}
