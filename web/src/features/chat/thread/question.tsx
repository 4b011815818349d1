import { EditOutlined } from '@ant-design/icons'
import { Button, Input, Space, Tooltip } from 'antd'
import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Attachment, Message } from '#api/types.ts'
import { CopyButton } from '#ui/copy.tsx'
import { AttachmentList } from '../composer/file-chips.tsx'
import type { Pending } from '../stream-state.ts'
import { BranchSwitch } from './branch-switch.tsx'
import { FailureNote } from './failure-note.tsx'
import style from './thread.module.css'
import { useActionFailure, useThreadActions } from './thread-actions.tsx'

/** Longer questions are folded. */
const foldFrom = 1_500

export const Question = memo(function Question({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  const failure = useActionFailure(message.id)
  const [isEditing, setEditing] = useState(false)
  if (isEditing && actions) {
    return (
      <QuestionEditor
        message={message}
        onClose={() => setEditing(false)}
        onSend={content => {
          setEditing(false)
          actions.ask({ content, attachments: message.attachments }, message)
        }}
      />
    )
  }
  return (
    <article className={style.question} aria-label={t('thread.question')}>
      <QuestionBubble content={message.content} attachments={message.attachments} />
      <div className={style.tools}>
        <BranchSwitch message={message} />
        <CopyButton text={message.content} label={t('thread.copy')} />
        {actions && (
          <Tooltip title={t('thread.edit')}>
            <Button
              type="text"
              size="small"
              icon={<EditOutlined />}
              aria-label={t('thread.edit')}
              onClick={() => setEditing(true)}
            />
          </Tooltip>
        )}
      </div>
      {failure && <FailureNote failure={failure} />}
    </article>
  )
})

/** A question that the server has not taken yet. */
export function PendingQuestion({ pending }: { pending: Pending }) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  return (
    <article
      className={style.question}
      aria-label={t('thread.question')}
      aria-busy={pending.failure === null}
    >
      <QuestionBubble content={pending.content} attachments={pending.attachments} />
      {pending.failure ? (
        <FailureNote
          failure={pending.failure}
          retryLabel={t('failure.resend')}
          onRetry={() => actions?.resend(pending)}
          onTakeBack={() => actions?.takeBack(pending)}
        />
      ) : (
        <div className={style.tools}>
          <span className={style.sending}>{t('thread.sending')}</span>
        </div>
      )}
    </article>
  )
}

function QuestionBubble({ content, attachments }: { content: string; attachments: readonly Attachment[] }) {
  const { t } = useTranslation('chat')
  const [isOpen, setOpen] = useState(false)
  const isLong = content.length > foldFrom
  return (
    <>
      <AttachmentList attachments={attachments} />
      {content !== '' && (
        <div className={style.bubble}>
          {isLong && !isOpen ? `${content.slice(0, foldFrom)}…` : content}
          {isLong && (
            <Button type="link" size="small" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
              {isOpen ? t('thread.less') : t('thread.more')}
            </Button>
          )}
        </div>
      )}
    </>
  )
}

function QuestionEditor({
  message,
  onClose,
  onSend,
}: {
  message: Message
  onClose: () => void
  onSend: (content: string) => void
}) {
  const { t } = useTranslation(['chat', 'app'])
  const [text, setText] = useState(message.content)
  const canSend = text.trim() !== '' || message.attachments.length > 0
  return (
    <div className={style.editor}>
      <Input.TextArea
        value={text}
        autoFocus
        autoSize={{ minRows: 2, maxRows: 12 }}
        aria-label={t('thread.edit')}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            event.stopPropagation()
            event.nativeEvent.stopImmediatePropagation()
            onClose()
          }
        }}
      />
      <p className={style.hint}>{t('thread.editHint')}</p>
      <Space>
        <Button type="primary" disabled={!canSend} onClick={() => onSend(text)}>
          {t('composer.send')}
        </Button>
        <Button onClick={onClose}>{t('app:common.cancel')}</Button>
      </Space>
    </div>
  )
}
