import type { ReactNode } from 'react'
import style from './state.module.css'

/** First use, or nothing found: what this is, one button that starts it, perhaps a sample to try. */
export function EmptyState({
  icon,
  title,
  description,
  action,
  isPage = false,
}: {
  icon?: ReactNode
  title: string
  description?: ReactNode
  action?: ReactNode
  /** It is all that the page shows: its title is then the page's heading. */
  isPage?: boolean
}) {
  const Title = isPage ? 'h1' : 'h2'
  return (
    <div className={style.state}>
      {icon && (
        <div className={style.icon} aria-hidden="true">
          {icon}
        </div>
      )}
      <Title className={style.title}>{title}</Title>
      {description && <div className={style.text}>{description}</div>}
      {action && <div className={style.actions}>{action}</div>}
    </div>
  )
}
