import { LockOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { Outlet, useLocation } from 'react-router'
import { EmptyState } from '#ui/empty.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { WithSideColumn } from '#ui/side-column.tsx'
import { SideMenu } from '#ui/side-menu.tsx'
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
        <SideMenu title={t('title')}>
          <CardsMenu />
        </SideMenu>
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
