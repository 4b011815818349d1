import { UnorderedListOutlined } from '@ant-design/icons'
import { Button, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Registration } from '#api/device-types.ts'
import {
  useBatches,
  useDeviceTypes,
  useGroups,
  useRegistrationCounts,
  useRegistrations,
} from '#api/devices.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Count } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import style from '../devices.module.css'
import { MenuButton } from '../menu-button.tsx'
import { PresenceText } from '../presence.tsx'
import { RegistrationPanel } from './registration-panel.tsx'
import { RegistrationTags } from './registration-tags.tsx'

export function Component() {
  const { t } = useTranslation('devices')
  const address = useAddress()
  return (
    <Page title={t('menu.registrations')} action={<MenuButton />} filters={<Filters />}>
      <Figures />
      <List onOpen={id => address.push({ device: id })} />
      <RegistrationPanel id={address.get('device')} onClose={() => address.push({ device: null })} />
    </Page>
  )
}

const states = ['produced', 'activated', 'bound', 'retired'] as const
const figures = ['total', 'produced', 'activated', 'bound', 'online', 'pending'] as const

function Figures() {
  const { t } = useTranslation('devices')
  const counts = useRegistrationCounts()
  if (!counts.data) return null
  return (
    <div className={style.figures}>
      {figures.map(name => (
        <div key={name} className={style.figureCard}>
          <div className={common.small}>{t(`registrations.counts.${name}`)}</div>
          <div className={style.figure}>
            <Count value={counts.data[name]} />
          </div>
        </div>
      ))}
    </div>
  )
}

function Filters() {
  const { t } = useTranslation('devices')
  const address = useAddress()
  const types = useDeviceTypes()
  const batches = useBatches()
  const groups = useGroups()
  const select = (name: string, label: string, options: { value: string; label: string }[]) => (
    <Select
      className={common.filter ?? ''}
      aria-label={label}
      value={address.get(name) ?? ''}
      onChange={value => address.set({ [name]: value })}
      options={[{ value: '', label }, ...options]}
    />
  )
  const named = (items: { id: string; name: string }[] | undefined) =>
    (items ?? []).map(({ id, name }) => ({ value: id, label: name }))
  return (
    <>
      <SearchBox
        label={t('registrations.search')}
        value={address.get('q') ?? ''}
        onChange={q => address.set({ q })}
      />
      {select(
        'state',
        t('registrations.anyState'),
        ([...states, 'pending', 'online'] as const).map(value => ({
          value,
          label: t(`registrations.counts.${value}`),
        })),
      )}
      {select('type', t('registrations.anyType'), named(types.data?.items))}
      {select('batch', t('registrations.anyBatch'), named(batches.data?.items))}
      {(groups.data?.items.length ?? 0) > 0 &&
        select('group', t('registrations.anyGroup'), named(groups.data?.items))}
    </>
  )
}

function List({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useTranslation('devices')
  const address = useAddress()
  const state = address.get('state')
  const pages = useRegistrations({
    q: address.get('q'),
    type_id: address.get('type'),
    batch_id: address.get('batch'),
    group_id: address.get('group'),
    ...(state === 'pending'
      ? { approval: 'pending' }
      : state === 'online'
        ? { is_online: true }
        : { state: states.find(known => known === state) }),
  })
  const columns: Column<Registration>[] = [
    {
      key: 'mac',
      title: t('device.mac'),
      role: 'title',
      width: 170,
      render: row => (
        <button type="button" className={`${common.nameButton} ${style.mono}`}>
          {row.mac}
        </button>
      ),
    },
    { key: 'serial', title: t('device.serial'), render: row => <Cut text={row.serial} /> },
    {
      key: 'state',
      title: t('registrations.state'),
      width: 150,
      render: row => <RegistrationTags row={row} />,
    },
    { key: 'type', title: t('device.type'), render: row => <Cut text={row.type_name} /> },
    { key: 'batch', title: t('registrations.batch'), render: row => <Cut text={row.batch_name} /> },
    { key: 'owner', title: t('device.owner'), render: row => <Cut text={row.owner?.display_name} /> },
    {
      key: 'firmware',
      title: t('device.firmware'),
      width: 90,
      render: row => row.presence.firmware_version ?? '–',
    },
    {
      key: 'seen',
      title: t('registrations.seen'),
      width: 180,
      render: row => <PresenceText presence={row.presence} />,
    },
  ]
  const clear = { q: null, state: null, type: null, batch: null, group: null }
  const isFiltered = Object.keys(clear).some(name => address.get(name))
  return (
    <DataTable
      label={t('menu.registrations')}
      columns={columns}
      rowKey={row => row.id}
      pages={pages}
      onRowClick={row => onOpen(row.id)}
      empty={
        <EmptyState
          icon={<UnorderedListOutlined />}
          title={t(isFiltered ? 'registrations.nothing' : 'registrations.empty')}
          description={isFiltered ? undefined : t('registrations.emptyText')}
          action={
            isFiltered && <Button onClick={() => address.set(clear)}>{t('registrations.clear')}</Button>
          }
        />
      }
    />
  )
}

const Cut = ({ text }: { text: string | null | undefined }) => (
  <span className={common.ellipsis} title={text ?? undefined}>
    {text ?? '–'}
  </span>
)
