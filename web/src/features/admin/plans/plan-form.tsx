import { App, Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCreatePlan, useSavePlan } from '#api/admin.ts'
import type { Entitlements, Plan } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Section } from '#ui/page.tsx'
import { useEntitlementText } from '../users/entitlement-text.ts'
import {
  EntitlementField,
  type EntitlementSettings,
  toEntitlements,
  toSettings,
} from './entitlement-field.tsx'
import { usePlanName } from './plan-name.ts'
import style from './plans.module.css'

type Fields = { id: string; names: Plan['names']; entitlements: EntitlementSettings }

/** The quotas of a plan; `declared` is what holds where none is set. */
export function PlanForm({
  plan,
  declared,
  onCreated,
}: {
  plan: Plan | undefined
  declared: Entitlements
  onCreated?: (plan: Plan) => void
}) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const create = useCreatePlan()
  const save = useSavePlan()
  const names = Object.keys(declared)
  const submit = ({ id, ...fields }: Fields) => {
    const input = { names: fields.names, entitlements: toEntitlements(fields.entitlements) }
    const onError = (error: unknown) => showFieldErrors(form, error)
    const onSuccess = (saved: Plan) => {
      message.success(t('common.saved'))
      onCreated?.(saved)
    }
    if (plan) {
      save.mutate({ id: plan.id, ...input, is_retired: plan.retired_at !== null }, { onSuccess, onError })
    } else create.mutate({ id, ...input }, { onSuccess, onError })
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={{
        names: plan?.names ?? { 'zh-CN': '', en: '' },
        entitlements: toSettings(names, plan?.entitlements ?? {}),
      }}
    >
      <ErrorAlert error={create.error ?? save.error} />
      <Names isNew={plan === undefined} />
      <Section title={t('plans.quotas')} description={t('plans.quotasText')}>
        {names.map(name => (
          <Quota key={name} name={name} declared={declared} />
        ))}
      </Section>
      <div className={style.end}>
        <Button type="primary" htmlType="submit" loading={create.isPending || save.isPending}>
          {t(plan ? 'common.save' : 'plans.create')}
        </Button>
        {plan && plan.id !== 'free' && <RetireButton plan={plan} />}
      </div>
    </Form>
  )
}

function Names({ isNew }: { isNew: boolean }) {
  const { t } = useTranslation('admin')
  const required = { required: true, whitespace: true, message: t('common.required') }
  return (
    <>
      {isNew && (
        <Form.Item
          label={t('plans.id')}
          name="id"
          extra={t('plans.idHint')}
          rules={[required, { pattern: /^[a-z][a-z0-9_]{0,39}$/, message: t('plans.idInvalid') }]}
          validateTrigger="onBlur"
        >
          <Input maxLength={40} autoComplete="off" autoCapitalize="off" spellCheck={false} />
        </Form.Item>
      )}
      <div className={common.row}>
        <Form.Item label={t('plans.nameZh')} name={['names', 'zh-CN']} rules={[required]}>
          <Input maxLength={50} autoComplete="off" />
        </Form.Item>
        <Form.Item label={t('plans.nameEn')} name={['names', 'en']} rules={[required]}>
          <Input maxLength={50} autoComplete="off" />
        </Form.Item>
      </div>
    </>
  )
}

function Quota({ name, declared }: { name: string; declared: Entitlements }) {
  const { t } = useTranslation('admin')
  const { textOf } = useEntitlementText()
  const value = declared[name] ?? null
  return (
    <EntitlementField
      field="entitlements"
      name={name}
      isRight={typeof value === 'boolean'}
      inherit={t('plans.byDefault')}
      extra={t('plans.default', { value: textOf(name, value) })}
    />
  )
}

function RetireButton({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const planName = usePlanName()
  const save = useSavePlan()
  const name = planName(plan)
  const set = (is_retired: boolean) => {
    const { id, names, entitlements } = plan
    return save.mutateAsync({ id, names, entitlements, is_retired }).then(
      () => message.success(t(is_retired ? 'plans.retiredDone' : 'plans.restored', { name })),
      error => void message.error(errorText(error)),
    )
  }
  const ask = () =>
    modal.confirm({
      title: t('plans.retireAsk', { name }),
      content: t('plans.retireText'),
      okText: t('plans.retire'),
      okButtonProps: { danger: true },
      onOk: () => set(true),
    })
  return plan.retired_at ? (
    <Button loading={save.isPending} onClick={() => set(false)}>
      {t('plans.restore')}
    </Button>
  ) : (
    <Button danger onClick={ask}>
      {t('plans.retire')}
    </Button>
  )
}
