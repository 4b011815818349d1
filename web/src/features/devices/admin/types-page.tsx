import { PlusOutlined } from '@ant-design/icons'
import { App, Button, Form, Input, Modal, Select, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { DeviceType, JsonObject } from '#api/device-types.ts'
import { useDeleteDeviceType, useDeviceTypes, useSaveDeviceType } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Count } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import style from '../devices.module.css'
import { MenuButton } from '../menu-button.tsx'

export function Component() {
  const { t } = useTranslation('devices')
  const can = useCan()
  const types = useDeviceTypes()
  const [editing, setEditing] = useState<DeviceType | 'new' | null>(null)
  const mayManage = can('devices.registry.manage')
  const columns: Column<DeviceType>[] = [
    {
      key: 'name',
      title: t('types.name'),
      role: 'title',
      render: type => (
        <>
          <button type="button" className={common.nameButton}>
            {type.name}
          </button>
          {type.is_default && <Tag>{t('types.default')}</Tag>}
        </>
      ),
    },
    { key: 'key', title: t('types.key'), render: type => <span className={style.mono}>{type.key}</span> },
    { key: 'category', title: t('types.category'), render: type => type.category },
    {
      key: 'capabilities',
      title: t('types.capabilities'),
      render: type => type.capabilities.map(name => <Tag key={name}>{name}</Tag>),
    },
    {
      key: 'devices',
      title: t('types.devices'),
      width: 110,
      align: 'right',
      render: type => <Count value={type.devices ?? 0} />,
    },
  ]
  return (
    <Page
      title={t('menu.types')}
      description={t('types.text')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {mayManage && (
            <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing('new')}>
              {t('types.create')}
            </Button>
          )}
        </div>
      }
    >
      <DataTable
        label={t('menu.types')}
        columns={columns}
        rowKey={type => type.id}
        pages={types}
        {...(mayManage ? { onRowClick: setEditing } : {})}
        empty={<EmptyState title={t('types.empty')} />}
      />
      {editing && <TypeForm type={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </Page>
  )
}

type Fields = {
  key: string
  name: string
  category: string
  description: string
  capabilities: string[]
  properties_schema: string
}

const emptySchema: JsonObject = { type: 'object', properties: {}, additionalProperties: false }

function TypeForm({ type, onClose }: { type: DeviceType | null; onClose: () => void }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const [form] = Form.useForm<Fields>()
  const save = useSaveDeviceType()
  const remove = useDeleteDeviceType()
  const submit = ({ properties_schema, ...fields }: Fields) =>
    save.mutate(
      {
        ...(type ? { id: type.id } : {}),
        ...fields,
        properties_schema: JSON.parse(properties_schema) as JsonObject,
      },
      {
        onSuccess: () => {
          message.success(t('device.saved'))
          onClose()
        },
        onError: error => showFieldErrors(form, error),
      },
    )
  return (
    <Modal
      open
      title={t(type ? 'types.edit' : 'types.create')}
      okText={t('device.save')}
      confirmLoading={save.isPending}
      onOk={form.submit}
      onCancel={onClose}
      footer={(_, { OkBtn, CancelBtn }) => (
        <>
          {type && !type.is_default && (
            <Button
              danger
              loading={remove.isPending}
              onClick={() =>
                remove.mutate(type.id, {
                  onSuccess: onClose,
                  onError: error => void message.error(errorText(error)),
                })
              }
            >
              {t('types.remove')}
            </Button>
          )}
          {type && !type.is_default && (
            <Button onClick={() => save.mutate({ id: type.id, is_default: true }, { onSuccess: onClose })}>
              {t('types.makeDefault')}
            </Button>
          )}
          <CancelBtn />
          <OkBtn />
        </>
      )}
    >
      <Form
        form={form}
        layout="vertical"
        onFinish={submit}
        initialValues={{
          key: type?.key ?? '',
          name: type?.name ?? '',
          category: type?.category ?? 'toy',
          description: type?.description ?? '',
          capabilities: type?.capabilities ?? [],
          properties_schema: JSON.stringify(type?.properties_schema ?? emptySchema, null, 2),
        }}
      >
        <ErrorAlert error={save.error} />
        <Form.Item
          label={t('types.name')}
          name="name"
          rules={[{ required: true, message: t('types.nameRequired') }]}
        >
          <Input maxLength={60} />
        </Form.Item>
        <Form.Item
          label={t('types.key')}
          name="key"
          extra={t('types.keyHint')}
          rules={[{ required: true, pattern: /^[a-z0-9][a-z0-9_-]{0,39}$/, message: t('types.keyHint') }]}
        >
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item
          label={t('types.category')}
          name="category"
          rules={[{ required: true, message: t('types.nameRequired') }]}
        >
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item label={t('types.capabilities')} name="capabilities" extra={t('types.capabilitiesHint')}>
          <Select mode="tags" tokenSeparators={[',', '，', ' ']} />
        </Form.Item>
        <Form.Item
          label={t('types.schema')}
          name="properties_schema"
          extra={t('types.schemaHint')}
          rules={[
            {
              validator: (_, text: string) =>
                isJson(text) ? Promise.resolve() : Promise.reject(new Error(t('types.schemaBroken'))),
            },
          ]}
        >
          <Input.TextArea
            className={style.mono ?? ''}
            autoSize={{ minRows: 6, maxRows: 16 }}
            spellCheck={false}
          />
        </Form.Item>
      </Form>
    </Modal>
  )
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
