import { ClusterOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, DatePicker, Form, Input, Modal, Select, Switch, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import type { Batch } from '#api/device-types.ts'
import { useBatches, useCreateBatch, useDeviceTypes } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Count, Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { MenuButton } from '../menu-button.tsx'

export function Component() {
  const { t } = useTranslation('devices')
  const can = useCan()
  const navigate = useNavigate()
  const batches = useBatches()
  const [isCreating, setCreating] = useState(false)
  const mayManage = can('devices.registry.manage')
  const create = mayManage && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
      {t('batches.create')}
    </Button>
  )
  const columns: Column<Batch>[] = [
    {
      key: 'name',
      title: t('batches.name'),
      role: 'title',
      render: batch => (
        <button type="button" className={common.nameButton} title={batch.name}>
          {batch.name}
        </button>
      ),
    },
    { key: 'type', title: t('device.type'), render: batch => batch.type_name },
    { key: 'factory', title: t('batches.factory'), render: batch => batch.factory || '–' },
    {
      key: 'proof',
      title: t('batches.proof'),
      width: 110,
      render: batch => (batch.requires_proof ? <Tag color="processing">{t('batches.proofYes')}</Tag> : '–'),
    },
    {
      key: 'devices',
      title: t('batches.devices'),
      width: 140,
      align: 'right',
      render: batch => (
        <>
          <Count value={batch.activated} /> / <Count value={batch.devices} />
        </>
      ),
    },
    { key: 'made', title: t('batches.made'), width: 130, render: batch => <Time value={batch.created_at} /> },
  ]
  return (
    <Page
      title={t('menu.batches')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {create}
        </div>
      }
    >
      <DataTable
        label={t('menu.batches')}
        columns={columns}
        rowKey={batch => batch.id}
        pages={batches}
        onRowClick={batch => navigate(`/devices/admin/batches/${batch.id}`)}
        empty={
          <EmptyState
            icon={<ClusterOutlined />}
            title={t('batches.empty')}
            description={t('batches.emptyText')}
            action={create}
          />
        }
      />
      {isCreating && <CreateBatch onClose={() => setCreating(false)} />}
    </Page>
  )
}

type Fields = {
  type_id: string
  name: string
  factory?: string
  produced_on?: { format(form: string): string } | null
  serial_from?: string
  serial_to?: string
  requires_proof: boolean
}

function CreateBatch({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('devices')
  const navigate = useNavigate()
  const types = useDeviceTypes()
  const create = useCreateBatch()
  const [form] = Form.useForm<Fields>()
  const submit = ({ produced_on, serial_from, serial_to, ...fields }: Fields) =>
    create.mutate(
      {
        ...fields,
        ...(produced_on ? { produced_on: produced_on.format('YYYY-MM-DD') } : {}),
        ...(serial_from ? { serial_from } : {}),
        ...(serial_to ? { serial_to } : {}),
      },
      {
        onSuccess: ({ id }) => navigate(`/devices/admin/batches/${id}`),
        onError: error => showFieldErrors(form, error),
      },
    )
  return (
    <Modal
      open
      title={t('batches.create')}
      okText={t('batches.createSubmit')}
      confirmLoading={create.isPending}
      onOk={form.submit}
      onCancel={onClose}
    >
      <Form form={form} layout="vertical" onFinish={submit} initialValues={{ requires_proof: false }}>
        <ErrorAlert error={create.error} />
        <Form.Item
          label={t('batches.name')}
          name="name"
          rules={[{ required: true, message: t('types.nameRequired') }]}
        >
          <Input maxLength={100} placeholder={t('batches.namePlaceholder')} autoFocus />
        </Form.Item>
        <Form.Item
          label={t('device.type')}
          name="type_id"
          rules={[{ required: true, message: t('batches.typeRequired') }]}
        >
          <Select
            loading={types.isPending}
            options={(types.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          />
        </Form.Item>
        <Form.Item label={t('batches.factory')} name="factory">
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item label={t('batches.producedOn')} name="produced_on">
          <DatePicker className={common.full ?? ''} />
        </Form.Item>
        <Form.Item label={t('batches.serialFrom')} name="serial_from" extra={t('batches.serialHint')}>
          <Input maxLength={64} />
        </Form.Item>
        <Form.Item label={t('batches.serialTo')} name="serial_to">
          <Input maxLength={64} />
        </Form.Item>
        <Form.Item
          label={t('batches.requiresProof')}
          name="requires_proof"
          valuePropName="checked"
          extra={t('batches.requiresProofHint')}
        >
          <Switch />
        </Form.Item>
      </Form>
    </Modal>
  )
}
