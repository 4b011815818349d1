import { useTranslation } from 'react-i18next'
import { MenuLink } from '#ui/menu-link.tsx'
import { MenuGroup } from '#ui/side-menu.tsx'
import { useAllowedSections } from './sections.tsx'

const groups = ['mine', 'making', 'watching'] as const

/** The pages that the person may open, in groups; with arrows where each is a page of its own. */
export function CardsMenu({ hasArrows = false }: { hasArrows?: boolean }) {
  const { t } = useTranslation('cards')
  const allowed = useAllowedSections()
  return groups.map(group => {
    const inGroup = allowed.filter(section => section.group === group)
    if (inGroup.length === 0) return null
    return (
      <MenuGroup key={group} label={t(`menu.groups.${group}`)} isTitled={group !== 'mine'}>
        {inGroup.map(section => (
          <MenuLink key={section.key} to={section.path} icon={section.icon} hasArrow={hasArrows}>
            {t(`menu.${section.key}`)}
          </MenuLink>
        ))}
      </MenuGroup>
    )
  })
}
