import {
  DownOutlined,
  FolderOutlined,
  InboxOutlined,
  MoreOutlined,
  PlusOutlined,
  PushpinFilled,
  RightOutlined,
  RobotOutlined,
  SearchOutlined,
} from '@ant-design/icons'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Button, Dropdown, Spin } from 'antd'
import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { NavLink, useMatch, useSearchParams } from 'react-router'
import { useConversations, useFolders } from '#api/chat.ts'
import type { Conversation, Folder } from '#api/types.ts'
import { ErrorState } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { useSideColumn } from '#ui/side-column.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { useChatDialogs } from '../dialogs/chat-dialogs.tsx'
import { useConversationMenu } from './conversation-menu.tsx'
import { FolderMenu } from './folder-menu.tsx'
import style from './list.module.css'
import { type ListRow, listRows } from './list-rows.ts'
import { MoreMenu } from './more-menu.tsx'

const rowHeight = 36
const shortcut = /Mac|iP(hone|ad)/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'

/** The second column: new chat, search, and all conversations. */
export function ConversationList() {
  const { t } = useTranslation('chat')
  const dialogs = useChatDialogs()
  const { isNarrow } = useSideColumn()
  const [search, setSearch] = useSearchParams()
  const isArchive = search.get('list') === 'archived'
  const leaveArchive = () => setSearch(without(search, 'list'))
  return (
    <nav className={style.list} aria-label={t('list.label')}>
      <div className={style.head}>
        {!isNarrow && <h2 className={style.title}>{t('title')}</h2>}
        <LinkButton to="/chat/bots" type="text" icon={<RobotOutlined />} className={style.headButton}>
          {t('bots.title')}
        </LinkButton>
        <MoreMenu />
      </div>
      <div className={style.actions}>
        <LinkButton to="/chat" type="primary" icon={<PlusOutlined />} block>
          {t('list.new')}
        </LinkButton>
        <Button
          icon={<SearchOutlined />}
          onClick={dialogs.search}
          aria-label={t('search.open')}
          title={`${t('search.open')} (${shortcut})`}
        />
      </div>
      {isArchive && (
        <div className={style.archiveBar}>
          <InboxOutlined aria-hidden="true" />
          <span>{t('list.archived')}</span>
          <Button size="small" type="link" onClick={leaveArchive}>
            {t('list.leaveArchive')}
          </Button>
        </div>
      )}
      <Rows key={String(isArchive)} isArchive={isArchive} />
    </nav>
  )
}

function without(search: URLSearchParams, name: string): URLSearchParams {
  const next = new URLSearchParams(search)
  next.delete(name)
  return next
}

function Rows({ isArchive }: { isArchive: boolean }) {
  const { t } = useTranslation('chat')
  const pages = useConversations({ archived: isArchive })
  const folders = useFolders()
  const [openFolders, setOpenFolders] = useState<ReadonlySet<string>>(new Set())
  const conversations = pages.data?.items
  const allFolders = isArchive ? undefined : folders.data?.items
  const rows = useMemo(
    () => listRows(conversations ?? [], allFolders ?? [], openFolders, Date.now()),
    [conversations, allFolders, openFolders],
  )
  const toggle = (id: string) =>
    setOpenFolders(open =>
      open.has(id) ? new Set([...open].filter(each => each !== id)) : new Set([...open, id]),
    )

  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: index => rows[index]?.key ?? index,
    overscan: 8,
  })
  const items = virtual.getVirtualItems()
  const isNearEnd = (items.at(-1)?.index ?? -1) >= rows.length - 10
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [isNearEnd, hasNextPage, isFetchingNextPage, fetchNextPage])

  if (pages.isPending) {
    return (
      <div className={style.padded}>
        <ListSkeleton rows={7} />
      </div>
    )
  }
  if (!pages.data) return <ErrorState error={pages.error} onRetry={() => pages.refetch()} />
  if (rows.length === 0) {
    return <p className={style.nothing}>{isArchive ? t('list.archiveEmpty') : t('list.empty')}</p>
  }
  return (
    <div ref={scroller} className={style.scroll}>
      <ul className={style.rows} style={{ height: virtual.getTotalSize() }}>
        {items.map(item => {
          const row = rows[item.index]
          return (
            row && (
              <li
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={style.item}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Row row={row} onToggle={toggle} />
              </li>
            )
          )
        })}
      </ul>
      {isFetchingNextPage && (
        <div className={style.more}>
          <Spin size="small" />
        </div>
      )}
    </div>
  )
}

