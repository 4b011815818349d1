import { PlusOutlined, TeamOutlined } from '@ant-design/icons'
import { Button, Form, Input, Modal, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { useCreateOrganisation } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import type { Membership } from '#api/types.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Page } from '#ui/page.tsx'
import style from '../identity.module.css'

export function Component() {
  const { t } = useTranslation('identity')
  const { organisations } = useMe()
  const [isCreating, setCreating] = useState(false)
  const columns: Column<Membership>[] = [
    {
      key: 'name',
      title: t('organisations.name'),
      role: 'title',
      render: organisation => (
        <Link
          to={`/settings/organisations/${organisation.id}`}
          className={style.ellipsis}
          title={organisation.name}
        >
          {organisation.name}
        </Link>
      ),
    },
    {
      key: 'role',
      title: t('organisations.role'),
      width: 160,
      render: organisation => <Tag>{t(`organisations.roles.${organisation.role}`)}</Tag>,
    },
  ]
  return (
    <Page
      title={t('organisations.title')}
      description={t('organisations.text')}
      back="/settings"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
          {t('organisations.create')}
        </Button>
      }
    >
      <DataTable
        label={t('organisations.title')}
        columns={columns}
        rowKey={organisation => organisation.id}
        pages={{ rows: organisations }}
        empty={
          <EmptyState
            icon={<TeamOutlined />}
            title={t('organisations.empty.title')}
            description={t('organisations.empty.text')}
          />
        }
      />
      <CreateOrganisation isOpen={isCreating} onClose={() => setCreating(false)} />
    </Page>
  )
}

function CreateOrganisation({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation('identity')
  const [form] = Form.useForm<{ name: string }>()
  const navigate = useNavigate()
  const create = useCreateOrganisation()
  return (
    <Modal
      open={isOpen}
      title={t('organisations.create')}
      okText={t('organisations.create')}
      confirmLoading={create.isPending}
      onOk={form.submit}
      onCancel={onClose}
      afterClose={create.reset}
      destroyOnHidden
    >
      <ErrorAlert error={create.error} />
      <Form
        form={form}
        layout="vertical"
        preserve={false}
        onFinish={({ name }) =>
          create.mutate(name.trim(), {
            onSuccess: organisation => navigate(`/settings/organisations/${organisation.id}`),
            onError: error => showFieldErrors(form, error),
          })
        }
      >
        <Form.Item
          label={t('organisations.name')}
          name="name"
          rules={[{ required: true, whitespace: true, message: t('organisations.nameRequired') }]}
        >
          <Input maxLength={100} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
