import { CloudServerOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Select, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProviderKinds, useProviders } from '#api/admin.ts'
import type { Provider, ProviderTest } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import style from '../admin.module.css'
import { ConnectForm } from '../setup/connect-provider.tsx'
import { ProviderPanel } from './provider-panel.tsx'
import { ProviderState } from './provider-state.tsx'
import { TestButton } from './test-button.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const providers = useProviders()
  const [failed, setFailed] = useState<{ id: string; result: ProviderTest }>()
  const openId = address.get('provider')
  const open = (id: string | null) => {
    setFailed(undefined)
    address.push({ provider: id, add: null })
  }
  const showFailure = (id: string, result: ProviderTest) => {
    open(id)
    setFailed({ id, result })
  }
  return (
    <Page
      title={t('providers.title')}
      description={t('providers.text')}
      back="/admin"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => address.push({ add: 'yes' })}>
          {t('providers.add')}
        </Button>
      }
    >
      <DataTable
        label={t('providers.title')}
        columns={useColumns(showFailure)}
        rowKey={provider => provider.id}
        pages={providers}
        onRowClick={provider => open(provider.id)}
        empty={
          <EmptyState
            icon={<CloudServerOutlined />}
            title={t('providers.empty.title')}
            description={t('providers.empty.text')}
            action={<LinkButton to="/admin/setup">{t('providers.empty.action')}</LinkButton>}
          />
        }
      />
      <ProviderPanel
        provider={providers.data?.items.find(({ id }) => id === openId)}
        lastTest={failed?.id === openId ? failed?.result : undefined}
        onClose={() => open(null)}
      />
      <AddPanel
        isOpen={address.get('add') !== undefined}
        onClose={() => address.push({ add: null })}
        onAdded={provider => open(provider.id)}
      />
    </Page>
  )
}

function useColumns(onFailed: (id: string, result: ProviderTest) => void): Column<Provider>[] {
  const { t } = useTranslation('admin')
  return [
    {
      key: 'name',
      title: t('providers.name'),
      role: 'title',
      render: provider => (
        <>
          <button type="button" className={common.nameButton} title={provider.name}>
            {provider.name}
          </button>
          <span className={`${common.small} ${common.ellipsis}`} title={provider.base_url}>
            {provider.base_url}
          </span>
        </>
      ),
    },
    {
      key: 'state',
      title: t('users.state'),
      width: 140,
      render: provider => <ProviderState provider={provider} />,
    },
    {
      key: 'keys',
      title: t('providers.keys'),
      width: 160,
      render: provider =>
        provider.keys.length === 0 ? (
          t('providers.noKey')
        ) : (
          <span className={common.tags}>
            {provider.keys.slice(0, 3).map(key => (
              // Of a short key not even the end is told.
              <code key={key.id}>…{key.last_four || '••••'}</code>
            ))}
            {provider.keys.length > 3 && `+${provider.keys.length - 3}`}
          </span>
        ),
    },
    {
      key: 'source',
      title: t('providers.source'),
      width: 130,
      render: provider => <Tag>{t(`providers.sources.${provider.source}`)}</Tag>,
    },
    {
      key: 'actions',
      title: '',
      width: 110,
      align: 'right',
      role: 'actions',
      render: provider => (
        <TestButton provider={provider} onFailed={result => onFailed(provider.id, result)} />
      ),
    },
  ]
}

function AddPanel({
  isOpen,
  onClose,
  onAdded,
}: {
  isOpen: boolean
  onClose: () => void
  onAdded: (provider: Provider) => void
}) {
  const { t } = useTranslation('admin')
  const kinds = useProviderKinds()
  const [kindId, setKindId] = useState<string>()
  const kind = kinds.data?.items.find(({ id }) => id === kindId)
  return (
    <Panel isOpen={isOpen} onClose={onClose} title={t('providers.add')}>
      <div className={style.stack}>
        <Select
          className={common.full ?? ''}
          aria-label={t('providers.kind')}
          placeholder={t('providers.kind')}
          loading={kinds.isPending}
          value={kindId}
          onChange={setKindId}
          options={kinds.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []}
        />
        {kind && <ConnectForm key={kind.id} kind={kind} onAdded={onAdded} />}
      </div>
    </Panel>
  )
}
