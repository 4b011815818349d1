import { RightOutlined } from '@ant-design/icons'
import type { ReactNode } from 'react'
import { NavLink } from 'react-router'
import style from './menu-link.module.css'

/** A line of a second column's menu; with an arrow where the menu is a page of its own, on phones. */
export function MenuLink({
  to,
  icon,
  hasArrow = false,
  isExact = false,
  children,
}: {
  to: string
  icon: ReactNode
  hasArrow?: boolean
  /** Current on its own address only, not on those below it. */
  isExact?: boolean
  children: ReactNode
}) {
  return (
    <NavLink to={to} end={isExact} className={style.link} data-row={hasArrow}>
      <span aria-hidden="true">{icon}</span>
      <span>{children}</span>
      {hasArrow && <RightOutlined className={style.chevron} aria-hidden="true" />}
    </NavLink>
  )
}
