import { RightOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { NavLink } from 'react-router'
import style from './cards.module.css'
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
      <section key={group} className={style.menuGroup} aria-label={t(`menu.groups.${group}`)}>
        {group !== 'mine' && <h3 className={style.menuGroupTitle}>{t(`menu.groups.${group}`)}</h3>}
        {inGroup.map(section => (
          <NavLink key={section.key} to={section.path} className={style.menuItem}>
            <span aria-hidden="true">{section.icon}</span>
            <span>{t(`menu.${section.key}`)}</span>
            {hasArrows && <RightOutlined className={style.chevron} aria-hidden="true" />}
          </NavLink>
        ))}
      </section>
    )
  })
}
