import { NotificationOutlined, PlusOutlined } from '@ant-design/icons'
import { App, Button, Form, Input, Modal, Progress, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Broadcast, DeviceCommand } from '#api/device-types.ts'
import {
  useBroadcasts,
  useCancelBroadcast,
  useCreateBroadcast,
  useDeviceTypes,
  useGroups,
} from '#api/devices.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Count, Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { MenuButton } from '../menu-button.tsx'
import { useCommandText } from '../my/command-text.ts'

export function Component() {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const text = useCommandText()
  const cancel = useCancelBroadcast()
  const [isCreating, setCreating] = useState(false)
  // Devices answer at their next conversation; while one is being sent the figures move.
  const [isSending, setSending] = useState(false)
  const broadcasts = useBroadcasts(isSending ? 2000 : false)
  const runs = broadcasts.data?.items.some(row => !row.is_done) ?? false
  if (runs !== isSending) setSending(runs)
  const create = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
      {t('broadcasts.create')}
    </Button>
  )
  const columns: Column<Broadcast>[] = [
    { key: 'command', title: t('command.title'), role: 'title', render: row => text(row.command) },
    {
      key: 'target',
      title: t('broadcasts.target'),
      render: row => row.group_name ?? row.type_name ?? t('broadcasts.everybody'),
    },
    {
      key: 'sent',
      title: t('broadcasts.sent'),
      width: 180,
      render: row =>
        row.is_done ? (
          <Count value={row.sent} />
        ) : (
          <Progress percent={Math.round((100 * row.sent) / Math.max(1, row.total ?? 1))} size="small" />
        ),
    },
    {
      key: 'done',
      title: t('broadcasts.done'),
      width: 120,
      align: 'right',
      render: row => <Count value={row.done} />,
    },
    {
      key: 'failed',
      title: t('broadcasts.failed'),
      width: 90,
      align: 'right',
      render: row => <Count value={row.failed} />,
    },
    { key: 'when', title: t('history.when'), width: 120, render: row => <Time value={row.created_at} /> },
    {
      key: 'actions',
      title: '',
      role: 'actions',
      width: 90,
      align: 'right',
      render: row =>
        row.done + row.failed < row.sent && (
          <Button
            size="small"
            onClick={() => cancel.mutate(row.id, { onError: error => void message.error(errorText(error)) })}
          >
            {t('command.cancel')}
          </Button>
        ),
    },
  ]
  return (
    <Page
      title={t('menu.broadcasts')}
      description={t('broadcasts.text')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {create}
        </div>
      }
    >
      <DataTable
        label={t('menu.broadcasts')}
        columns={columns}
        rowKey={row => row.id}
        pages={broadcasts}
        empty={
          <EmptyState
            icon={<NotificationOutlined />}
            title={t('broadcasts.empty')}
            description={t('broadcasts.emptyText')}
            action={create}
          />
        }
      />
      {isCreating && <CreateBroadcast onClose={() => setCreating(false)} />}
    </Page>
  )
}

type Fields = { target: string; kind: 'alert' | 'say' | 'reboot'; text?: string }

function CreateBroadcast({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const types = useDeviceTypes()
  const groups = useGroups()
  const create = useCreateBroadcast()
  const [form] = Form.useForm<Fields>()
  const kind = Form.useWatch('kind', form)
  const submit = ({ target, kind, text = '' }: Fields) => {
    const [what, id] = target.split(':')
    const command: DeviceCommand =
      kind === 'reboot'
        ? { kind }
        : kind === 'say'
          ? { kind, text }
          : { kind, status: t('broadcasts.notice'), message: text }
    create.mutate(
      {
        command,
        ...(what === 'type' && id ? { type_id: id } : {}),
        ...(what === 'group' && id ? { group_id: id } : {}),
      },
      {
        onSuccess: () => {
          message.success(t('broadcasts.started'))
          onClose()
        },
      },
    )
  }
  return (
    <Modal
      open
      title={t('broadcasts.create')}
      okText={t('broadcasts.submit')}
      confirmLoading={create.isPending}
      onOk={form.submit}
      onCancel={onClose}
    >
      <Form form={form} layout="vertical" onFinish={submit} initialValues={{ target: 'all', kind: 'alert' }}>
        <ErrorAlert error={create.error} />
        <Form.Item label={t('broadcasts.target')} name="target">
          <Select
            options={[
              { value: 'all', label: t('broadcasts.everybody') },
              {
                label: t('device.type'),
                options: (types.data?.items ?? []).map(({ id, name }) => ({
                  value: `type:${id}`,
                  label: name,
                })),
              },
              {
                label: t('menu.groups'),
                options: (groups.data?.items ?? []).map(({ id, name }) => ({
                  value: `group:${id}`,
                  label: name,
                })),
              },
            ]}
          />
        </Form.Item>
        <Form.Item label={t('command.title')} name="kind">
          <Select
            options={(['alert', 'say', 'reboot'] as const).map(value => ({
              value,
              label: t(`broadcasts.kinds.${value}`),
            }))}
          />
        </Form.Item>
        {kind !== 'reboot' && (
          <Form.Item
            label={t('broadcasts.message')}
            name="text"
            rules={[{ required: true, whitespace: true, message: t('command.sayRequired') }]}
          >
            <Input.TextArea maxLength={500} autoSize={{ minRows: 2, maxRows: 6 }} />
          </Form.Item>
        )}
      </Form>
    </Modal>
  )
}
