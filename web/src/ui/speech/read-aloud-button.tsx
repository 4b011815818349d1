import { SoundOutlined } from '@ant-design/icons'
import { App, Button, Tag, Tooltip } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '#api/me.ts'
import { useErrorText } from '#ui/error.tsx'
import { readAloud } from './player.ts'
import style from './speech.module.css'

/** Reads a text aloud, and stops again. Only one text is read at a time. */
export function ReadAloudButton({ text }: { text: string }) {
  const { t } = useTranslation('app')
  const can = useCan()
  const errorText = useErrorText()
  const { message } = App.useApp()
  const [state, setState] = useState<'idle' | 'loading' | 'reading'>('idle')
  const [isPreview, setPreview] = useState(false)
  const stop = useRef<(() => void) | null>(null)
  useEffect(() => () => stop.current?.(), [])
  if (!can('speech.use')) return null

  const toggle = () => {
    if (stop.current) return stop.current()
    setState('loading')
    stop.current = readAloud(text, {
      onStart(preview) {
        setPreview(preview)
        setState('reading')
      },
      onEnd(error) {
        stop.current = null
        setState('idle')
        if (error) message.error(errorText(error))
      },
    })
  }
  const isReading = state === 'reading'
  const name = t(state === 'idle' ? 'speech.readAloud' : 'speech.stopReading')
  return (
    <>
      <Tooltip title={name}>
        <Button
          type="text"
          size="small"
          // Not `loading`: such a button takes no clicks, and this one stops what has not begun yet.
          icon={
            isReading ? (
              <span className={style.stopIcon} />
            ) : (
              <SoundOutlined className={state === 'loading' ? (style.pulse ?? '') : ''} />
            )
          }
          aria-label={name}
          aria-pressed={state !== 'idle'}
          onClick={toggle}
        />
      </Tooltip>
      {isReading && isPreview && (
        <Tooltip title={t('speech.previewHint')}>
          <Tag className={style.preview}>{t('speech.preview')}</Tag>
        </Tooltip>
      )}
    </>
  )
}