function Row({ row, onToggle }: { row: ListRow; onToggle: (id: string) => void }) {
  const { t } = useTranslation('chat')
  const dialogs = useChatDialogs()
  switch (row.kind) {
    case 'group':
      return <h3 className={style.group}>{t(`list.group.${row.group}`)}</h3>
    case 'folders':
      return (
        <h3 className={style.group}>
          <span>{t('list.folders')}</span>
          <Button
            type="text"
            size="small"
            icon={<PlusOutlined />}
            aria-label={t('list.newFolder')}
            onClick={() => dialogs.newFolder()}
          />
        </h3>
      )
    case 'folder':
      return (
        <div className={style.row}>
          <button
            type="button"
            className={style.link}
            aria-expanded={row.isOpen}
            onClick={() => onToggle(row.folder.id)}
          >
            <span className={style.icon}>{row.isOpen ? <DownOutlined /> : <RightOutlined />}</span>
            <FolderOutlined className={style.icon} />
            <span className={style.name}>{row.folder.name}</span>
          </button>
          <FolderMenu folder={row.folder} />
        </div>
      )
    case 'folder_body':
      return <FolderBody folder={row.folder} />
    case 'conversation':
      return <ConversationRow conversation={row.conversation} />
  }
}

function FolderBody({ folder }: { folder: Folder }) {
  const { t } = useTranslation('chat')
  const pages = useConversations({ folder_id: folder.id })
  if (pages.isPending) return <ListSkeleton rows={2} />
  const items = pages.data?.items ?? []
  return (
    <div className={style.folderBody}>
      {items.map(conversation => (
        <ConversationRow key={conversation.id} conversation={conversation} />
      ))}
      {items.length === 0 && <p className={style.nothing}>{t('list.folderEmpty')}</p>}
      {pages.hasNextPage && (
        <Button
          type="link"
          size="small"
          loading={pages.isFetchingNextPage}
          onClick={() => pages.fetchNextPage()}
        >
          {t('list.more')}
        </Button>
      )}
    </div>
  )
}

const ConversationRow = memo(function ConversationRow({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation('chat')
  const [search] = useSearchParams()
  const isOpen = useMatch('/chat/:id')?.params.id === conversation.id
  const title = conversation.title ?? t('list.untitled')
  const list = search.get('list')
  return (
    <div className={style.row} data-current={isOpen}>
      <NavLink
        to={{ pathname: `/chat/${conversation.id}`, search: list ? `?list=${list}` : '' }}
        className={style.link}
        title={title}
      >
        {conversation.is_pinned && <PushpinFilled className={style.icon} aria-label={t('list.pinned')} />}
        <span className={style.name}>{title}</span>
      </NavLink>
      <ConversationRowMenu conversation={conversation} title={title} />
    </div>
  )
})

function ConversationRowMenu({ conversation, title }: { conversation: Conversation; title: string }) {
  const { t } = useTranslation('chat')
  const menu = useConversationMenu(conversation)
  return (
    <Dropdown trigger={['click']} placement="bottomRight" menu={menu}>
      <Button
        type="text"
        size="small"
        className={style.menu}
        icon={<MoreOutlined />}
        aria-label={t('list.menuOf', { title })}
      />
    </Dropdown>
  )
}
