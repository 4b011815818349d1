import { App, Button, Form, Input, InputNumber, Select, Space } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePlans, useSetUserBilling, useUserBilling } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { EntitlementValue, Plan, User, UserBilling } from '#api/types.ts'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { useFormat } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../admin.module.css'
import { dayAfter, dayIn, endOfDay } from '../days.ts'
import { useEntitlementText } from './entitlement-text.ts'

/** Plan, its end, and what this person may use beyond or below it. */
export function UserBillingForm({ user }: { user: User }) {
  const billing = useUserBilling(user.id)
  const mayListPlans = useCan()('billing.plans.manage')
  const plans = usePlans(mayListPlans)
  if (billing.isPending || (mayListPlans && plans.isPending)) return <FormSkeleton />
  if (!billing.data) return <ErrorState error={billing.error} onRetry={() => billing.refetch()} />
  return (
    <BillingForm
      // What was saved becomes the form's new start.
      key={JSON.stringify([billing.data.plan, billing.data.until, billing.data.overrides])}
      user={user}
      billing={billing.data}
      plans={plans.data?.items ?? []}
    />
  )
}

/** `plan`: as the plan says; `own`: the number beside it; `unlimited`; `yes` and `no` for what is a right, not an amount. */
type Override = { mode: 'plan' | 'own' | 'unlimited' | 'yes' | 'no'; amount?: number | null }
type Fields = { plan: string; until: string; overrides: Record<string, Override> }

const toOverride = (value: EntitlementValue | undefined, scale: number): Override => {
  if (value === undefined) return { mode: 'plan' }
  if (value === null) return { mode: 'unlimited' }
  if (typeof value === 'boolean') return { mode: value ? 'yes' : 'no' }
  return { mode: 'own', amount: value / scale }
}

function toValue({ mode, amount }: Override, scale: number): EntitlementValue | undefined {
  if (mode === 'unlimited') return null
  if (mode === 'yes' || mode === 'no') return mode === 'yes'
  if (mode === 'own' && typeof amount === 'number') return Math.round(amount * scale)
  return undefined
}

/** Costs are kept in millionths and typed in whole units of the currency. */
const scaleOf = (name: string) => (name.includes('_micros_') ? 1_000_000 : 1)
// Names hold dots, which antd's forms keep whole only inside an array path.
const field = (name: string, part: keyof Override) => ['overrides', name, part]

function BillingForm({ user, billing, plans }: { user: User; billing: UserBilling; plans: Plan[] }) {
  const { t, i18n } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const save = useSetUserBilling(user.id)
  const planName = (id: string) => {
    const names = plans.find(plan => plan.id === id)?.names
    return names ? names[i18n.language === 'en' ? 'en' : 'zh-CN'] : id
  }
  const names = Object.keys(billing.entitlements)
  const submit = ({ plan, until, overrides }: Fields) =>
    save.mutate(
      {
        plan,
        until: until && plan !== 'free' ? endOfDay(until) : null,
        overrides: Object.fromEntries(
          names.flatMap(name => {
            const value = toValue(overrides[name] ?? { mode: 'plan' }, scaleOf(name))
            return value === undefined ? [] : [[name, value]]
          }),
        ),
      },
      { onSuccess: () => message.success(t('common.saved')) },
    )
  const addDays = (days: number) => {
    const from = form.getFieldValue('until') || dayIn(Date.now())
    form.setFieldValue('until', dayAfter(from, days))
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={{
        plan: billing.plan,
        until: billing.until ? dayIn(Date.parse(billing.until)) : '',
        overrides: Object.fromEntries(
          names.map(name => [name, toOverride(billing.overrides[name], scaleOf(name))]),
        ),
      }}
    >
      <ErrorAlert error={save.error} />
      <Form.Item label={t('billing.plan')} name="plan">
        <Select
          options={(plans.length > 0 ? plans.map(plan => plan.id) : [billing.plan]).map(id => ({
            value: id,
            label: planName(id),
          }))}
        />
      </Form.Item>
      <Form.Item noStyle dependencies={['plan']}>
        {({ getFieldValue }) =>
          getFieldValue('plan') !== 'free' && (
            <>
              <Form.Item label={t('billing.until')} name="until" extra={t('billing.untilHint')}>
                <Input type="date" min={dayAfter(dayIn(Date.now()), 1)} />
              </Form.Item>
              <Space wrap className={style.alert ?? ''}>
                {[7, 30, 365].map(days => (
                  <Button key={days} size="small" onClick={() => addDays(days)}>
                    {t('billing.addDays', { count: days })}
                  </Button>
                ))}
                <Button size="small" onClick={() => form.setFieldValue('until', '')}>
                  {t('billing.noEnd')}
                </Button>
              </Space>
            </>
          )
        }
      </Form.Item>
      <Section title={t('billing.overrides')} description={t('billing.overridesText')}>
        {names.map(name => (
          <OverrideField key={name} name={name} value={billing.entitlements[name] ?? null} />
        ))}
      </Section>
      <div className={style.formEnd}>
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {t('common.save')}
        </Button>
      </div>
      <History billing={billing} planName={planName} />
    </Form>
  )
}

function OverrideField({ name, value }: { name: string; value: EntitlementValue }) {
  const { t } = useTranslation('admin')
  const { nameOf, textOf } = useEntitlementText()
  const isRight = typeof value === 'boolean'
  const modes = isRight ? (['plan', 'yes', 'no'] as const) : (['plan', 'own', 'unlimited'] as const)
  return (
    <Form.Item label={nameOf(name)} extra={t('billing.now', { value: textOf(name, value) })}>
      <Space.Compact block>
        <Form.Item name={field(name, 'mode')} noStyle>
          <Select
            aria-label={nameOf(name)}
            options={modes.map(mode => ({ value: mode, label: t(`billing.modes.${mode}`) }))}
          />
        </Form.Item>
        <Form.Item noStyle shouldUpdate>
          {({ getFieldValue }) =>
            getFieldValue(field(name, 'mode')) === 'own' && (
              <Form.Item
                name={field(name, 'amount')}
                noStyle
                rules={[{ required: true, message: t('billing.amountRequired') }]}
              >
                <InputNumber
                  className={style.full ?? ''}
                  min={0}
                  aria-label={t('billing.amountOf', { name: nameOf(name) })}
                  precision={scaleOf(name) === 1 ? 0 : 2}
                />
              </Form.Item>
            )
          }
        </Form.Item>
      </Space.Compact>
    </Form.Item>
  )
}

function History({ billing, planName }: { billing: UserBilling; planName: (id: string) => string }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  if (billing.grants.length === 0 && billing.upcoming.length === 0) return null
  return (
    <Section title={t('billing.history')}>
      <Facts
        items={[
          ...billing.upcoming.map(
            period =>
              [
                format.date(period.from_at),
                t('billing.upcoming', { plan: planName(period.plan_id) }),
              ] as const,
          ),
          ...billing.grants.map(
            grant =>
              [
                format.dateTime(grant.created_at),
                <span key={grant.created_at}>
                  {t('billing.granted', { plan: planName(grant.plan_id), count: grant.days })}{' '}
                  <span className={style.muted}>{grant.reason}</span>
                </span>,
              ] as const,
          ),
        ]}
      />
    </Section>
  )
}
