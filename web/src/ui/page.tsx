import { ArrowLeftOutlined } from '@ant-design/icons'
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'react-router'
import { LinkButton } from './link-button.tsx'
import style from './page.module.css'

type PageProps = {
  title: string
  /** One sentence under the title, where the title is not enough. */
  description?: ReactNode
  /** The page's one primary action. */
  action?: ReactNode
  /** Filters, under the title; their state belongs in the address. */
  filters?: ReactNode
  /** Where the arrow beside the title leads; shown on phones only unless `alwaysBack`. */
  back?: string
  alwaysBack?: boolean
  /** `form`: a column of readable width; `wide`: all there is. */
  width?: 'form' | 'normal' | 'wide'
  children: ReactNode
}

/** A page: one title, one primary action at the right, filters under it, then the content, which scrolls. */
export function Page({ width = 'normal', ...page }: PageProps) {
  const { t } = useTranslation('app')
  useDocumentTitle(page.title)
  return (
    <div className={style.scroll} ref={useScrollMemory()}>
      <div className={style.page} data-width={width}>
        <header className={style.header}>
          {page.back !== undefined && (
            <span className={style.back} data-always={page.alwaysBack ?? false}>
              <LinkButton
                to={page.back}
                type="text"
                icon={<ArrowLeftOutlined />}
                aria-label={t('common.back')}
              />
            </span>
          )}
          <h1 className={style.title}>{page.title}</h1>
          {page.action && <div className={style.action}>{page.action}</div>}
        </header>
        {page.description && <p className={style.description}>{page.description}</p>}
        {page.filters && <div className={style.filters}>{page.filters}</div>}
        {page.children}
      </div>
    </div>
  )
}

const scrollPlaces = new Map<string, number>()

/** Going back finds the page where it was left; a new address starts at the top. */
function useScrollMemory() {
  const box = useRef<HTMLDivElement>(null)
  const { key } = useLocation()
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    element.scrollTop = scrollPlaces.get(key) ?? 0
    const remember = () => scrollPlaces.set(key, element.scrollTop)
    element.addEventListener('scroll', remember, { passive: true })
    return () => element.removeEventListener('scroll', remember)
  }, [key])
  return box
}

/** A titled part of a page. */
export function Section({
  title,
  description,
  action,
  children,
}: {
  title?: string
  description?: ReactNode
  action?: ReactNode
  children: ReactNode
}) {
  return (
    <section className={style.section}>
      {(title || action) && (
        <div className={style.sectionHeader}>
          {title && <h2 className={style.sectionTitle}>{title}</h2>}
          {action && <div className={style.action}>{action}</div>}
        </div>
      )}
      {description && <p className={style.description}>{description}</p>}
      {children}
    </section>
  )
}

/** What the browser's tab and history say. */
export function useDocumentTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · Banyan` : 'Banyan'
  }, [title])
}
