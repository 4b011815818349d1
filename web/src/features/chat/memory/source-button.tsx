import { Button, Popover, Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMessage } from '#api/chat.ts'
import type { Memory } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import style from './memory.module.css'

/** Shows what the person said, from which something is remembered. */
export function SourceButton({ memory }: { memory: Memory }) {
  const { t } = useTranslation('chat')
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      title={t('memory.sourceTitle')}
      content={<Source memory={memory} />}
      destroyOnHidden
    >
      <Button type="text" size="small" aria-label={t('memory.sourceOf', { content: memory.content })}>
        {t('memory.source')}
      </Button>
    </Popover>
  )
}

function Source({ memory }: { memory: Memory }) {
  const { t } = useTranslation('chat')
  const message = useMessage(memory.message_id)
  return (
    <div className={style.source}>
      {message.isPending && <Skeleton active title={false} paragraph={{ rows: 2 }} />}
      {message.isError && <ErrorAlert error={message.error} />}
      {message.data && (
        <>
          <blockquote className={style.quote}>{message.data.content}</blockquote>
          <span className={style.hint}>
            <Time value={message.data.created_at} />
          </span>
        </>
      )}
      <LinkButton to={`/chat/${memory.conversation_id}`} type="link" size="small">
        {t('memory.openConversation')}
      </LinkButton>
    </div>
  )
}
