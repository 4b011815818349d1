import { ArrowUpOutlined, PaperClipOutlined } from '@ant-design/icons'
import { Button, Input, Tooltip } from 'antd'
import type { TextAreaRef } from 'antd/es/input/TextArea'
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useImperativeHandle,
  useRef,
  useState,
} from 'react'
import { useTranslation } from 'react-i18next'
import type { Attachment } from '#api/types.ts'
import { Dictation } from '#ui/speech/dictation.tsx'
import style from './composer.module.css'
import { readDraft, writeDraft } from './drafts.ts'
import { ComposerFiles } from './file-chips.tsx'
import { ModelSelect } from './model-select.tsx'
import { QuotaNote } from './quota-note.tsx'
import { useAttachments } from './use-attachments.ts'

export type Question = { content: string; attachments: Attachment[] }
/** `takeBack`: a question that was not sent, to be changed. */
export type ComposerHandle = { takeBack: (question: Question) => void }

type ComposerProps = {
  /** The draft is kept under it; absent for a new conversation. Mount anew (`key`) when it changes. */
  conversationId: string | undefined
  model: string | null
  onModel: (model: string) => void
  /** Something is being answered: the button stops it. */
  isAnswering: boolean
  isStopping: boolean
  /** A question is on its way into a new conversation. */
  isSending: boolean
  onSend: (question: Question) => void
  onStop: () => void
  placeholder: string
  /** Beside the model: the bot, for example. */
  extra?: ReactNode
  ref?: Ref<ComposerHandle>
}

const accepted = 'image/*,.pdf,.txt,.md,.markdown,.csv,.json,.log,text/*'

/** Where a question is written. Enter sends, Shift+Enter makes a line; files come by button, paste or drop. */
export function Composer({ ref, ...props }: ComposerProps) {
  const { t } = useTranslation('chat')
  const [text, setText] = useState(() => readDraft(props.conversationId))
  const [isOver, setOver] = useState(false)
  const area = useRef<TextAreaRef>(null)
  const picker = useRef<HTMLInputElement>(null)
  const attachments = useAttachments()
  useImperativeHandle(ref, () => ({
    takeBack: question => {
      change(text.trim() === '' ? question.content : `${question.content}\n${text}`)
      attachments.restore(question.attachments)
      area.current?.focus({ cursor: 'end' })
    },
  }))

  function change(next: string) {
    setText(next)
    writeDraft(props.conversationId, next)
  }
  const canSend =
    (text.trim() !== '' || attachments.ready.length > 0) &&
    !attachments.isBusy &&
    !props.isSending &&
    !props.isAnswering

  function send() {
    if (!canSend) return
    props.onSend({ content: text, attachments: attachments.ready })
    change('')
    attachments.clear()
  }

  function dictate(heard: string) {
    const before = text.trimEnd()
    change(/[\w.,!?]$/.test(before) ? `${before} ${heard}` : before + heard)
    area.current?.focus({ cursor: 'end' })
  }

  function onKeyDown(event: KeyboardEvent) {
    // 229: the Enter that takes an input method's proposal, in browsers that end the composition first.
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229
    if (event.key !== 'Enter' || event.shiftKey || isComposing) return
    event.preventDefault()
    send()
  }

  function onPaste(event: ClipboardEvent) {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    attachments.add(files)
  }

  const onDrag = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    setOver(event.type === 'dragover')
    if (event.type === 'drop') attachments.add(event.dataTransfer.files)
  }

  return (
    <div className={style.composer}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping files is a second way beside the button. */}
      <div className={style.box} data-over={isOver} onDragOver={onDrag} onDragLeave={onDrag} onDrop={onDrag}>
        <ComposerFiles files={attachments.files} onRemove={attachments.remove} />
        <Input.TextArea
          ref={area}
          className={style.area}
          variant="borderless"
          autoSize={{ minRows: 1, maxRows: 10 }}
          value={text}
          placeholder={isOver ? t('composer.drop') : props.placeholder}
          aria-label={t('composer.label')}
          autoFocus={matchMedia('(hover: hover)').matches}
          onChange={event => change(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <div className={style.tools}>
          <Tooltip title={t('composer.attach')}>
            <Button
              type="text"
              icon={<PaperClipOutlined />}
              aria-label={t('composer.attach')}
              onClick={() => picker.current?.click()}
            />
          </Tooltip>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            accept={accepted}
            aria-label={t('composer.attach')}
            onChange={event => {
              attachments.add(event.target.files ?? [])
              event.target.value = ''
            }}
          />
          <ModelSelect value={props.model} onChange={props.onModel} className={style.model} />
          {props.extra}
          <span className={style.space} />
          <Dictation onText={dictate} />
          {props.isAnswering ? (
            <Tooltip title={t('composer.stopHint')}>
              <Button
                shape="circle"
                className={style.send}
                icon={<span className={style.stopIcon} />}
                loading={props.isStopping}
                aria-label={t('composer.stop')}
                onClick={props.onStop}
              />
            </Tooltip>
          ) : (
            <Button
              type="primary"
              shape="circle"
              className={style.send}
              icon={<ArrowUpOutlined />}
              disabled={!canSend}
              loading={props.isSending}
              aria-label={t('composer.send')}
              onClick={send}
            />
          )}
        </div>
      </div>
      <QuotaNote />
    </div>
  )
}
