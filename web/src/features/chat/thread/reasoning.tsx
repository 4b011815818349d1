import { BulbOutlined, DownOutlined, RightOutlined } from '@ant-design/icons'
import { useEffect, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Message } from '#api/types.ts'
import { useFormat } from '#ui/format.tsx'
import { Markdown } from '../markdown/markdown.tsx'
import style from './thread.module.css'

/** When thinking began and ended, for answers that were watched; the server does not keep it. */
const times = new Map<string, { from: number; to: number | null }>()

/** What the model thought before it answered, folded. */
export function Reasoning({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  const [isOpen, setOpen] = useState(false)
  const body = useId()
  const isThinking = message.status === 'streaming' && message.content === ''
  useEffect(() => {
    const known = times.get(message.id)
    if (isThinking && !known) times.set(message.id, { from: Date.now(), to: null })
    else if (!isThinking && known && known.to === null) times.set(message.id, { ...known, to: Date.now() })
  }, [message.id, isThinking])
  const time = times.get(message.id)
  const label = isThinking
    ? t('reasoning.thinking')
    : time
      ? t('reasoning.thoughtFor', {
          time: format.duration(Math.max(1_000, (time.to ?? Date.now()) - time.from)),
        })
      : t('reasoning.thought')
  return (
    <div className={style.reasoning}>
      <button
        type="button"
        className={style.reasoningHead}
        aria-expanded={isOpen}
        aria-controls={body}
        onClick={() => setOpen(!isOpen)}
      >
        <BulbOutlined aria-hidden="true" />
        <span>{label}</span>
        {isOpen ? <DownOutlined aria-hidden="true" /> : <RightOutlined aria-hidden="true" />}
      </button>
      <div id={body} hidden={!isOpen} className={style.reasoningBody}>
        {isOpen && <Markdown text={message.reasoning ?? ''} isStreaming={isThinking} />}
      </div>
    </div>
  )
}
