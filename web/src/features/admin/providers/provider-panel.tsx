import { DeleteOutlined } from '@ant-design/icons'
import { Alert, App, Button, Form, Input, Space, Switch, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  useAddProviderKey,
  useChangeProvider,
  useDeleteProvider,
  useDeleteProviderKey,
  useTestProvider,
} from '#api/admin.ts'
import type { Provider, ProviderKey, ProviderTest } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { LinkButton } from '#ui/link-button.tsx'
import { Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import style from '../admin.module.css'
import { filled, type ProviderFields } from './provider-fields.tsx'
import { ProviderState } from './provider-state.tsx'
import { TestResult } from './test-result.tsx'

export function ProviderPanel({
  provider,
  lastTest,
  onClose,
}: {
  provider: Provider | undefined
  /** A test from elsewhere, until another one is made here. */
  lastTest: ProviderTest | undefined
  onClose: () => void
}) {
  return (
    <Panel isOpen={provider !== undefined} onClose={onClose} title={provider?.name ?? ''}>
      {provider && <Content key={provider.id} provider={provider} lastTest={lastTest} onGone={onClose} />}
    </Panel>
  )
}

function Content({
  provider,
  lastTest,
  onGone,
}: {
  provider: Provider
  lastTest: ProviderTest | undefined
  onGone: () => void
}) {
  const { t } = useTranslation('admin')
  const test = useTestProvider()
  const isOwn = provider.source === 'admin'
  return (
    <>
      <div className={common.tags}>
        <ProviderState provider={provider} />
        <Tag>{t(`providers.sources.${provider.source}`)}</Tag>
      </div>
      <div className={style.panelActions}>
        <Button type="primary" loading={test.isPending} onClick={() => test.mutate({ id: provider.id })}>
          {t('test.run')}
        </Button>
        <LinkButton to={`/admin/models?provider=${encodeURIComponent(provider.id)}`}>
          {t('providers.showModels')}
        </LinkButton>
      </div>
      <TestResult result={test.isIdle ? lastTest : test.data} error={test.error} />
      {isOwn ? (
        <>
          <Edit provider={provider} />
          <Keys provider={provider} />
          <Ways provider={provider} onGone={onGone} />
        </>
      ) : (
        <Alert type="info" showIcon title={t('providers.ofEnvironment')} description={provider.base_url} />
      )}
    </>
  )
}

function Edit({ provider }: { provider: Provider }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<ProviderFields>()
  const change = useChangeProvider(provider.id)
  const save = (fields: ProviderFields) => {
    const patch = filled(fields)
    if (patch.base_url === provider.base_url) delete patch.base_url
    change.mutate(patch, {
      onSuccess: () => {
        form.setFieldValue('api_key', '')
        message.success(t('common.saved'))
      },
      onError: error => showFieldErrors(form, error),
    })
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={save}
      initialValues={{ name: provider.name, base_url: provider.base_url }}
    >
      <ErrorAlert error={change.error} />
      <Form.Item
        label={t('providers.name')}
        name="name"
        rules={[{ required: true, message: t('providers.nameRequired') }]}
      >
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item label={t('providers.baseUrl')} name="base_url" extra={t('providers.baseUrlChange')}>
        <Input type="url" maxLength={500} autoComplete="off" />
      </Form.Item>
      <Form.Item label={t('providers.newKey')} name="api_key" extra={t('providers.newKeyHint')}>
        <Input.Password autoComplete="off" maxLength={1000} />
      </Form.Item>
      <Button htmlType="submit" loading={change.isPending}>
        {t('common.save')}
      </Button>
    </Form>
  )
}

function Keys({ provider }: { provider: Provider }) {
  const { t } = useTranslation('admin')
  const [form] = Form.useForm<{ api_key: string }>()
  const add = useAddProviderKey(provider.id)
  return (
    <Section title={t('providers.keys')} description={t('providers.keysText')}>
      {provider.keys.length > 0 && (
        <ul className={style.checklist} aria-label={t('providers.keys')}>
          {provider.keys.map(key => (
            <KeyRow key={key.id} provider={provider} apiKey={key} />
          ))}
        </ul>
      )}
      <Form
        form={form}
        className={style.panelActions ?? ''}
        onFinish={({ api_key }) => add.mutate(api_key.trim(), { onSuccess: () => form.resetFields() })}
      >
        <Space.Compact block>
          <Form.Item name="api_key" noStyle rules={[{ required: true, message: '' }]}>
            <Input.Password
              autoComplete="off"
              maxLength={1000}
              aria-label={t('providers.addKey')}
              placeholder={t('providers.addKey')}
            />
          </Form.Item>
          <Button htmlType="submit" loading={add.isPending}>
            {t('providers.addKeySubmit')}
          </Button>
        </Space.Compact>
      </Form>
      <ErrorAlert error={add.error} />
    </Section>
  )
}

function KeyRow({ provider, apiKey }: { provider: Provider; apiKey: ProviderKey }) {
  const { t } = useTranslation('admin')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const remove = useDeleteProviderKey(provider.id)
  const shown = apiKey.last_four || '••••'
  const ask = () =>
    modal.confirm({
      title: t('providers.deleteKeyAsk', { key: shown, name: provider.name }),
      okText: t('providers.deleteKey'),
      okButtonProps: { danger: true },
      onOk: () => remove.mutateAsync(apiKey.id).catch(error => message.error(errorText(error))),
    })
  return (
    <li>
      <code className={style.grow}>…{shown}</code>
      {provider.resting_keys.includes(apiKey.id) && <Tag color="warning">{t('providers.keyResting')}</Tag>}
      <Button
        type="text"
        size="small"
        danger
        icon={<DeleteOutlined />}
        aria-label={t('providers.deleteKeyName', { key: shown })}
        onClick={ask}
      />
    </li>
  )
}

function Ways({ provider, onGone }: { provider: Provider; onGone: () => void }) {
  const { t } = useTranslation('admin')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const change = useChangeProvider(provider.id)
  const remove = useDeleteProvider()
  const { name } = provider
  const fail = (error: unknown) => void message.error(errorText(error))
  const ask = () =>
    modal.confirm({
      title: t('providers.deleteAsk', { name }),
      content: t('providers.deleteText'),
      okText: t('providers.delete'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(provider.id).then(() => {
          message.success(t('providers.deleted', { name }))
          onGone()
        }, fail),
    })
  return (
    <Section>
      <div className={common.actions}>
        <Switch
          checked={provider.is_enabled}
          loading={change.isPending}
          aria-label={t('providers.enabled')}
          onChange={is_enabled => change.mutate({ is_enabled }, { onError: fail })}
        />
        <span className={style.grow}>{t('providers.enabled')}</span>
        <Button danger onClick={ask}>
          {t('providers.delete')}
        </Button>
      </div>
    </Section>
  )
}
