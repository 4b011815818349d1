import { CommentOutlined } from '@ant-design/icons'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Tooltip } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useSearchParams } from 'react-router'
import { useBots } from '#api/chat.ts'
import { api, newIdempotencyKey } from '#api/client.ts'
import type { Conversation, ConversationInput } from '#api/types.ts'
import { useDocumentTitle } from '#ui/page.tsx'
import { BotSelect } from './bots/bot-select.tsx'
import { readBot, useBot } from './bots/use-bot.ts'
import style from './chat.module.css'
import { ChatHeader } from './chat-header.tsx'
import { Composer, type ComposerHandle, type Question } from './composer/composer.tsx'
import { cacheConversation } from './list/list-cache.ts'
import { TemporaryNote } from './temporary-note.tsx'
import { FailureNote } from './thread/failure-note.tsx'
import { readStored, writeStored } from './thread/storage.ts'
import { failureOf, newPending } from './thread/thread-actions.tsx'
import { send } from './thread/thread-cache.ts'
import { Welcome } from './welcome.tsx'

const modelKey = 'banyan.chat.model'
const isText = (value: unknown): value is string => typeof value === 'string'

type NewConversationProps = { botId: string | null; folderId: string | null; isTemporary: boolean }

export function NewConversation({ botId, folderId, isTemporary }: NewConversationProps) {
  const { t } = useTranslation('chat')
  const title = isTemporary ? t('temporary.tag') : t('list.new')
  useDocumentTitle(title)
  const client = useQueryClient()
  const navigate = useNavigate()
  const [search, setSearch] = useSearchParams()
  const composer = useRef<ComposerHandle>(null)
  const bots = useBots()
  const bot = useBot(botId)
  const [model, setModel] = useState(() => readStored(modelKey, isText))

  const begin = useMutation({
    mutationFn: async ({ question, key }: { question: Question; key: string }) => {
      // A quick question may be there before the bot is.
      const asked = await readBot(client, botId)
      const input: ConversationInput = {
        ...(asked ? { bot_id: asked.id } : {}),
        ...(folderId ? { folder_id: folderId } : {}),
        ...(model && !asked?.model ? { model } : {}),
        ...(isTemporary ? { is_temporary: true } : {}),
      }
      const conversation = await api.post<Conversation>('/chat/conversations', input, { idempotencyKey: key })
      return { conversation, question }
    },
    onSuccess: ({ conversation, question }) => {
      cacheConversation(client, conversation)
      void send(client, conversation.id, newPending(question))
      void navigate(`/chat/${conversation.id}`)
    },
  })
  const failed = failureOf(begin.error)
  // Nothing exists yet to which it could be sent by itself later.
  const failure = failed.status === 0 ? { ...failed, detail: t('failure.notSent') } : failed
  const ask = (question: Question) => begin.mutate({ question, key: newIdempotencyKey() })
  const toggleTemporary = () => {
    const next = new URLSearchParams(search)
    if (isTemporary) next.delete('temporary')
    else next.set('temporary', '1')
    setSearch(next, { replace: true })
  }
  const chooseModel = (next: string) => {
    setModel(next)
    writeStored(modelKey, next)
  }
  const chooseBot = (id: string | null) => {
    const next = new URLSearchParams(search)
    if (id) next.set('bot', id)
    else next.delete('bot')
    setSearch(next, { replace: true })
  }

  return (
    <div className={style.page}>
      <ChatHeader
        title={title}
        actions={
          <Tooltip title={isTemporary ? t('temporary.stop') : t('temporary.start')}>
            <Button
              type={isTemporary ? 'default' : 'text'}
              icon={<CommentOutlined />}
              aria-pressed={isTemporary}
              aria-label={t('temporary.start')}
              onClick={toggleTemporary}
            />
          </Tooltip>
        }
      />
      {isTemporary && <TemporaryNote />}
      <div className={style.welcomeScroll}>
        <Welcome bot={bot} onAsk={content => ask({ content, attachments: [] })} />
      </div>
      <div className={style.bottom}>
        {begin.isError && begin.variables && (
          <FailureNote
            failure={failure}
            retryLabel={t('failure.resend')}
            onRetry={() => begin.mutate(begin.variables)}
            onTakeBack={() => {
              composer.current?.takeBack(begin.variables.question)
              begin.reset()
            }}
          />
        )}
        <Composer
          key={botId ?? ''}
          ref={composer}
          conversationId={undefined}
          model={bot?.model ?? model}
          onModel={chooseModel}
          isAnswering={false}
          isStopping={false}
          isSending={begin.isPending}
          onSend={ask}
          onStop={() => {}}
          placeholder={bot ? t('composer.toBot', { name: bot.name }) : t('composer.placeholder')}
          extra={<BotSelect bots={bots.data?.items ?? []} value={botId} onChange={chooseBot} />}
        />
      </div>
    </div>
  )
}
