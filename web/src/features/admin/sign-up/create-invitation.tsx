import { Button, Form, Input, Modal, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCreateInvitation } from '#api/admin.ts'
import type { InvitationInput } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { useFormat } from '#ui/format.tsx'
import { SecretLink } from '../secret-link.tsx'
import { RolesField } from '../users/create-user.tsx'

/** Makes an invitation and shows its link, once. */
export function CreateInvitation({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const [form] = Form.useForm<InvitationInput>()
  const create = useCreateInvitation()
  const close = () => {
    onClose()
    create.reset()
  }
  const submit = ({ email, ...rest }: InvitationInput) =>
    create.mutate(email ? { email, ...rest } : rest, { onError: error => showFieldErrors(form, error) })
  const made = create.data
  return (
    <Modal
      open={isOpen}
      title={made ? t('signUp.linkTitle') : t('signUp.invite')}
      okText={t('signUp.createLink')}
      confirmLoading={create.isPending}
      onOk={form.submit}
      onCancel={close}
      destroyOnHidden
      {...(made && {
        footer: (
          <Button type="primary" onClick={close}>
            {t('common.done')}
          </Button>
        ),
      })}
    >
      {made ? (
        <SecretLink
          link={`${location.origin}/sign-up#invitation=${made.token}`}
          text={t(made.email ? 'signUp.linkMailed' : 'signUp.linkText', {
            email: made.email ?? '',
            time: format.dateTime(made.expires_at),
          })}
          copyLabel={t('signUp.copyLink')}
        />
      ) : (
        <Form
          form={form}
          layout="vertical"
          onFinish={submit}
          preserve={false}
          initialValues={{ roles: ['user'], expires_in_days: 7 }}
        >
          <ErrorAlert error={create.error} />
          <Form.Item label={t('users.email')} name="email" extra={t('signUp.emailHint')}>
            <Input type="email" autoComplete="off" maxLength={300} />
          </Form.Item>
          <RolesField />
          <Form.Item label={t('signUp.validFor')} name="expires_in_days">
            <Select
              options={[1, 7, 30, 90].map(days => ({
                value: days,
                label: t('common.days', { count: days }),
              }))}
            />
          </Form.Item>
        </Form>
      )}
    </Modal>
  )
}
