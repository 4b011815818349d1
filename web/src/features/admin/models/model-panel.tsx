import { App, Button, Checkbox, Form, Input, InputNumber, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  useChangeModel,
  useCreateModel,
  useDeleteModel,
  usePlans,
  useProviders,
  useRoles,
} from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { AdminModel, AdminModelInput, AdminModelPatch } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Panel } from '#ui/panel.tsx'
import style from '../admin.module.css'
import { useAudienceName } from './audience-name.ts'
import { capabilities } from './capabilities.ts'

/** Form for a model: a new one, or changes to one that is there. */
export function ModelPanel({
  isOpen,
  model,
  all,
  onClose,
}: {
  isOpen: boolean
  model: AdminModel | undefined
  all: readonly AdminModel[]
  onClose: () => void
}) {
  const { t } = useTranslation('admin')
  return (
    <Panel isOpen={isOpen} onClose={onClose} title={model?.name ?? t('models.add')}>
      <ModelForm key={model?.id ?? ''} model={model} all={all} onClose={onClose} />
    </Panel>
  )
}

/** Prices are typed in whole units of the currency, capabilities as a list. */
type Fields = Omit<AdminModelInput, 'capabilities'> & { capabilities: string[] }
const prices = ['input_price', 'output_price', 'cached_price'] as const

function toFields(model: AdminModel): Fields {
  const fields: Fields = { ...model, capabilities: capabilities.filter(name => model.capabilities[name]) }
  for (const name of prices) {
    const price = model[name]
    fields[name] = price === null ? null : price / 100
  }
  return fields
}

function toPatch({ capabilities: chosen, ...fields }: Fields): AdminModelPatch & { id: string } {
  const patch: AdminModelPatch & { id: string } = { ...fields }
  for (const name of prices) {
    const price = fields[name]
    patch[name] = typeof price === 'number' ? price * 100 : null
  }
  patch.capabilities = Object.fromEntries(capabilities.map(name => [name, chosen.includes(name)]))
  // What was left empty is the server's to fill in.
  return Object.fromEntries(
    Object.entries(patch).filter(
      ([name, value]) => value !== undefined && (value !== null || prices.some(price => price === name)),
    ),
  ) as AdminModelPatch & { id: string }
}

function ModelForm({
  model,
  all,
  onClose,
}: {
  model: AdminModel | undefined
  all: readonly AdminModel[]
  onClose: () => void
}) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const create = useCreateModel()
  const change = useChangeModel()
  const submit = (fields: Fields) => {
    const handlers = {
      onSuccess: () => {
        message.success(t('common.saved'))
        onClose()
      },
      onError: (error: unknown) => showFieldErrors(form, error),
    }
    if (model) change.mutate({ ...toPatch(fields), id: model.id }, handlers)
    else create.mutate(toPatch(fields) as AdminModelInput, handlers)
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={
        model
          ? toFields(model)
          : { kind: 'chat', capabilities: [], audience: ['everyone'], is_enabled: true, is_default: false }
      }
    >
      <ErrorAlert error={create.error ?? change.error} />
      <Identity model={model} />
      <Sizes />
      <Prices />
      <Form.Item label={t('models.capabilities')} name="capabilities">
        <Checkbox.Group
          options={capabilities.map(name => ({ value: name, label: t(`models.can.${name}`) }))}
        />
      </Form.Item>
      <Access all={all.filter(({ id }) => id !== model?.id)} />
      <div className={common.formEnd}>
        <Button type="primary" htmlType="submit" loading={create.isPending || change.isPending}>
          {t(model ? 'common.save' : 'models.add')}
        </Button>
        <span className={style.grow} />
        {model?.source === 'admin' && <Remove model={model} onGone={onClose} />}
      </div>
    </Form>
  )
}

