import { InfoCircleOutlined, ReloadOutlined, StepForwardOutlined } from '@ant-design/icons'
import { Button, Dropdown, Popover, Tooltip } from 'antd'
import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useModels } from '#api/chat.ts'
import type { Message } from '#api/types.ts'
import { CopyButton } from '#ui/copy.tsx'
import { Money, useFormat } from '#ui/format.tsx'
import { ReadAloudButton } from '#ui/speech/read-aloud-button.tsx'
import { Markdown } from '../markdown/markdown.tsx'
import { BranchSwitch } from './branch-switch.tsx'
import { FailureNote } from './failure-note.tsx'
import { Reasoning } from './reasoning.tsx'
import style from './thread.module.css'
import { useActionFailure, useThreadActions } from './thread-actions.tsx'

export const Answer = memo(function Answer({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const isStreaming = message.status === 'streaming'
  const isWaiting = isStreaming && message.content === '' && !message.reasoning
  return (
    <article className={style.answer} aria-label={t('thread.answer')} aria-busy={isStreaming}>
      {message.reasoning && <Reasoning message={message} />}
      {isWaiting ? (
        <div className={style.waiting} role="img" aria-label={t('thread.waiting')}>
          <span />
          <span />
          <span />
        </div>
      ) : (
        message.content !== '' && <Markdown text={message.content} isStreaming={isStreaming} />
      )}
      {!isStreaming && <AnswerEnd message={message} />}
    </article>
  )
})

/** What stands under an answer that has ended: how it ended, and what can be done with it. */
function AnswerEnd({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  const failure = useActionFailure(message.id)
  const isCut =
    message.status === 'stopped' ||
    message.status === 'interrupted' ||
    (message.status === 'failed' && message.content !== '') ||
    message.finish_reason === 'length'
  return (
    <>
      {message.status === 'failed' && (
        <FailureNote
          failure={{ code: message.error_code ?? '', status: 500, detail: message.error_detail ?? '' }}
          onRetry={actions ? () => void actions.regenerate(message) : undefined}
        />
      )}
      {isCut && message.status !== 'failed' && (
        <p className={style.ending}>
          {message.status === 'stopped'
            ? t('thread.stopped')
            : message.status === 'interrupted'
              ? t('thread.interrupted')
              : t('thread.tooLong')}
        </p>
      )}
      {isCut && actions && (
        <Button
          size="small"
          icon={<StepForwardOutlined />}
          className={style.carryOn}
          onClick={() => void actions.carryOn(message)}
        >
          {t('thread.continue')}
        </Button>
      )}
      <div className={style.tools}>
        <BranchSwitch message={message} />
        {message.content !== '' && <CopyButton text={message.content} label={t('thread.copy')} />}
        {message.content !== '' && actions && <ReadAloudButton text={message.content} />}
        {actions && (message.status !== 'failed' || message.content !== '') && (
          <Regenerate message={message} />
        )}
        <Details message={message} />
      </div>
      {failure && <FailureNote failure={failure} />}
    </>
  )
}

function Regenerate({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  const models = useModels()
  const [isBusy, setBusy] = useState(false)
  const run = async (model?: string) => {
    setBusy(true)
    await actions?.regenerate(message, model)
    setBusy(false)
  }
  const others = models.data?.items ?? []
  const button = (
    <Button
      type="text"
      size="small"
      icon={<ReloadOutlined />}
      loading={isBusy}
      aria-label={t('thread.regenerate')}
      {...(others.length > 1 ? {} : { onClick: () => void run() })}
    />
  )
  if (others.length < 2) return <Tooltip title={t('thread.regenerate')}>{button}</Tooltip>
  const items = [
    { key: '', label: t('thread.regenerateSame') },
    { type: 'divider' as const },
    ...others.map(model => ({ key: model.id, label: t('thread.regenerateWith', { model: model.name }) })),
  ]
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items, onClick: ({ key }) => void run(key || undefined), className: style.models ?? '' }}
    >
      {button}
    </Dropdown>
  )
}

function Details({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  return (
    <Popover trigger="click" content={<DetailList message={message} />} title={t('details.title')}>
      <Button type="text" size="small" icon={<InfoCircleOutlined />} aria-label={t('details.title')} />
    </Popover>
  )
}

function DetailList({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  const models = useModels()
  const count = (value: number | null) => (value === null ? t('details.unknown') : format.number(value))
  const isEstimated = message.usage_source !== null && message.usage_source !== 'upstream'
  const { cost_micros, first_token_ms, latency_ms } = message
  const unknown = t('details.unknown')
  const name = models.data?.items.find(model => model.id === message.model)?.name ?? message.model
  const rows = [
    { label: t('details.model'), value: name ?? unknown },
    { label: t('details.promptTokens'), value: count(message.prompt_tokens) },
    { label: t('details.completionTokens'), value: count(message.completion_tokens) },
    { label: t('details.cost'), value: cost_micros === null ? unknown : <Money micros={cost_micros} /> },
    {
      label: t('details.firstToken'),
      value: first_token_ms === null ? unknown : format.duration(first_token_ms),
    },
    { label: t('details.latency'), value: latency_ms === null ? unknown : format.duration(latency_ms) },
    { label: t('details.time'), value: format.dateTime(message.created_at) },
  ]
  return (
    <>
      <dl className={style.details}>
        {rows.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd className="numbers">{value}</dd>
          </div>
        ))}
      </dl>
      {isEstimated && <p className={style.hint}>{t('details.estimated')}</p>}
    </>
  )
}
