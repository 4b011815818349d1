import { App, Form, Input, Modal, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCreateUser, useRoles } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { User, UserInput } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { useRoleName } from '../role-name.ts'

export function CreateUser({
  isOpen,
  onClose,
  onCreated,
}: {
  isOpen: boolean
  onClose: () => void
  onCreated: (user: User) => void
}) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<UserInput>()
  const create = useCreateUser()
  const close = () => {
    create.reset()
    onClose()
  }
  const submit = (fields: UserInput) => {
    const filled = Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined),
    )
    create.mutate(filled as UserInput, {
      onSuccess: user => {
        message.success(t('users.createdDone', { name: user.display_name }))
        close()
        onCreated(user)
      },
      onError: error => showFieldErrors(form, error),
    })
  }
  return (
    <Modal
      open={isOpen}
      title={t('users.create')}
      okText={t('users.createSubmit')}
      confirmLoading={create.isPending}
      onOk={form.submit}
      onCancel={close}
      destroyOnHidden
    >
      <Form
        form={form}
        layout="vertical"
        onFinish={submit}
        preserve={false}
        initialValues={{ roles: ['user'], is_vip: false }}
      >
        <ErrorAlert error={create.error} />
        <Form.Item
          label={t('users.username')}
          name="username"
          extra={t('users.usernameHint')}
          rules={[{ required: true, message: t('users.usernameRequired') }]}
        >
          <Input autoComplete="off" maxLength={100} autoFocus />
        </Form.Item>
        <Form.Item label={t('users.displayName')} name="display_name">
          <Input autoComplete="off" maxLength={60} />
        </Form.Item>
        <Form.Item label={t('users.email')} name="email">
          <Input type="email" autoComplete="off" maxLength={300} />
        </Form.Item>
        <Form.Item label={t('users.password')} name="password" extra={t('users.passwordHint')}>
          <Input.Password autoComplete="new-password" maxLength={200} />
        </Form.Item>
        <RolesField />
        <Form.Item label={t('users.vip')} name="is_vip" valuePropName="checked">
          <Switch />
        </Form.Item>
      </Form>
    </Modal>
  )
}

/** Form field `roles`; nothing for those who may not see the roles there are. */
export function RolesField() {
  const { t } = useTranslation('admin')
  const roles = useRoles(useCan()('identity.roles.read'))
  const roleName = useRoleName()
  if (!roles.data) return null
  return (
    <Form.Item label={t('users.roles')} name="roles">
      <Select
        mode="multiple"
        options={roles.data.items.map(({ name }) => ({ value: name, label: roleName(name) }))}
      />
    </Form.Item>
  )
}
