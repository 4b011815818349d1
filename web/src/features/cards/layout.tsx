import { LockOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { Outlet, useLocation } from 'react-router'
import { EmptyState } from '#ui/empty.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { WithSideColumn } from '#ui/side-column.tsx'
import style from './cards.module.css'
import { CardsMenu } from './menu.tsx'
import { sections, useAllowedSections } from './sections.tsx'

export function Component() {
  const { t } = useTranslation('cards')
  const { pathname } = useLocation()
  const allowed = useAllowedSections()
  const wanted = sections.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
  return (
    <WithSideColumn
      label={t('title')}
      side={
        <nav className={style.menu} aria-label={t('title')}>
          <h2 className={style.menuTitle}>{t('title')}</h2>
          <CardsMenu />
        </nav>
      }
    >
      {!wanted || allowed.includes(wanted) ? <Outlet /> : <NotAllowed />}
    </WithSideColumn>
  )
}

function NotAllowed() {
  const { t } = useTranslation('cards')
  return (
    <Page title={t('title')} back="/cards">
      <EmptyState
        icon={<LockOutlined />}
        title={t('notAllowed.title')}
        description={t('notAllowed.text')}
        action={
          <LinkButton to="/cards" type="primary">
            {t('notAllowed.home')}
          </LinkButton>
        }
      />
    </Page>
  )
}
