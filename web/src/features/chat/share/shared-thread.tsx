import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import type { SharedConversation } from '#api/types.ts'
import { Markdown } from '../markdown/markdown.tsx'
import style from './shared.module.css'

type SharedMessage = SharedConversation['messages'][number]

/** The browser itself leaves out of layout what is off the screen (`content-visibility`); nothing changes here. */
export function SharedThread({ messages }: { messages: readonly SharedMessage[] }) {
  return (
    <ol className={style.messages}>
      {messages.map(message => (
        <Shared key={message.id} message={message} />
      ))}
    </ol>
  )
}

const Shared = memo(function Shared({ message }: { message: SharedMessage }) {
  const { t } = useTranslation('chat')
  const isQuestion = message.role === 'user'
  return (
    <li className={style.message} data-role={message.role}>
      <span className="visually-hidden">{isQuestion ? t('thread.question') : t('thread.answer')}</span>
      {isQuestion ? (
        <div className={style.bubble}>{message.content}</div>
      ) : (
        <Markdown text={message.content} />
      )}
      {message.attachments?.length > 0 && (
        <p className={style.time}>
          {t('share.files', { names: message.attachments.map(file => file.name).join(t('share.separator')) })}
        </p>
      )}
    </li>
  )
})
