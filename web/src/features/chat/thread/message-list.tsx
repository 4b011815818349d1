import { ArrowDownOutlined } from '@ant-design/icons'
import { useVirtualizer, type VirtualItem, type Virtualizer } from '@tanstack/react-virtual'
import { Button, Spin } from 'antd'
import { memo, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Message } from '#api/types.ts'
import { type Pending, shownMessages, type Thread } from '../stream-state.ts'
import { Answer } from './answer.tsx'
import { PendingQuestion, Question } from './question.tsx'
import style from './thread.module.css'

type Row =
  | { key: string; message: Message; pending?: never }
  | { key: string; pending: Pending; message?: never }

/** So near to the end (px) the list stays at it while an answer grows. */
const endThreshold = 60

/** Height (px) of an answer that has not been on the screen yet. */
const longEstimate = 320

/**
 * Whether to scroll along when a message turns out to be of another height: if all of it is above what one sees, also
 * while scrolling back; if it reaches into that, only when it is measured for the first time. What grows later (an
 * answer, an opened fold) grows downwards.
 */
function keepsPlace(
  item: VirtualItem,
  _delta: number,
  instance: Virtualizer<HTMLDivElement, Element>,
): boolean {
  const offset = instance.scrollOffset ?? 0
  return item.end <= offset || (item.start < offset && !instance.itemSizeCache.has(item.key))
}

/** The messages, of which only those on the screen exist; at the end it stays at the end while text streams in. */
export function MessageList({
  thread,
  onReadOlder,
  before,
}: {
  thread: Thread
  onReadOlder: () => Promise<void>
  /** Stands before the first message. */
  before?: ReactNode
}) {
  const { t } = useTranslation('chat')
  const rows = useMemo(() => rowsOf(thread), [thread])
  const layout = useLayout(rows)
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: layout.estimateSize,
    getItemKey: layout.getItemKey,
    overscan: 3,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: endThreshold,
    // Begins at the end; the beginning would be drawn, and asked for what is before it.
    initialOffset: () => rows.length * longEstimate,
  })
  virtual.shouldAdjustScrollPositionOnItemSizeChange = keepsPlace
  const items = virtual.getVirtualItems()
  const isEmpty = rows.length === 0
  useLayoutEffect(() => {
    if (!isEmpty) virtual.scrollToEnd()
  }, [isEmpty, virtual])

  // What one asks oneself is always shown, wherever one was reading.
  const ownKey = thread.pending.at(-1)?.client_message_id
  useEffect(() => {
    if (ownKey) virtual.scrollToEnd()
  }, [ownKey, virtual])

  const isReadingOlder = useOlder(thread, (items[0]?.index ?? 10) < 4, onReadOlder)
  const isAtEnd = virtual.isAtEnd(endThreshold)
  return (
    <div className={style.listFrame}>
      <div ref={scroller} className={style.scroll} data-scroller>
        {thread.older === null ? (
          before
        ) : (
          <div className={style.older}>{isReadingOlder && <Spin size="small" />}</div>
        )}
        <ul
          className={style.messages}
          style={{ height: virtual.getTotalSize() }}
          aria-label={t('thread.label')}
        >
          {items.map(item => {
            const row = rows[item.index]
            return (
              row && (
                <li
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={style.message}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  {row.message ? (
                    <MessageRow message={row.message} />
                  ) : (
                    <PendingQuestion pending={row.pending} />
                  )}
                </li>
              )
            )
          })}
        </ul>
      </div>
      {!isAtEnd && !isEmpty && (
        <Button
          shape="circle"
          className={style.toNewest}
          icon={<ArrowDownOutlined />}
          aria-label={t('thread.toNewest')}
          title={t('thread.toNewest')}
          onClick={() => virtual.scrollToEnd()}
        />
      )}
    </div>
  )
}

const MessageRow = memo(function MessageRow({ message }: { message: Message }) {
  return message.role === 'user' ? <Question message={message} /> : <Answer message={message} />
})

function rowsOf(thread: Thread): Row[] {
  const messages = shownMessages(thread).map(message => ({
    key: thread.keys[message.id] ?? message.id,
    message,
  }))
  return [...messages, ...thread.pending.map(pending => ({ key: pending.client_message_id, pending }))]
}

/** The same functions as long as the same rows stand in the list: text that grows is no reason to lay it out anew. */
function useLayout(rows: readonly Row[]) {
  const [layout, setLayout] = useState(() => layoutOf(rows))
  if (layout.rows.length === rows.length && layout.rows.every((row, index) => row.key === rows[index]?.key)) {
    return layout
  }
  const next = layoutOf(rows)
  setLayout(next)
  return next
}

const layoutOf = (rows: readonly Row[]) => ({
  rows,
  getItemKey: (index: number) => rows[index]?.key ?? index,
  estimateSize: (index: number) => (rows[index]?.message?.role === 'assistant' ? longEstimate : 96),
})

/** Reads the page before when the beginning of what is known comes near. */
function useOlder(thread: Thread, isNear: boolean, onReadOlder: () => Promise<void>): boolean {
  const [isReading, setReading] = useState(false)
  const [failed, setFailed] = useState<string | null>(null)
  const { older } = thread
  // biome-ignore lint/correctness/useExhaustiveDependencies: only reaching the beginning is a reason to read.
  useEffect(() => {
    if (!isNear || older === null || isReading || failed === older) return
    setReading(true)
    onReadOlder()
      .catch(() => setFailed(older))
      .finally(() => setReading(false))
  }, [isNear, older, isReading])
  return isReading
}
