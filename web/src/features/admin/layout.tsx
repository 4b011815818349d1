import { LockOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { Outlet, useLocation } from 'react-router'
import { EmptyState } from '#ui/empty.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { WithSideColumn } from '#ui/side-column.tsx'
import { SideMenu } from '#ui/side-menu.tsx'
import { AdminMenu } from './menu.tsx'
import { sections, useAllowedSections } from './sections.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const { pathname } = useLocation()
  const allowed = useAllowedSections()
  const wanted = sections.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
  const isOpen = wanted ? allowed.includes(wanted) : allowed.length > 0
  return (
    <WithSideColumn
      label={t('title')}
      side={
        <SideMenu title={t('title')}>
          <AdminMenu />
        </SideMenu>
      }
    >
      {isOpen ? <Outlet /> : <NotAllowed />}
    </WithSideColumn>
  )
}

function NotAllowed() {
  const { t } = useTranslation('admin')
  return (
    <Page title={t('title')} back="/">
      <EmptyState
        icon={<LockOutlined />}
        title={t('notAllowed.title')}
        description={t('notAllowed.text')}
        action={
          <LinkButton to="/" type="primary">
            {t('notAllowed.home')}
          </LinkButton>
        }
      />
    </Page>
  )
}
