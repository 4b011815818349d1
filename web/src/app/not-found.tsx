import { CompassOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { EmptyState } from '#ui/empty.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import style from './shell.module.css'

export function NotFoundPage() {
  const { t } = useTranslation('app')
  useDocumentTitle(t('notFound.title'))
  return (
    <div className={style.centered}>
      <EmptyState
        isPage
        icon={<CompassOutlined />}
        title={t('notFound.title')}
        description={t('notFound.text')}
        action={
          <LinkButton to="/" type="primary">
            {t('notFound.home')}
          </LinkButton>
        }
      />
    </div>
  )
}
