import { CloseCircleFilled, MessageOutlined, SearchOutlined } from '@ant-design/icons'
import { Button, Input, Modal, Spin } from 'antd'
import { type KeyboardEvent, useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useChatSearch, useConversations } from '#api/chat.ts'
import type { Conversation, SearchHit } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Highlight } from '#ui/highlight.tsx'
import style from './dialogs.module.css'

const typingPause = 200

type Found = { key: string; conversation: Conversation; title: string | null; text: string | null }

/** Looks through titles and messages while one types; with nothing typed the latest conversations. */
export default function SearchDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['chat', 'app'])
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const q = useSettled(text.trim(), typingPause)
  const hits = useChatSearch(q)
  const latest = useConversations({ archived: false })
  const [chosen, setChosen] = useState(0)
  const listId = useId()
  const found: Found[] =
    q === '' ? (latest.data?.items ?? []).slice(0, 8).map(asLatest) : (hits.data?.items ?? []).map(asFound)
  const current = Math.min(chosen, found.length - 1)

  const open = (item: Found | undefined) => {
    if (!item) return
    onClose()
    void navigate(`/chat/${item.conversation.id}`)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') open(found[current])
    else if (event.key === 'ArrowDown') setChosen(Math.min(current + 1, found.length - 1))
    else if (event.key === 'ArrowUp') setChosen(Math.max(current - 1, 0))
    else return
    event.preventDefault()
  }
  const optionId = (index: number) => `${listId}-${index}`
  useEffect(() => {
    document.getElementById(`${listId}-${current}`)?.scrollIntoView({ block: 'nearest' })
  }, [listId, current])

  const isBusy = text.trim() !== q || (q !== '' && hits.isFetching && !hits.isFetchingNextPage)
  return (
    <Modal
      open
      onCancel={onClose}
      footer={null}
      title={t('search.title')}
      closable={{ 'aria-label': t('app:common.close') }}
      width={640}
      centered={false}
    >
      <Input
        autoFocus
        allowClear={{ clearIcon: <CloseCircleFilled aria-label={t('app:common.clear')} /> }}
        size="large"
        prefix={<SearchOutlined />}
        suffix={isBusy ? <Spin size="small" /> : <span />}
        placeholder={t('search.placeholder')}
        value={text}
        maxLength={200}
        role="combobox"
        aria-label={t('search.title')}
        aria-expanded={found.length > 0}
        aria-controls={listId}
        aria-activedescendant={found.length > 0 ? optionId(current) : undefined}
        onChange={event => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKeyDown}
      />
      {hits.error && <ErrorAlert error={hits.error} />}
      <div className={style.hits} id={listId} role="listbox" aria-label={t('search.results')}>
        {found.map((item, index) => (
          <div
            key={item.key}
            id={optionId(index)}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            className={style.hit}
            onMouseMove={() => setChosen(index)}
            onClick={() => open(item)}
            onKeyDown={event => event.key === 'Enter' && open(item)}
          >
            <MessageOutlined className={style.hitIcon} aria-hidden="true" />
            <span className={style.hitText}>
              <span className={style.hitTitle}>
                {item.title ? <Highlight text={item.title} /> : t('list.untitled')}
              </span>
              {item.text && (
                <span className={style.hitPiece}>
                  <Highlight text={item.text} />
                </span>
              )}
            </span>
            <span className={style.hitTime}>
              <Time value={item.conversation.last_message_at} />
            </span>
          </div>
        ))}
      </div>
      {found.length === 0 && !isBusy && !hits.error && (
        <p className={style.nothing}>{q === '' ? t('search.hint') : t('search.nothing', { q })}</p>
      )}
      {q !== '' && hits.hasNextPage && (
        <Button block type="text" loading={hits.isFetchingNextPage} onClick={() => hits.fetchNextPage()}>
          {t('list.more')}
        </Button>
      )}
      <p className={style.keys}>{t('search.keys')}</p>
    </Modal>
  )
}

const asLatest = (conversation: Conversation): Found => ({
  key: conversation.id,
  conversation,
  title: conversation.title,
  text: null,
})

const asFound = (hit: SearchHit): Found => ({
  key: hit.message?.id ?? hit.conversation.id,
  conversation: hit.conversation,
  title: hit.title_highlight ?? hit.conversation.title,
  text: hit.highlight,
})

function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
