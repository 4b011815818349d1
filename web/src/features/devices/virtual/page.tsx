import {
  AudioMutedOutlined,
  AudioOutlined,
  PoweroffOutlined,
  SendOutlined,
  StopOutlined,
} from '@ant-design/icons'
import { Alert, Button, Input, Segmented } from 'antd'
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
        {state.error !== null && <ErrorAlert error={state.error} />}
        <Lines state={state} />
        {state.stage === 'on' && <AskBox device={device} />}
      </div>
    </Page>
  )
}

function Status({ state }: { state: VirtualState }) {
  const { t } = useTranslation('devices')
  const last = state.lines.at(-1)
  if (state.stage !== 'on') return <p className={style.status}>{t(`talk.stage.${state.stage}`)}</p>
  return (
    <>
      <p className={style.status} role="status">
        {t(`talk.activity.${state.activity}`)}
      </p>
      <p className={style.subtitle} aria-live="polite">
        {last?.who === 'notice' ? '' : last?.text}
      </p>
    </>
  )
}

function Power({ device, state }: { device: VirtualDevice; state: VirtualState }) {
  const { t } = useTranslation('devices')
  const [isClaiming, setClaiming] = useState(false)
  if (state.stage === 'unclaimed')
    return (
      <>
        {state.code !== null && (
          <span className={style.code}>
            {state.code} <CopyButton text={state.code} />
          </span>
        )}
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
      {t(state.stage === 'lost' ? 'talk.virtual.again' : 'talk.virtual.on')}
    </Button>
  )
}

function Controls({ device, state }: { device: VirtualDevice; state: VirtualState }) {
  const { t } = useTranslation('devices')
  const isListening = state.activity === 'listening'
  const isBusy = state.activity === 'speaking' || state.activity === 'thinking'
  const canHear = state.microphone !== 'unsupported'
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
        <Button icon={<StopOutlined />} disabled={!isBusy} onClick={device.abort}>
          {t('talk.virtual.abort')}
        </Button>
        <Button icon={<PoweroffOutlined />} onClick={device.switchOff}>
          {t('talk.virtual.off')}
        </Button>
      </div>
      {(state.microphone === 'denied' || !canHear) && (
        <Alert
          type="warning"
          showIcon
          title={t(canHear ? 'talk.virtual.denied' : 'talk.virtual.unsupported')}
        />
      )}
    </>
  )
}

function Lines({ state }: { state: VirtualState }) {
  const { t } = useTranslation('devices')
  const list = useRef<HTMLUListElement>(null)
  const count = state.lines.length
  useEffect(() => {
    if (count > 0) list.current?.scrollTo({ top: list.current.scrollHeight })
  }, [count])
  if (count === 0) return null
  return (
    <ul className={style.lines} ref={list} aria-label={t('talk.virtual.lines')}>
      {state.lines.map(({ id, who, text }) => (
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
