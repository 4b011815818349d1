import { useTranslation } from 'react-i18next'
import { MenuLink } from '#ui/menu-link.tsx'
import { MenuGroup } from '#ui/side-menu.tsx'
import { useAllowedSections } from './sections.tsx'

const groups = ['start', 'people', 'ai', 'system'] as const

/** The pages that the person may open, in groups; with arrows where each is a page of its own. */
export function AdminMenu({ hasArrows = false }: { hasArrows?: boolean }) {
  const { t } = useTranslation('admin')
  const allowed = useAllowedSections()
  return groups.map(group => {
    const sections = allowed.filter(section => section.group === group)
    if (sections.length === 0) return null
    return (
      <MenuGroup key={group} label={t(`menu.groups.${group}`)} isTitled={group !== 'start'}>
        {sections.map(section => (
          <MenuLink key={section.key} to={section.path} icon={section.icon} hasArrow={hasArrows}>
            {t(`menu.${section.key}`)}
          </MenuLink>
        ))}
      </MenuGroup>
    )
  })
}
