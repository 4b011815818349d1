import { CloudUploadOutlined, PlusOutlined, UploadOutlined } from '@ant-design/icons'
import { Button, Form, Input, Modal, Progress, Select, Tag, Upload } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Firmware } from '#api/device-types.ts'
import { useDeviceTypes, useFirmware, useUploadFirmware } from '#api/devices.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Count, Time, useFormat } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { MenuButton } from '../menu-button.tsx'
import { FirmwarePanel } from './firmware-panel.tsx'

const colours = { draft: 'default', rolling: 'success', paused: 'warning', withdrawn: 'error' } as const

export function Component() {
  const { t } = useTranslation('devices')
  const format = useFormat()
  const address = useAddress()
  const releases = useFirmware()
  const [isUploading, setUploading] = useState(false)
  const upload = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setUploading(true)}>
      {t('firmware.upload')}
    </Button>
  )
  const columns: Column<Firmware>[] = [
    {
      key: 'version',
      title: t('firmware.version'),
      role: 'title',
      render: row => (
        <button type="button" className={common.nameButton}>
          {row.version}
        </button>
      ),
    },
    { key: 'type', title: t('device.type'), render: row => row.type_name },
    {
      key: 'state',
      title: t('registrations.state'),
      width: 110,
      render: row => <Tag color={colours[row.state]}>{t(`firmware.states.${row.state}`)}</Tag>,
    },
    {
      key: 'percent',
      title: t('firmware.percent'),
      width: 170,
      render: row => <Progress percent={row.percent} size="small" status="normal" />,
    },
    { key: 'group', title: t('firmware.group'), render: row => row.group_name ?? t('broadcasts.everybody') },
    {
      key: 'installed',
      title: t('firmware.installed'),
      width: 130,
      align: 'right',
      render: row => (
        <>
          <Count value={row.installed} /> / <Count value={row.eligible} />
        </>
      ),
    },
    {
      key: 'size',
      title: t('imports.size'),
      width: 100,
      align: 'right',
      render: row => format.bytes(row.size),
    },
    { key: 'when', title: t('history.when'), width: 120, render: row => <Time value={row.created_at} /> },
  ]
  const open = releases.data?.items.find(({ id }) => id === address.get('firmware'))
  return (
    <Page
      title={t('menu.firmware')}
      description={t('firmware.text')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {upload}
        </div>
      }
    >
      <DataTable
        label={t('menu.firmware')}
        columns={columns}
        rowKey={row => row.id}
        pages={releases}
        onRowClick={row => address.push({ firmware: row.id })}
        empty={
          <EmptyState
            icon={<CloudUploadOutlined />}
            title={t('firmware.empty')}
            description={t('firmware.emptyText')}
            action={upload}
          />
        }
      />
      <FirmwarePanel firmware={open} onClose={() => address.push({ firmware: null })} />
      {isUploading && (
        <UploadForm
          onClose={() => setUploading(false)}
          onDone={id => {
            setUploading(false)
            address.push({ firmware: id })
          }}
        />
      )}
    </Page>
  )
}

function UploadForm({ onClose, onDone }: { onClose: () => void; onDone: (id: string) => void }) {
  const { t } = useTranslation('devices')
  const types = useDeviceTypes()
  const upload = useUploadFirmware()
  const [form] = Form.useForm<{ type_id: string; version: string }>()
  const [file, setFile] = useState<File | null>(null)
  const submit = (fields: { type_id: string; version: string }) =>
    file &&
    upload.mutate(
      { ...fields, file },
      { onSuccess: ({ id }) => onDone(id), onError: error => showFieldErrors(form, error) },
    )
  return (
    <Modal
      open
      title={t('firmware.upload')}
      okText={t('firmware.uploadSubmit')}
      okButtonProps={{ disabled: !file }}
      confirmLoading={upload.isPending}
      onOk={form.submit}
      onCancel={onClose}
    >
      <Form form={form} layout="vertical" onFinish={submit}>
        <ErrorAlert error={upload.error} />
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
        <Form.Item
          label={t('firmware.version')}
          name="version"
          extra={t('firmware.versionHint')}
          rules={[
            { required: true, pattern: /^\d{1,6}(\.\d{1,6}){0,3}$/, message: t('firmware.versionHint') },
          ]}
        >
          <Input maxLength={40} placeholder="2.1.10" />
        </Form.Item>
        <Form.Item label={t('imports.file')} extra={t('firmware.fileHint')}>
          <Upload
            maxCount={1}
            beforeUpload={given => {
              setFile(given)
              return false
            }}
            onRemove={() => setFile(null)}
          >
            <Button icon={<UploadOutlined />}>{t('firmware.choose')}</Button>
          </Upload>
        </Form.Item>
      </Form>
    </Modal>
  )
}
