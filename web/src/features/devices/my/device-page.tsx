import { useQueryClient } from '@tanstack/react-query'
import { Alert, Tabs } from 'antd'
import { useTranslation } from 'react-i18next'
import { useParams } from 'react-router'
import type { Device, Presence } from '#api/device-types.ts'
import { deviceKeys, useDevice } from '#api/devices.ts'
import { useChannel } from '#api/live.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { ErrorState } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { PageSkeleton } from '#ui/skeleton.tsx'
import { PresenceText } from '../presence.tsx'
import { TurnsTab } from '../turns.tsx'
import { CommandsTab } from './commands-tab.tsx'
import { FamilyTab } from './family-tab.tsx'
import { GeneralTab } from './general-tab.tsx'
import { HistoryTab } from './history-tab.tsx'
import { SettingsTab } from './settings-tab.tsx'

type News =
  | { type: 'device.presence'; presence: Presence }
  | { type: 'device.updated' | 'state.updated' | 'commands.updated' }

export function Component() {
  const { id = '' } = useParams()
  const device = useDevice(id)
  useDeviceNews(id)
  const { t } = useTranslation('devices')
  if (device.isPending) return <PageSkeleton />
  if (!device.data)
    return (
      <Page title={t('title')} back="/devices" alwaysBack>
        <ErrorState error={device.error} onRetry={() => device.refetch()} />
      </Page>
    )
  return <DevicePage device={device.data} />
}

/** What the device says of itself shows at once; the rest is read again. */
function useDeviceNews(id: string) {
  const client = useQueryClient()
  const readAgain = () => void client.invalidateQueries({ queryKey: deviceKeys.device(id) })
  useChannel<News>(id === '' ? null : `devices.device.${id}`, {
    onItems(items) {
      for (const { data } of items)
        if (data.type === 'device.presence')
          client.setQueryData<Device>(
            deviceKeys.device(id),
            old => old && { ...old, presence: data.presence },
          )
      if (items.some(({ data }) => data.type !== 'device.presence')) readAgain()
    },
    onReady: ({ recovered }) => !recovered && readAgain(),
  })
}

function DevicePage({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const address = useAddress()
  const tabs = [
    { key: 'general', children: <GeneralTab device={device} /> },
    { key: 'settings', children: <SettingsTab device={device} /> },
    { key: 'commands', children: <CommandsTab device={device} /> },
    { key: 'talks', children: <TurnsTab device={device} /> },
    { key: 'family', children: <FamilyTab device={device} /> },
    { key: 'history', children: <HistoryTab device={device} /> },
  ] as const
  return (
    <Page
      title={device.name}
      back="/devices"
      alwaysBack
      description={<PresenceText presence={device.presence} />}
    >
      {address.get('new') && (
        <Alert
          className={common.alert ?? ''}
          type="success"
          showIcon
          closable={{ onClose: () => address.set({ new: null }) }}
          title={t('device.added')}
          description={t('device.addedText')}
        />
      )}
      <Tabs
        activeKey={address.get('tab') ?? 'general'}
        onChange={tab => address.set({ tab: tab === 'general' ? null : tab })}
        items={tabs.map(({ key, children }) => ({ key, children, label: t(`device.tabs.${key}`) }))}
      />
    </Page>
  )
}
