import { Drawer } from 'antd'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { useLocation } from 'react-router'
import style from './side-column.module.css'
import { useNarrow } from './use-narrow.ts'

type SideColumn = {
  isNarrow: boolean /** On phones; does nothing beside it. */
  open: () => void
  close: () => void
}

const SideColumnContext = createContext<SideColumn>({ isNarrow: false, open: () => {}, close: () => {} })

/** For a button in the page's own header that shows the column on phones (`isNarrow`). */
export const useSideColumn = (): SideColumn => useContext(SideColumnContext)

/**
 * A product's second column (conversations, rooms, settings) beside its page. On a phone it is a drawer that
 * the page opens with `useSideColumn().open()`, and that closes when the address changes.
 */
export function WithSideColumn({
  label,
  side,
  children,
}: {
  /** Accessible name of the column, such as “Conversations”. */
  label: string
  side: ReactNode
  children: ReactNode
}) {
  const isNarrow = useNarrow()
  const [isOpen, setOpen] = useState(false)
  const { key } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address is the reason to close, not an input.
  useEffect(() => setOpen(false), [key])
  const value = useMemo(
    () => ({ isNarrow, open: () => setOpen(true), close: () => setOpen(false) }),
    [isNarrow],
  )
  return (
    <SideColumnContext value={value}>
      <div className={style.columns}>
        {isNarrow ? (
          <Drawer
            open={isOpen}
            onClose={() => setOpen(false)}
            placement="left"
            size="85%"
            title={label}
            styles={{ body: { padding: 0 } }}
          >
            {side}
          </Drawer>
        ) : (
          <aside className={style.side} aria-label={label}>
            {side}
          </aside>
        )}
        <div className={style.main}>{children}</div>
      </div>
    </SideColumnContext>
  )
}
