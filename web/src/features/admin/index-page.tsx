import { useTranslation } from 'react-i18next'
import { Navigate } from 'react-router'
import { useSetup } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import { MenuPage } from '#ui/side-menu.tsx'
import { PageSkeleton } from '#ui/skeleton.tsx'
import { useNarrow } from '#ui/use-narrow.ts'
import { AdminMenu } from './menu.tsx'
import { useAllowedSections } from './sections.tsx'

/** `/admin`: the set-up while nothing answers yet; then on a phone the list of pages, else the first of them. */
export function Component() {
  const { t } = useTranslation('admin')
  const isNarrow = useNarrow()
  const maySetUp = useCan()('admin.setup.read')
  const setup = useSetup(maySetUp)
  const first = useAllowedSections().find(section => section.key !== 'setup' || !setup.data?.has_provider)
  if (maySetUp && setup.isPending) return <PageSkeleton />
  if (setup.data && !setup.data.has_provider && !isNarrow) return <Navigate to="/admin/setup" replace />
  if (!isNarrow && first) return <Navigate to={first.path} replace />
  return (
    <MenuPage title={t('title')}>
      <AdminMenu hasArrows />
    </MenuPage>
  )
}
