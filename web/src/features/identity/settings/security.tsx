import { App, Button, Form, Input, Popconfirm, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChangePassword, useRevokeSession, useSessions, useSignOut } from '#api/identity.ts'
import type { Session } from '#api/types.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, ErrorState, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Time } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { deviceName } from '../device.ts'
import { NewPasswordField } from '../fields.tsx'
import style from '../identity.module.css'

export function Component() {
  const { t } = useTranslation('identity')
  return (
    <Page title={t('security.title')} back="/settings">
      <Section title={t('security.password.title')} description={t('security.password.text')}>
        <PasswordForm />
      </Section>
      <Section title={t('security.sessions.title')} action={<SignOutEverywhere />}>
        <Sessions />
      </Section>
    </Page>
  )
}

type PasswordFields = { current_password?: string; new_password: string }

function PasswordForm() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const [form] = Form.useForm<PasswordFields>()
  const change = useChangePassword()
  const submit = ({ current_password, new_password }: PasswordFields) =>
    change.mutate(
      { current_password: current_password || null, new_password },
      {
        onSuccess: () => {
          form.resetFields()
          message.success(t('security.password.done'))
        },
        onError: error => showFieldErrors(form, error),
      },
    )
  return (
    <Form form={form} layout="vertical" onFinish={submit} className={style.narrowForm}>
      <ErrorAlert error={change.error} />
      <Form.Item label={t('password.current')} name="current_password" extra={t('security.password.none')}>
        <Input.Password autoComplete="current-password" maxLength={200} />
      </Form.Item>
      <NewPasswordField />
      <Form.Item
        label={t('password.repeat')}
        name="repeat"
        dependencies={['new_password']}
        validateTrigger="onBlur"
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              value === getFieldValue('new_password')
                ? Promise.resolve()
                : Promise.reject(new Error(t('password.mismatch'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" maxLength={200} />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={change.isPending}>
        {t('security.password.submit')}
      </Button>
    </Form>
  )
}

function Sessions() {
  const { t } = useTranslation('identity')
  const sessions = useSessions()
  if (sessions.isPending) return <ListSkeleton rows={3} />
  if (sessions.isError) return <ErrorState error={sessions.error} onRetry={() => sessions.refetch()} />
  const columns: Column<Session>[] = [
    {
      key: 'device',
      title: t('security.sessions.device'),
      role: 'title',
      render: session => (
        <span className={style.device} title={session.user_agent}>
          {deviceName(session.user_agent, t)}
          {session.is_current && <Tag color="success">{t('security.sessions.current')}</Tag>}
        </span>
      ),
    },
    { key: 'ip', title: t('security.sessions.ip'), render: session => session.ip },
    {
      key: 'used',
      title: t('security.sessions.lastUsed'),
      width: 160,
      render: session => <Time value={session.last_used_at} />,
    },
    {
      key: 'created',
      title: t('security.sessions.created'),
      width: 160,
      render: session => <Time value={session.created_at} />,
    },
    {
      key: 'actions',
      title: '',
      width: 100,
      align: 'right',
      role: 'actions',
      render: session => !session.is_current && <Revoke session={session} />,
    },
  ]
  return (
    <DataTable
      label={t('security.sessions.title')}
      columns={columns}
      rowKey={session => session.id}
      pages={{ rows: sessions.data.items }}
      empty={<EmptyState title={t('security.sessions.empty')} />}
    />
  )
}

function Revoke({ session }: { session: Session }) {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { message } = App.useApp()
  const revoke = useRevokeSession()
  return (
    <Button
      size="small"
      loading={revoke.isPending}
      aria-label={t('security.sessions.revokeName', { device: deviceName(session.user_agent, t) })}
      onClick={() =>
        revoke.mutate(session.id, {
          onSuccess: () => message.success(t('security.sessions.revoked')),
          onError: error => message.error(errorText(error)),
        })
      }
    >
      {t('security.sessions.revoke')}
    </Button>
  )
}

function SignOutEverywhere() {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { message } = App.useApp()
  const [isOpen, setOpen] = useState(false)
  const signOut = useSignOut()
  return (
    <Popconfirm
      open={isOpen}
      onOpenChange={setOpen}
      title={t('security.sessions.everywhereAsk')}
      description={t('security.sessions.everywhereText')}
      okText={t('security.sessions.everywhere')}
      okButtonProps={{ danger: true }}
      onConfirm={() => signOut.mutate(true, { onError: error => message.error(errorText(error)) })}
    >
      <Button danger loading={signOut.isPending}>
        {t('security.sessions.everywhere')}
      </Button>
    </Popconfirm>
  )
}
