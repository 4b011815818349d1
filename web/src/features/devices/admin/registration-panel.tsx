import { useQueryClient } from '@tanstack/react-query'
import { App, Button, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Registration } from '#api/device-types.ts'
import {
  deviceKeys,
  useChangeRegistration,
  useDeviceTypes,
  useGroupDevices,
  useGroups,
  useRegistration,
  useRegistrationHistory,
  useReleaseRegistration,
} from '#api/devices.ts'
import { useChannel } from '#api/live.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, ErrorState, useErrorText } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'
import { HistoryTable } from '../my/history-tab.tsx'
import { PresenceText, useSignalText } from '../presence.tsx'
import { RegistrationTags } from './registration-tags.tsx'

export function RegistrationPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('devices')
  return (
    <Panel title={t('registrations.panel')} isOpen={id !== undefined} onClose={onClose}>
      {id && <Content id={id} />}
    </Panel>
  )
}

function Content({ id }: { id: string }) {
  const { t } = useTranslation('devices')
  const can = useCan()
  const registration = useRegistration(id)
  const history = useRegistrationHistory(id)
  const signal = useSignalText()
  const client = useQueryClient()
  useChannel(`devices.device.${id}`, {
    onItems: () => void client.invalidateQueries({ queryKey: deviceKeys.registrations }),
  })
  if (registration.isPending) return <FormSkeleton />
  if (!registration.data)
    return <ErrorState error={registration.error} onRetry={() => registration.refetch()} />
  const row = registration.data
  const { presence } = row
  return (
    <div className={style.stack}>
      <Facts
        items={[
          [t('registrations.state'), <RegistrationTags key="state" row={row} />],
          [
            t('device.mac'),
            <span key="mac" className={style.mono}>
              {row.mac}
            </span>,
          ],
          [t('device.serial'), row.serial],
          [t('device.type'), row.type_name],
          [t('registrations.batch'), row.batch_name],
          [t('device.owner'), row.owner && `${row.owner.display_name} @${row.owner.username}`],
          [t('registrations.seen'), <PresenceText key="seen" presence={presence} />],
          [t('device.board'), row.board],
          [t('device.firmware'), presence.firmware_version],
          [t('device.network'), signal(presence)],
          [
            t('device.battery'),
            presence.battery === null ? null : t('presence.percent', { percent: presence.battery }),
          ],
          [t('registrations.proofKey'), t(row.has_proof_key ? 'registrations.yes' : 'registrations.no')],
          [t('registrations.made'), <Time key="made" value={row.created_at} style="dateTime" />],
        ]}
      />
      {can('devices.registry.manage') && <Actions row={row} />}
      {can('devices.registry.manage') && <Placing row={row} />}
      <Section title={t('device.tabs.history')}>
        <HistoryTable pages={history} />
      </Section>
    </div>
  )
}

/** Letting in, taking out of service, taking from the owner. */
function Actions({ row }: { row: Registration }) {
  const { t } = useTranslation('devices')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const change = useChangeRegistration()
  const release = useReleaseRegistration()
  const fail = (error: unknown) => void message.error(errorText(error))
  const set = (patch: { approval?: 'approved' | 'refused'; is_retired?: boolean }) =>
    change.mutateAsync({ id: row.id, ...patch }).then(() => void message.success(t('device.saved')), fail)
  const ask = (what: 'release' | 'retire' | 'refuse', onOk: () => Promise<unknown>) =>
    modal.confirm({
      title: t(`registrations.${what}Ask`, { mac: row.mac }),
      content: t(`registrations.${what}Text`),
      okText: t(`registrations.${what}`),
      okButtonProps: { danger: true },
      onOk,
    })
  return (
    <div className={common.actions}>
      {row.approval !== 'approved' && (
        <Button type="primary" loading={change.isPending} onClick={() => set({ approval: 'approved' })}>
          {t('registrations.approve')}
        </Button>
      )}
      {row.approval !== 'refused' && row.state !== 'retired' && (
        <Button danger onClick={() => ask('refuse', () => set({ approval: 'refused' }))}>
          {t('registrations.refuse')}
        </Button>
      )}
      {row.owner && (
        <Button danger onClick={() => ask('release', () => release.mutateAsync(row.id).catch(fail))}>
          {t('registrations.release')}
        </Button>
      )}
      {row.state === 'retired' ? (
        <Button onClick={() => set({ is_retired: false })}>{t('registrations.reinstate')}</Button>
      ) : (
        <Button danger onClick={() => ask('retire', () => set({ is_retired: true }))}>
          {t('registrations.retire')}
        </Button>
      )}
    </div>
  )
}

/** Its type, and groups to put it into. */
function Placing({ row }: { row: Registration }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const types = useDeviceTypes()
  const groups = useGroups()
  const change = useChangeRegistration()
  const put = useGroupDevices()
  return (
    <div className={style.stack}>
      <ErrorAlert error={change.error ?? put.error} />
      <div>
        <span className={common.small}>{t('device.type')}</span>
        <Select
          className={common.full ?? ''}
          aria-label={t('device.type')}
          value={row.type_id}
          loading={types.isPending}
          options={(types.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          onChange={type_id => change.mutate({ id: row.id, type_id })}
        />
      </div>
      {(groups.data?.items.length ?? 0) > 0 && (
        <div>
          <span className={common.small}>{t('menu.groups')}</span>
          <Select
            className={common.full ?? ''}
            aria-label={t('groups.put')}
            placeholder={t('groups.put')}
            value={null}
            options={(groups.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(id: string | null) =>
              id &&
              put.mutate(
                { id, add: [row.id] },
                { onSuccess: ({ name }) => void message.success(t('groups.putDone', { name })) },
              )
            }
          />
        </div>
      )}
    </div>
  )
}
