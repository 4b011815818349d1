import { AppstoreOutlined, PlusOutlined, StarFilled } from '@ant-design/icons'
import { App, Button, Select, Switch, Tag, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAdminModels, useChangeModel, useProviders } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { AdminModel } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { useErrorText } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import style from '../admin.module.css'
import { useAudienceName } from './audience-name.ts'
import { capabilities } from './capabilities.ts'
import { ModelPanel } from './model-panel.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const models = useAdminModels({
    ...(address.get('provider') && { provider_id: address.get('provider') }),
    ...(address.get('kind') && { kind: address.get('kind') }),
  })
  const all = models.data?.items ?? []
  const openId = address.get('model')
  return (
    <Page
      title={t('models.title')}
      description={t('models.text')}
      back="/admin"
      width="wide"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => address.push({ model: 'new' })}>
          {t('models.add')}
        </Button>
      }
      filters={<Filters />}
    >
      <DataTable
        label={t('models.title')}
        columns={useColumns()}
        rowKey={model => model.id}
        pages={models}
        onRowClick={model => address.push({ model: model.id })}
        empty={
          <EmptyState
            icon={<AppstoreOutlined />}
            title={t('models.empty.title')}
            description={t('models.empty.text')}
            action={<LinkButton to="/admin/setup">{t('providers.empty.action')}</LinkButton>}
          />
        }
      />
      <ModelPanel
        isOpen={openId === 'new' || all.some(({ id }) => id === openId)}
        model={all.find(({ id }) => id === openId)}
        all={all}
        onClose={() => address.push({ model: null })}
      />
    </Page>
  )
}

function Filters() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const providers = useProviders(useCan()('admin.providers.manage'))
  return (
    <>
      {providers.data && (
        <Select
          className={common.filter ?? ''}
          aria-label={t('models.provider')}
          value={address.get('provider') ?? ''}
          onChange={provider => address.set({ provider })}
          options={[
            { value: '', label: t('models.anyProvider') },
            ...providers.data.items.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      )}
      <Select
        className={common.filter ?? ''}
        aria-label={t('models.kind')}
        value={address.get('kind') ?? ''}
        onChange={kind => address.set({ kind })}
        options={[
          { value: '', label: t('models.anyKind') },
          { value: 'chat', label: t('models.kinds.chat') },
          { value: 'embedding', label: t('models.kinds.embedding') },
        ]}
      />
    </>
  )
}

function useColumns(): Column<AdminModel>[] {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const audienceName = useAudienceName()
  const price = (model: AdminModel, hundredths: number | null) =>
    hundredths === null ? '?' : format.money(hundredths * 10_000, model.currency)
  return [
    {
      key: 'id',
      title: t('models.model'),
      role: 'title',
      width: '26%',
      render: model => (
        <>
          <button type="button" className={common.nameButton} title={model.name}>
            {model.is_default && (
              <Tooltip title={t('models.default')}>
                <StarFilled className={style.done} aria-label={t('models.default')} />
              </Tooltip>
            )}{' '}
            {model.name}
          </button>
          <code className={`${common.small} ${common.ellipsis}`} title={model.id}>
            {model.id}
          </code>
        </>
      ),
    },
    {
      key: 'provider',
      title: t('models.provider'),
      render: model => (
        <span className={common.ellipsis} title={model.provider}>
          {model.provider}
        </span>
      ),
    },
    {
      key: 'window',
      title: t('models.window'),
      width: 110,
      align: 'right',
      render: model => (
        <Tooltip
          title={t('models.tokens', {
            count: model.context_window,
            value: format.number(model.context_window),
          })}
        >
          <span>{format.compact(model.context_window)}</span>
        </Tooltip>
      ),
    },
    {
      key: 'price',
      title: t('models.price'),
      width: 170,
      align: 'right',
      render: model =>
        model.input_price === null && model.output_price === null ? (
          <span className={common.warn}>{t('models.priceUnknown')}</span>
        ) : (
          <Tooltip title={t('models.priceHint')}>
            <span>
              {price(model, model.input_price)} / {price(model, model.output_price)}
            </span>
          </Tooltip>
        ),
    },
    {
      key: 'capabilities',
      title: t('models.capabilities'),
      render: model => (
        <span className={common.tags}>
          {model.kind === 'embedding' && <Tag>{t('models.kinds.embedding')}</Tag>}
          {capabilities
            .filter(name => model.capabilities[name])
            .map(name => (
              <Tag key={name}>{t(`models.can.${name}`)}</Tag>
            ))}
        </span>
      ),
    },
    {
      key: 'audience',
      title: t('models.audience'),
      width: 130,
      render: model => model.audience.map(audienceName).join(t('common.listComma')),
    },
    {
      key: 'enabled',
      title: t('models.enabled'),
      width: 90,
      role: 'actions',
      align: 'right',
      render: model => <Enabled model={model} />,
    },
  ]
}

function Enabled({ model }: { model: AdminModel }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const change = useChangeModel()
  return (
    <Switch
      size="small"
      title={t(model.is_enabled ? 'models.on' : 'models.off')}
      checked={change.isPending ? (change.variables.is_enabled ?? false) : model.is_enabled}
      loading={change.isPending}
      aria-label={t('models.enabledName', { name: model.name })}
      onClick={(is_enabled, event) => {
        event.stopPropagation()
        change.mutate({ id: model.id, is_enabled }, { onError: error => message.error(errorText(error)) })
      }}
    />
  )
}
