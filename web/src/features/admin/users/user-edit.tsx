import { App, Button, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useChangeUser } from '#api/admin.ts'
import type { User, UserPatch } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { RolesField } from './create-user.tsx'

type Fields = Pick<User, 'display_name' | 'roles' | 'locale' | 'time_zone'> & { email: string; phone: string }

export function UserEdit({ user }: { user: User }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const change = useChangeUser(user.id)
  const before: Fields = {
    display_name: user.display_name,
    email: user.email ?? '',
    phone: user.phone ?? '',
    roles: user.roles,
    locale: user.locale,
    time_zone: user.time_zone,
  }
  const submit = (fields: Fields) => {
    const isChanged = (name: string) =>
      JSON.stringify(fields[name as keyof Fields]) !== JSON.stringify(before[name as keyof Fields])
    const patch: UserPatch = Object.fromEntries(
      Object.entries(fields)
        .filter(([name, value]) => value !== undefined && isChanged(name))
        .map(([name, value]) => [name, value === '' ? null : value]),
    )
    change.mutate(patch, {
      onSuccess: () => message.success(t('common.saved')),
      onError: error => showFieldErrors(form, error),
    })
  }
  return (
    <Form form={form} layout="vertical" initialValues={before} onFinish={submit}>
      <ErrorAlert error={change.error} />
      <Form.Item
        label={t('users.displayName')}
        name="display_name"
        rules={[{ required: true, message: t('users.displayNameRequired') }]}
      >
        <Input maxLength={60} autoComplete="off" />
      </Form.Item>
      <Form.Item label={t('users.email')} name="email">
        <Input type="email" maxLength={300} autoComplete="off" />
      </Form.Item>
      <Form.Item label={t('users.phone')} name="phone" extra={t('users.phoneHint')}>
        <Input type="tel" maxLength={30} autoComplete="off" />
      </Form.Item>
      <RolesField />
      <Form.Item label={t('users.language')} name="locale">
        <Select
          options={[
            { value: 'zh-CN', label: t('languages.zh-CN') },
            { value: 'en', label: t('languages.en') },
          ]}
        />
      </Form.Item>
      <Form.Item label={t('users.timeZone')} name="time_zone">
        <Select
          showSearch
          options={Intl.supportedValuesOf('timeZone').map(zone => ({ value: zone, label: zone }))}
        />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={change.isPending}>
        {t('common.save')}
      </Button>
    </Form>
  )
}
