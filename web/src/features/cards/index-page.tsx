import { useTranslation } from 'react-i18next'
import { Navigate } from 'react-router'
import { MenuPage } from '#ui/side-menu.tsx'
import { useNarrow } from '#ui/use-narrow.ts'
import { CardsMenu } from './menu.tsx'
import { useAllowedSections } from './sections.tsx'

/** `/cards`: on a phone the list of pages, else the first of them. */
export function Component() {
  const { t } = useTranslation('cards')
  const isNarrow = useNarrow()
  const [first, ...others] = useAllowedSections()
  if (first && (!isNarrow || others.length === 0)) return <Navigate to={first.path} replace />
  return (
    <MenuPage title={t('title')}>
      <CardsMenu hasArrows />
    </MenuPage>
  )
}
