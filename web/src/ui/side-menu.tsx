import type { ReactNode } from 'react'
import { Page } from './page.tsx'
import style from './side-menu.module.css'

/** A product's menu, for its second column: its title, and groups of lines (`MenuLink`). */
export function SideMenu({ title, children }: { title: string; children: ReactNode }) {
  return (
    <nav className={style.menu} aria-label={title}>
      <h2 className={style.title}>{title}</h2>
      {children}
    </nav>
  )
}

/** The same menu as a page of its own, on phones. */
export function MenuPage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Page title={title}>
      <nav className={style.menu} data-page="true" aria-label={title}>
        {children}
      </nav>
    </Page>
  )
}

/** Lines of a menu that belong together. */
export function MenuGroup({
  label,
  isTitled = true,
  children,
}: {
  label: string
  /** Whether the label is seen; the first group goes without. */
  isTitled?: boolean
  children: ReactNode
}) {
  return (
    <section className={style.group} aria-label={label}>
      {isTitled && <h3 className={style.groupTitle}>{label}</h3>}
      {children}
    </section>
  )
}
