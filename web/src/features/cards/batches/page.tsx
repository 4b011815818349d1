import { BarcodeOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardBatch, useBatches } from '#api/cards.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Count, Time } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { BatchPanel } from './batch-panel.tsx'
import { BatchProgress, BatchStateTag, batchStates } from './batch-state.tsx'
import { CreateBatch } from './create-batch.tsx'
import { Validity } from './validity.tsx'

export function Component() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const state = address.get('state')
  const batches = useBatches(state ? { state } : {})
  const open = address.get('batch')
  const close = () => address.push({ batch: null, template: null })
  return (
    <Page
      title={t('batches.title')}
      description={t('batches.text')}
      back="/cards"
      width="wide"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => address.push({ batch: 'new' })}>
          {t('batches.add')}
        </Button>
      }
      filters={
        <Select
          className={common.filter ?? ''}
          aria-label={t('batches.state')}
          value={state ?? ''}
          onChange={value => address.set({ state: value })}
          options={[
            { value: '', label: t('batches.anyState') },
            ...batchStates.map(value => ({ value, label: t(`batches.states.${value}`) })),
          ]}
        />
      }
    >
      <DataTable
        label={t('batches.title')}
        columns={useColumns()}
        rowKey={batch => batch.id}
        pages={batches}
        onRowClick={batch => address.push({ batch: batch.id })}
        empty={
          state ? (
            <EmptyState icon={<BarcodeOutlined />} title={t('batches.nothingTitle')} />
          ) : (
            <EmptyState
              icon={<BarcodeOutlined />}
              title={t('batches.emptyTitle')}
              description={t('batches.emptyText')}
              action={<LinkButton to="/cards/templates">{t('batches.emptyAction')}</LinkButton>}
            />
          )
        }
      />
      <CreateBatch isOpen={open === 'new'} templateId={address.get('template')} onClose={close} />
      <BatchPanel id={open === 'new' ? undefined : open} onClose={close} />
    </Page>
  )
}

function useColumns(): Column<CardBatch>[] {
  const { t } = useTranslation('cards')
  return [
    {
      key: 'name',
      title: t('batches.name'),
      role: 'title',
      width: '26%',
      render: batch => (
        <>
          <button type="button" className={common.nameButton} title={batch.name}>
            {batch.name}
          </button>
          <span className={`${common.small} ${common.ellipsis}`} title={batch.template_name}>
            {batch.template_name} · {t('templates.versionNumber', { version: batch.template_version })}
          </span>
        </>
      ),
    },
    {
      key: 'state',
      title: t('batches.state'),
      width: 170,
      render: batch =>
        batch.state === 'generating' ? (
          <BatchProgress batch={batch} size="small" />
        ) : (
          <BatchStateTag state={batch.state} />
        ),
    },
    {
      key: 'quantity',
      title: t('batches.quantity'),
      width: 110,
      align: 'right',
      render: ({ quantity }) => <Count value={quantity} />,
    },
    {
      key: 'channel',
      title: t('batches.channel'),
      render: ({ channel }) => (
        <span className={common.ellipsis} title={channel ?? ''}>
          {channel ?? '—'}
        </span>
      ),
    },
    { key: 'expires', title: t('batches.expires'), render: batch => <Validity batch={batch} /> },
    {
      key: 'created',
      title: t('batches.created'),
      width: 140,
      render: ({ created_at }) => <Time value={created_at} />,
    },
  ]
}
