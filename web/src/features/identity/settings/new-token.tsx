import { Alert, Button, Checkbox, Form, Input, Modal, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useModels } from '#api/chat.ts'
import { useCreateApiToken } from '#api/identity.ts'
import type { ApiTokenInput, NewApiToken } from '#api/types.ts'
import { CopyButton } from '#ui/copy.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Secret } from '#ui/secret.tsx'
import style from '../identity.module.css'

type TokenFields = { name: string; scopes: string[]; days: number | null }

const day = 86_400_000

export function CreateToken({
  isOpen,
  onClose,
  onCreated,
}: {
  isOpen: boolean
  onClose: () => void
  onCreated: (token: NewApiToken) => void
}) {
  const { t } = useTranslation('identity')
  const [form] = Form.useForm<TokenFields>()
  const create = useCreateApiToken()
  const submit = ({ name, scopes, days }: TokenFields) => {
    const input: ApiTokenInput = { name: name.trim(), scopes }
    if (days !== null) input.expires_at = new Date(Date.now() + days * day).toISOString()
    create.mutate(input, { onSuccess: onCreated, onError: error => showFieldErrors(form, error) })
  }
  return (
    <Modal
      open={isOpen}
      title={t('tokens.create')}
      okText={t('tokens.create')}
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
        initialValues={{ scopes: ['chat'], days: 90 }}
        onFinish={submit}
      >
        <Form.Item
          label={t('tokens.name')}
          name="name"
          rules={[{ required: true, whitespace: true, message: t('tokens.nameRequired') }]}
        >
          <Input maxLength={100} placeholder={t('tokens.namePlaceholder')} />
        </Form.Item>
        <Form.Item
          label={t('tokens.scopes')}
          name="scopes"
          rules={[{ required: true, type: 'array', min: 1, message: t('tokens.scopesRequired') }]}
        >
          <Checkbox.Group className={style.scopes}>
            {(['chat', 'read', 'all'] as const).map(scope => (
              <Checkbox key={scope} value={scope}>
                {t(`tokens.scope.${scope}`)}{' '}
                <span className={style.muted}>{t(`tokens.scope.${scope}Text`)}</span>
              </Checkbox>
            ))}
          </Checkbox.Group>
        </Form.Item>
        <Form.Item label={t('tokens.expires')} name="days">
          <Select
            options={[
              ...[30, 90, 365].map(count => ({ value: count, label: t('tokens.expiry.days', { count }) })),
              { value: null, label: t('tokens.expiry.never') },
            ]}
          />
        </Form.Item>
      </Form>
    </Modal>
  )
}

/** The one time that the token is shown, with how to use it. */
export function NewTokenShown({ token, onClose }: { token: NewApiToken | null; onClose: () => void }) {
  const { t } = useTranslation('identity')
  const models = useModels()
  const model = models.data?.items.find(each => each.is_default) ?? models.data?.items[0]
  const example = token ? curlExample(token.token, model?.id ?? 'MODEL') : ''
  return (
    <Modal
      open={token !== null}
      title={t('tokens.new.title')}
      mask={{ closable: false }}
      onCancel={onClose}
      footer={
        <Button type="primary" onClick={onClose}>
          {t('tokens.new.close')}
        </Button>
      }
      destroyOnHidden
    >
      <Alert type="warning" showIcon title={t('tokens.new.text')} className={style.alert} />
      <Secret text={token?.token ?? ''} copyLabel={t('tokens.new.copy')} />
      <div className={style.codeHead}>
        <span>{t('tokens.new.example')}</span>
        <CopyButton text={example} label={t('tokens.new.copyExample')} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard. */}
      <pre className={style.code} tabIndex={0}>
        {example}
      </pre>
    </Modal>
  )
}

const curlExample = (token: string, model: string) => `curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${token}" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": true
  }'`
