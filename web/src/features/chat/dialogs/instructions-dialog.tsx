import { App, Form, Input, Modal, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import { useInstructions } from '#api/chat.ts'
import { api } from '#api/client.ts'
import { useWrite } from '#api/query.ts'
import type { Instructions } from '#api/types.ts'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from './dialogs.module.css'

const maxLength = 3_000

/** What every answer should take into account. */
export default function InstructionsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['chat', 'app'])
  const { message } = App.useApp()
  const instructions = useInstructions()
  const [form] = Form.useForm<Instructions>()
  const save = useWrite(
    (input: Instructions) => api.put<Instructions>('/chat/instructions', input),
    ['chat', 'instructions'],
  )
  const submit = (input: Instructions) =>
    save.mutate(
      { ...input, about_user: input.about_user ?? '', answer_style: input.answer_style ?? '' },
      {
        onSuccess: () => {
          message.success(t('app:common.saved'))
          onClose()
        },
        onError: error => showFieldErrors(form, error),
      },
    )
  return (
    <Modal
      open
      title={t('instructions.title')}
      okText={t('app:common.save')}
      okButtonProps={{ disabled: !instructions.data }}
      confirmLoading={save.isPending}
      onOk={form.submit}
      onCancel={onClose}
      closable={{ 'aria-label': t('app:common.close') }}
    >
      <p className={style.text}>{t('instructions.text')}</p>
      <ErrorAlert error={save.error} />
      {instructions.isPending && <FormSkeleton fields={2} />}
      {instructions.isError && (
        <ErrorState error={instructions.error} onRetry={() => instructions.refetch()} />
      )}
      {instructions.data && (
        <Form form={form} layout="vertical" initialValues={instructions.data} onFinish={submit}>
          <Form.Item label={t('instructions.about')} name="about_user">
            <Input.TextArea
              autoSize={{ minRows: 3, maxRows: 8 }}
              maxLength={maxLength}
              placeholder={t('instructions.aboutPlaceholder')}
            />
          </Form.Item>
          <Form.Item label={t('instructions.style')} name="answer_style">
            <Input.TextArea
              autoSize={{ minRows: 3, maxRows: 8 }}
              maxLength={maxLength}
              placeholder={t('instructions.stylePlaceholder')}
            />
          </Form.Item>
          <Form.Item
            label={t('instructions.enabled')}
            name="is_enabled"
            valuePropName="checked"
            layout="horizontal"
            colon={false}
          >
            <Switch />
          </Form.Item>
        </Form>
      )}
    </Modal>
  )
}
