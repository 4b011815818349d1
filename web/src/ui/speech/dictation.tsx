import { AudioOutlined, CheckOutlined, CloseOutlined } from '@ant-design/icons'
import { App, Button, Tooltip } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCan } from '#api/me.ts'
import { transcribe, useSpeechStatus } from '#api/speech.ts'
import { useErrorText } from '#ui/error.tsx'
import { MicrophoneError, type Recording, startRecording } from './recorder.ts'
import style from './speech.module.css'

/** The server answers a minute at once. */
const longest_ms = 58_000

type State = 'idle' | 'starting' | 'recording' | 'working'

/** A microphone: what is said into it is handed over as text. */
export function Dictation({ onText }: { onText: (text: string) => void }) {
  const { t } = useTranslation('app')
  const can = useCan()
  const status = useSpeechStatus()
  const { state, start, finish, cancel, recording } = useDictation(onText)
  if (!can('speech.use')) return null
  if (state === 'recording' && recording)
    return <Recorder recording={recording} onDone={finish} onCancel={cancel} />
  const hint = status.data?.is_scripted ? t('speech.scripted') : t('speech.dictate')
  return (
    <Tooltip title={state === 'working' ? t('speech.working') : hint}>
      <Button
        type="text"
        icon={<AudioOutlined />}
        loading={state === 'starting' || state === 'working'}
        aria-label={t(state === 'working' ? 'speech.working' : 'speech.dictate')}
        onClick={start}
      />
    </Tooltip>
  )
}

function useDictation(onText: (text: string) => void) {
  const { t } = useTranslation('app')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const status = useSpeechStatus()
  const [state, setState] = useState<State>('idle')
  const [recording, setRecording] = useState<Recording | null>(null)
  const work = useRef(new AbortController())
  const open = useRef<Recording | null>(null)
  // The latest: what was written in the meantime is known to no earlier one.
  const hand = useRef(onText)
  hand.current = onText
  useEffect(
    () => () => {
      work.current.abort()
      open.current?.cancel()
    },
    [],
  )

  const tell = (error: unknown) => {
    if (work.current.signal.aborted) return
    message.error(
      error instanceof MicrophoneError ? t(`speech.microphone.${error.problem}`) : errorText(error),
      6,
    )
  }
  const end = () => {
    open.current = null
    setRecording(null)
    setState('idle')
  }
  return {
    state,
    recording,
    async start() {
      if (status.data && !status.data.recognizer) {
        message.warning(t('speech.noEngine'), 6)
        return
      }
      work.current = new AbortController()
      const { signal } = work.current
      setState('starting')
      try {
        const begun = await startRecording()
        // The page was left while the browser asked.
        if (signal.aborted) return begun.cancel()
        open.current = begun
        setRecording(begun)
        setState('recording')
      } catch (error) {
        tell(error)
        end()
      }
    },
    async finish() {
      const done = open.current
      if (!done) return
      open.current = null
      setState('working')
      try {
        const { text } = await transcribe(await done.stop(), work.current.signal)
        if (text) hand.current(text)
        else message.info(t('speech.nothing'), 6)
      } catch (error) {
        tell(error)
      } finally {
        end()
      }
    },
    cancel() {
      work.current.abort()
      open.current?.cancel()
      end()
    },
  }
}

/** What stands in place of the microphone while it is on: level, time, and the two ways to end it. */
function Recorder({
  recording,
  onDone,
  onCancel,
}: {
  recording: Recording
  onDone: () => void
  onCancel: () => void
}) {
  const { t } = useTranslation('app')
  const level = useRef<HTMLSpanElement>(null)
  const [seconds, setSeconds] = useState(0)
  const ways = useRef({ onDone, onCancel })
  ways.current = { onDone, onCancel }

  useEffect(() => {
    const begun = performance.now()
    let frame = requestAnimationFrame(function paint() {
      level.current?.style.setProperty('--level', String(recording.level()))
      frame = requestAnimationFrame(paint)
    })
    const timer = setInterval(() => {
      const passed = performance.now() - begun
      setSeconds(Math.floor(passed / 1000))
      if (passed >= longest_ms) ways.current.onDone()
    }, 250)
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      ways.current.onCancel()
    }
    document.addEventListener('keydown', onKey, true)
    return () => {
      cancelAnimationFrame(frame)
      clearInterval(timer)
      document.removeEventListener('keydown', onKey, true)
    }
  }, [recording])

  return (
    <fieldset className={style.recorder} aria-label={t('speech.recording')}>
      <Tooltip title={t('speech.cancel')}>
        <Button type="text" icon={<CloseOutlined />} aria-label={t('speech.cancel')} onClick={onCancel} />
      </Tooltip>
      <span ref={level} className={style.level} aria-hidden="true">
        <span />
      </span>
      <span className={style.time} role="timer" aria-label={t('speech.recording')}>
        {`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`}
      </span>
      <Tooltip title={t('speech.done')}>
        <Button
          type="text"
          icon={<CheckOutlined />}
          aria-label={t('speech.done')}
          autoFocus
          onClick={onDone}
        />
      </Tooltip>
    </fieldset>
  )
}
