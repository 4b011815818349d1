import { PlusOutlined, TeamOutlined } from '@ant-design/icons'
import { App, Button, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Group } from '#api/device-types.ts'
import { useDeleteGroup, useGroups, useSaveGroup } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Count } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { MenuButton } from '../menu-button.tsx'

export function Component() {
  const { t } = useTranslation('devices')
  const can = useCan()
  const groups = useGroups()
  const [editing, setEditing] = useState<Group | 'new' | null>(null)
  const mayManage = can('devices.registry.manage')
  const create = mayManage && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing('new')}>
      {t('groups.create')}
    </Button>
  )
  const columns: Column<Group>[] = [
    { key: 'name', title: t('groups.name'), role: 'title', render: group => group.name },
    { key: 'description', title: t('groups.description'), render: group => group.description || '–' },
    {
      key: 'devices',
      title: t('types.devices'),
      width: 110,
      align: 'right',
      render: group => <Count value={group.devices} />,
    },
    {
      key: 'actions',
      title: '',
      role: 'actions',
      width: 220,
      align: 'right',
      render: group => (
        <span className={common.actions}>
          <LinkButton size="small" to={`/devices/admin/registrations?group=${group.id}`}>
            {t('batches.showDevices')}
          </LinkButton>
          {mayManage && (
            <Button size="small" onClick={() => setEditing(group)}>
              {t('groups.edit')}
            </Button>
          )}
        </span>
      ),
    },
  ]
  return (
    <Page
      title={t('menu.groups')}
      description={t('groups.text')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {create}
        </div>
      }
    >
      <DataTable
        label={t('menu.groups')}
        columns={columns}
        rowKey={group => group.id}
        pages={groups}
        empty={
          <EmptyState
            icon={<TeamOutlined />}
            title={t('groups.empty')}
            description={t('groups.emptyText')}
            action={create}
          />
        }
      />
      {editing && <GroupForm group={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </Page>
  )
}

function GroupForm({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const [form] = Form.useForm<{ name: string; description: string }>()
  const save = useSaveGroup()
  const remove = useDeleteGroup()
  return (
    <Modal
      open
      title={t(group ? 'groups.edit' : 'groups.create')}
      okText={t('device.save')}
      confirmLoading={save.isPending}
      onOk={form.submit}
      onCancel={onClose}
      footer={(_, { OkBtn, CancelBtn }) => (
        <>
          {group && (
            <Button
              danger
              loading={remove.isPending}
              onClick={() =>
                remove.mutate(group.id, {
                  onSuccess: onClose,
                  onError: error => void message.error(errorText(error)),
                })
              }
            >
              {t('groups.remove')}
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
        initialValues={{ name: group?.name ?? '', description: group?.description ?? '' }}
        onFinish={fields =>
          save.mutate({ ...(group ? { id: group.id } : {}), ...fields }, { onSuccess: onClose })
        }
      >
        <ErrorAlert error={save.error} />
        <Form.Item
          label={t('groups.name')}
          name="name"
          rules={[{ required: true, whitespace: true, message: t('types.nameRequired') }]}
        >
          <Input maxLength={60} />
        </Form.Item>
        <Form.Item label={t('groups.description')} name="description">
          <Input maxLength={500} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