function Identity({ model }: { model: AdminModel | undefined }) {
  const { t } = useTranslation('admin')
  const providers = useProviders(useCan()('admin.providers.manage'))
  const required = [{ required: true, message: t('common.required') }]
  return (
    <>
      {!model && (
        <Form.Item label={t('models.id')} name="id" extra={t('models.idHint')} rules={required}>
          <Input maxLength={200} autoComplete="off" />
        </Form.Item>
      )}
      {!model && (
        <Form.Item label={t('models.provider')} name="provider_id" rules={required}>
          <Select options={providers.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
        </Form.Item>
      )}
      {!model && (
        <Form.Item
          label={t('models.upstream')}
          name="upstream_model"
          extra={t('models.upstreamHint')}
          rules={required}
        >
          <Input maxLength={200} autoComplete="off" />
        </Form.Item>
      )}
      <Form.Item label={t('models.name')} name="name" rules={model ? required : []}>
        <Input maxLength={200} autoComplete="off" />
      </Form.Item>
      {!model && (
        <Form.Item label={t('models.kind')} name="kind">
          <Select
            options={[
              { value: 'chat', label: t('models.kinds.chat') },
              { value: 'embedding', label: t('models.kinds.embedding') },
            ]}
          />
        </Form.Item>
      )}
    </>
  )
}

function Sizes() {
  const { t } = useTranslation('admin')
  return (
    <div className={common.row}>
      <Form.Item label={t('models.windowTokens')} name="context_window">
        <InputNumber className={common.full ?? ''} min={1} max={100_000_000} precision={0} />
      </Form.Item>
      <Form.Item label={t('models.maxOutput')} name="max_output">
        <InputNumber className={common.full ?? ''} min={1} max={100_000_000} precision={0} />
      </Form.Item>
    </div>
  )
}

function Prices() {
  const { t } = useTranslation('admin')
  return (
    <>
      <div className={common.row}>
        <Form.Item label={t('models.inputPrice')} name="input_price">
          <InputNumber className={common.full ?? ''} min={0} max={1_000_000} />
        </Form.Item>
        <Form.Item label={t('models.outputPrice')} name="output_price">
          <InputNumber className={common.full ?? ''} min={0} max={1_000_000} />
        </Form.Item>
        <Form.Item label={t('models.cachedPrice')} name="cached_price">
          <InputNumber className={common.full ?? ''} min={0} max={1_000_000} />
        </Form.Item>
        <Form.Item label={t('models.currency')} name="currency">
          <Select
            allowClear
            options={[
              { value: 'CNY', label: 'CNY ¥' },
              { value: 'USD', label: 'USD $' },
            ]}
          />
        </Form.Item>
      </div>
      <p className={common.small}>{t('models.priceNote')}</p>
    </>
  )
}

function Access({ all }: { all: readonly AdminModel[] }) {
  const { t } = useTranslation('admin')
  const can = useCan()
  const audienceName = useAudienceName()
  const roles = useRoles(can('identity.roles.read'))
  const plans = usePlans(can('billing.plans.manage'))
  const names = new Set([
    'everyone',
    ...(plans.data?.items.map(({ id }) => id) ?? []),
    ...(roles.data?.items.map(({ name }) => name) ?? []),
  ])
  return (
    <>
      <Form.Item
        label={t('models.audience')}
        name="audience"
        extra={t('models.audienceHint')}
        rules={[{ required: true, message: t('models.audienceRequired') }]}
      >
        <Select mode="tags" options={[...names].map(name => ({ value: name, label: audienceName(name) }))} />
      </Form.Item>
      <Form.Item label={t('models.fallbacks')} name="fallbacks" extra={t('models.fallbacksHint')}>
        <Select mode="multiple" options={all.map(({ id, name }) => ({ value: id, label: name }))} />
      </Form.Item>
      <div className={common.row}>
        <Form.Item label={t('models.enabled')} name="is_enabled" valuePropName="checked">
          <Switch />
        </Form.Item>
        <Form.Item label={t('models.default')} name="is_default" valuePropName="checked">
          <Switch />
        </Form.Item>
      </div>
    </>
  )
}

function Remove({ model, onGone }: { model: AdminModel; onGone: () => void }) {
  const { t } = useTranslation('admin')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const remove = useDeleteModel()
  const ask = () =>
    modal.confirm({
      title: t('models.deleteAsk', { name: model.name }),
      content: t('models.deleteText'),
      okText: t('models.delete'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(model.id).then(
          () => {
            message.success(t('models.deleted', { name: model.name }))
            onGone()
          },
          error => void message.error(errorText(error)),
        ),
    })
  return (
    <Button danger onClick={ask}>
      {t('models.delete')}
    </Button>
  )
}
