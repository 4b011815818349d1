import { ReloadOutlined, SendOutlined } from '@ant-design/icons'
import { Alert, App, Button, Form, Input, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { CommandState, CommandView, Device, DeviceCommand } from '#api/device-types.ts'
import { useCancelCommand, useCommands, useSendCommand } from '#api/devices.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import style from '../devices.module.css'
import { useCommandText } from './command-text.ts'

const colours: Record<CommandState, string> = {
  queued: 'processing',
  sent: 'processing',
  done: 'success',
  failed: 'error',
  expired: 'default',
  cancelled: 'default',
}

export function CommandsTab({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const commands = useCommands(device.id)
  const cancel = useCancelCommand(device.id)
  const text = useCommandText()
  const { message } = App.useApp()
  const errorText = useErrorText()
  const columns: Column<CommandView>[] = [
    { key: 'command', title: t('command.title'), role: 'title', render: row => text(row.command) },
    {
      key: 'state',
      title: t('command.state'),
      width: 200,
      render: row => <Tag color={colours[row.state]}>{t(`command.states.${row.state}`)}</Tag>,
    },
    {
      key: 'created',
      title: t('command.created'),
      width: 130,
      render: row => <Time value={row.created_at} />,
    },
    {
      key: 'actions',
      title: '',
      role: 'actions',
      width: 90,
      align: 'right',
      render: row =>
        row.state === 'queued' && (
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
    <div className={style.stack}>
      <SendForm device={device} />
      <DataTable
        label={t('device.tabs.commands')}
        columns={columns}
        rowKey={row => row.id}
        pages={commands}
        empty={<EmptyState title={t('command.empty')} description={t('command.emptyText')} />}
      />
    </div>
  )
}

function SendForm({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const send = useSendCommand(device.id)
  const [form] = Form.useForm<{ text: string }>()
  const give = (command: DeviceCommand) =>
    send.mutate(command, {
      onSuccess: () => {
        form.resetFields()
        message.success(t(device.presence.is_online ? 'command.sentNow' : 'command.sentLater'))
      },
    })
  return (
    <>
      {!device.presence.is_online && <Alert type="info" showIcon title={t('command.away')} />}
      <ErrorAlert error={send.error} />
      <Form form={form} className={style.sendForm ?? ''} onFinish={({ text }) => give({ kind: 'say', text })}>
        <Form.Item
          name="text"
          className={style.grow ?? ''}
          rules={[{ required: true, whitespace: true, message: t('command.sayRequired') }]}
        >
          <Input
            maxLength={500}
            placeholder={t('command.sayPlaceholder')}
            aria-label={t('command.sayPlaceholder')}
          />
        </Form.Item>
        <div className={common.actions}>
          <Button type="primary" htmlType="submit" icon={<SendOutlined />} loading={send.isPending}>
            {t('command.sayButton')}
          </Button>
          <Button
            icon={<ReloadOutlined />}
            disabled={send.isPending}
            onClick={() => give({ kind: 'reboot' })}
          >
            {t('command.reboot')}
          </Button>
        </div>
      </Form>
    </>
  )
}
