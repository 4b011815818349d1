import { MoreOutlined, ShareAltOutlined } from '@ant-design/icons'
import { Button, Dropdown, Tooltip } from 'antd'
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useConversation } from '#api/chat.ts'
import { ApiError } from '#api/client.ts'
import type { Conversation, Message } from '#api/types.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { useBot } from './bots/use-bot.ts'
import style from './chat.module.css'
import { ChatHeader } from './chat-header.tsx'
import { Composer, type ComposerHandle } from './composer/composer.tsx'
import { useChatDialogs } from './dialogs/chat-dialogs.tsx'
import { useConversationMenu } from './list/conversation-menu.tsx'
import { useConversationActions } from './list/use-conversation-actions.tsx'
import type { Thread } from './stream-state.ts'
import { TemporaryNote } from './temporary-note.tsx'
import { MessageList } from './thread/message-list.tsx'
import { ThreadActionsProvider, useThreadActions } from './thread/thread-actions.tsx'
import { useThread } from './thread/use-thread.ts'

export function ExistingConversation({ id }: { id: string }) {
  const { t } = useTranslation('chat')
  const conversation = useConversation(id)
  const { thread, error, retry, readOlder } = useThread(id)
  const composer = useRef<ComposerHandle>(null)
  const title = conversation.data?.title ?? t('list.untitled')
  useDocumentTitle(title)
  const failure = conversation.error ?? error
  if (failure && (!thread || !conversation.data)) {
    return (
      <div className={style.page}>
        <ChatHeader title="" />
        <div className={style.centered}>
          {failure instanceof ApiError && (failure.status === 404 || failure.status === 400) ? (
            <EmptyState
              title={t('thread.missing')}
              description={t('thread.missingText')}
              action={
                <LinkButton to="/chat" type="primary">
                  {t('list.new')}
                </LinkButton>
              }
            />
          ) : (
            <ErrorState
              error={failure}
              onRetry={() => {
                retry()
                void conversation.refetch()
              }}
            />
          )}
        </div>
      </div>
    )
  }
  return (
    <ThreadActionsProvider id={id} composer={composer}>
      <div className={style.page}>
        <ChatHeader
          title={title}
          isTemporary={conversation.data?.is_temporary ?? false}
          actions={conversation.data && <HeaderActions conversation={conversation.data} />}
        />
        {thread && conversation.data ? (
          <Talk
            conversation={conversation.data}
            thread={thread}
            onReadOlder={readOlder}
            composer={composer}
          />
        ) : (
          <div className={style.loading}>
            <ListSkeleton rows={4} />
          </div>
        )}
      </div>
    </ThreadActionsProvider>
  )
}

function HeaderActions({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation('chat')
  const dialogs = useChatDialogs()
  const menu = useConversationMenu(conversation)
  return (
    <>
      {!conversation.is_temporary && (
        <Tooltip title={t('share.action')}>
          <Button
            type="text"
            icon={<ShareAltOutlined />}
            aria-label={t('share.action')}
            onClick={() => dialogs.share(conversation)}
          />
        </Tooltip>
      )}
      <Dropdown trigger={['click']} placement="bottomRight" menu={menu}>
        <Button type="text" icon={<MoreOutlined />} aria-label={t('thread.menu')} />
      </Dropdown>
    </>
  )
}

function Talk({
  conversation,
  thread,
  onReadOlder,
  composer,
}: {
  conversation: Conversation
  thread: Thread
  onReadOlder: () => Promise<void>
  composer: RefObject<ComposerHandle | null>
}) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  const { change } = useConversationActions()
  const bot = useBot(conversation.bot_id)
  const streaming = thread.messages.findLast(message => message.status === 'streaming')
  const isSending = thread.pending.some(pending => pending.failure === null)
  const [stopping, setStopping] = useState<string | null>(null)
  const stop = () => {
    if (!streaming) return
    setStopping(streaming.id)
    void actions?.stop(streaming).finally(() => setStopping(null))
  }
  useEscape(stop)
  return (
    <>
      {conversation.is_temporary && <TemporaryNote />}
      <MessageList
        thread={thread}
        onReadOlder={onReadOlder}
        before={bot?.opening_line && <p className={style.opening}>{bot.opening_line}</p>}
      />
      <Announcer streaming={streaming} last={thread.messages.at(-1)} />
      <div className={style.bottom}>
        <Composer
          ref={composer}
          conversationId={conversation.id}
          model={conversation.model ?? bot?.model ?? null}
          onModel={model => void change(conversation, { model })}
          isAnswering={streaming !== undefined}
          isStopping={stopping !== null && stopping === streaming?.id}
          isSending={isSending}
          onSend={question => actions?.ask(question)}
          onStop={stop}
          placeholder={bot ? t('composer.toBot', { name: bot.name }) : t('composer.placeholder')}
          extra={bot && <span className={style.botTag}>{`${bot.avatar_emoji} ${bot.name}`}</span>}
        />
      </div>
    </>
  )
}

/** Esc stops the answer, wherever the focus is, unless a dialog or a menu is open: there it closes that. */
function useEscape(stop: () => void) {
  const onEscape = useEffectEvent(stop)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return
      const isElsewhere = document.querySelector(
        '.ant-modal-wrap:not([style*="display: none"]), .ant-dropdown:not(.ant-dropdown-hidden), .ant-select-dropdown:not(.ant-select-dropdown-hidden), .ant-popover:not(.ant-popover-hidden), .ant-drawer-open',
      )
      if (!isElsewhere) onEscape()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

/** Tells people who listen that an answer began and ended, not every word of it. */
function Announcer({ streaming, last }: { streaming: Message | undefined; last: Message | undefined }) {
  const { t } = useTranslation('chat')
  const wasStreaming = useRef(false)
  const [text, setText] = useState('')
  const isStreaming = streaming !== undefined
  const status = last?.status
  useEffect(() => {
    if (isStreaming) setText(t('thread.announceStart'))
    else if (wasStreaming.current)
      setText(status === 'failed' ? t('thread.announceFailed') : t('thread.announceEnd'))
    wasStreaming.current = isStreaming
  }, [isStreaming, status, t])
  return (
    <p className="visually-hidden" role="status">
      {text}
    </p>
  )
}
