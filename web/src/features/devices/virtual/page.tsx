import {
  AudioMutedOutlined,
  AudioOutlined,
  PoweroffOutlined,
  SendOutlined,
  StopOutlined,
} from '@ant-design/icons'
import { Alert, Button, Input, Segmented, Tooltip } from 'antd'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '#ui/copy.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { createVirtualDevice, type TalkMode, type VirtualDevice, type VirtualState } from './device.ts'
import { Face } from './face.tsx'
import style from './virtual.module.css'

const modes: readonly TalkMode[] = ['auto', 'manual', 'realtime']

/** A device in the browser, for those who have none yet and for those who build one. */
export function Component() {
  const { t } = useTranslation('devices')
  const [device] = useState(createVirtualDevice)
  const state = useSyncExternalStore(device.subscribe, device.getState)
  useEffect(() => () => device.switchOff(), [device])
  return (
    <Page title={t('talk.virtual.title')} description={t('talk.virtual.text')} back="/devices" alwaysBack>
      {state.error !== null && <ErrorAlert error={state.error} />}
      <div className={style.device}>
        <section className={style.screen} aria-label={t('talk.virtual.screen')}>
          <Face
            emotion={state.emotion}
            activity={state.activity}
            isOn={state.stage === 'on'}
            label={t(`talk.activity.${state.stage === 'on' ? state.activity : 'off'}`)}
          />
          <Status state={state} />
          {state.stage === 'on' ? (
            <Controls device={device} state={state} />
          ) : (
            <Power device={device} state={state} />
          )}
        </section>
        <div className={style.talk}>
          <Lines lines={state.lines} />
          {state.stage === 'on' && <AskBox device={device} />}
        </div>
      </div>
    </Page>
  )
}

function Status({ state }: { state: VirtualState }) {
  const { t } = useTranslation('devices')
  if (state.stage !== 'on') return <p className={style.status}>{t(`talk.stage.${state.stage}`)}</p>
  return (
    <>
      <p className={style.status} role="status">
        {t(`talk.activity.${state.activity}`)}
      </p>
      <p className={style.subtitle} aria-live="polite">
        {state.subtitle}
      </p>
    </>
  )
}

function Power({ device, state }: { device: VirtualDevice; state: VirtualState }) {
  const { t } = useTranslation('devices')
  const [isClaiming, setClaiming] = useState(false)
  if (state.stage === 'unclaimed' && state.code === null)
    return <p className={style.hint}>{t('talk.virtual.pendingText')}</p>
  if (state.stage === 'unclaimed')
    return (
      <>
        <span className={style.code}>
          {state.code} <CopyButton text={state.code ?? ''} />
        </span>
        <p className={style.hint}>{t('talk.virtual.claimText')}</p>
        <Button
          type="primary"
          loading={isClaiming}
          onClick={async () => {
            setClaiming(true)
            await device.claim()
            setClaiming(false)
          }}
        >
          {t('talk.virtual.claim')}
        </Button>
      </>
    )
  return (
    <Button
      type="primary"
      icon={<PoweroffOutlined />}
      loading={state.stage === 'starting'}
      onClick={() => device.switchOn()}
    >
      {t(state.stage === 'lost' || state.stage === 'elsewhere' ? 'talk.virtual.again' : 'talk.virtual.on')}
    </Button>
  )
}

function Controls({ device, state }: { device: VirtualDevice; state: VirtualState }) {
  const { t } = useTranslation('devices')
  const isListening = state.activity === 'listening'
  const isBusy = state.activity === 'speaking' || state.activity === 'thinking'
  const canHear = state.microphone !== 'insecure'
  return (
    <>
      {canHear && (
        <Segmented
          options={modes.map(mode => ({ value: mode, label: t(`talk.mode.${mode}`) }))}
          value={state.mode}
          onChange={device.setMode}
        />
      )}
      {canHear && <p className={style.hint}>{t(`talk.modeText.${state.mode}`)}</p>}
      <div className={style.controls}>
        {canHear && (
          <Button
            type="primary"
            icon={isListening ? <AudioMutedOutlined /> : <AudioOutlined />}
            loading={state.microphone === 'opening'}
            onClick={() => (isListening ? device.stopListening() : device.startListening())}
          >
            {t(
              isListening
                ? state.mode === 'manual'
                  ? 'talk.virtual.done'
                  : 'talk.virtual.mute'
                : 'talk.virtual.speak',
            )}
          </Button>
        )}
        <Button icon={<StopOutlined />} disabled={!isBusy} onClick={device.interrupt}>
          {t('talk.virtual.abort')}
        </Button>
      </div>
      <Tooltip title={t('talk.virtual.off')}>
        <Button
          className={style.power}
          type="text"
          icon={<PoweroffOutlined />}
          aria-label={t('talk.virtual.off')}
          onClick={device.switchOff}
        />
      </Tooltip>
      <MicrophoneProblem microphone={state.microphone} />
    </>
  )
}

function MicrophoneProblem({ microphone }: Pick<VirtualState, 'microphone'>) {
  const { t } = useTranslation(['devices', 'app'])
  if (microphone === 'closed' || microphone === 'opening' || microphone === 'open') return null
  const title =
    microphone === 'unsupported'
      ? t('talk.virtual.unsupported')
      : t(`speech.microphone.${microphone}`, { ns: 'app' })
  return <Alert type="warning" showIcon title={title} />
}

function Lines({ lines }: Pick<VirtualState, 'lines'>) {
  const { t } = useTranslation('devices')
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    if (lines.length > 0) list.current?.scrollTo({ top: list.current.scrollHeight })
  }, [lines])
  if (lines.length === 0) return <p className={style.empty}>{t('talk.virtual.nothingSaid')}</p>
  return (
    <ul className={style.lines} ref={list} aria-label={t('talk.virtual.lines')}>
      {lines.map(({ id, who, text }) => (
        <li key={id} className={style.line} data-who={who}>
          {text}
        </li>
      ))}
    </ul>
  )
}

function AskBox({ device }: { device: VirtualDevice }) {
  const { t } = useTranslation('devices')
  const [text, setText] = useState('')
  const send = () => {
    if (text.trim() === '') return
    device.type(text.trim())
    setText('')
  }
  return (
    <form
      className={style.ask}
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <Input
        value={text}
        maxLength={500}
        placeholder={t('talk.virtual.placeholder')}
        aria-label={t('talk.virtual.placeholder')}
        onChange={event => setText(event.target.value)}
      />
      <Button htmlType="submit" icon={<SendOutlined />} disabled={text.trim() === ''}>
        {t('talk.virtual.ask')}
      </Button>
    </form>
  )
}
