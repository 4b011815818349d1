import { PlayCircleOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Device, MediaItem } from '#api/device-types.ts'
import { useDevices, useSendCommand } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'
import { PresenceText } from '../presence.tsx'

/** One's devices, each with a button that sends it the piece. */
export function SendToDevice({ piece }: { piece: MediaItem }) {
  const { t } = useTranslation('devices')
  const mayManage = useCan()('devices.media.manage')
  const devices = useDevices()
  const items = devices.data?.items ?? []
  const isSilent = piece.kind === 'music' && piece.media_type !== 'audio/wav'
  return (
    <Section title={t(`library.onDevice.${piece.kind}`)}>
      {devices.isPending && <ListSkeleton rows={1} />}
      <ErrorAlert error={devices.error} />
      {devices.data && items.length === 0 && (
        <>
          <p className={common.text}>{t('library.noDevice')}</p>
          <LinkButton to="/devices/add">{t('mine.add')}</LinkButton>
        </>
      )}
      {items.length > 0 && (
        <ul className={style.rows}>
          {items.map(device => (
            <DeviceRow key={device.id} device={device} piece={piece} />
          ))}
        </ul>
      )}
      {items.length > 0 && isSilent && (
        <p className={common.small}>{t(mayManage ? 'library.notWavManage' : 'library.notWav')}</p>
      )}
      {items.some(({ presence }) => !presence.is_online) && (
        <p className={common.small}>{t('command.away')}</p>
      )}
    </Section>
  )
}

function DeviceRow({ device, piece }: { device: Device; piece: MediaItem }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const send = useSendCommand(device.id)
  const { id, kind } = piece
  const give = () =>
    send.mutate(kind === 'music' ? { kind, track_id: id } : { kind, dance_id: id }, {
      onSuccess: () =>
        void message.success(t(device.presence.is_online ? 'command.sentNow' : 'command.sentLater')),
      onError: error => void message.error(errorText(error)),
    })
  return (
    <li>
      <span className={style.grow}>
        {device.name}
        <br />
        <PresenceText presence={device.presence} />
      </span>
      <Button
        icon={<PlayCircleOutlined />}
        loading={send.isPending}
        aria-label={t(`library.sendTo.${kind}`, { device: device.name })}
        onClick={give}
      >
        {t(`library.send.${kind}`)}
      </Button>
    </li>
  )
}
