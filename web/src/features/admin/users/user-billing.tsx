import { App, Button, Form, Input, Select, Space } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePlans, useSetUserBilling, useUserBilling } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { EntitlementValue, Plan, User, UserBilling } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { useFormat } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { dayAfter, dayIn, endOfDay } from '../days.ts'
import {
  EntitlementField,
  type EntitlementSettings,
  toEntitlements,
  toSettings,
} from '../plans/entitlement-field.tsx'
import { usePlanName } from '../plans/plan-name.ts'
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

type Fields = { plan: string; until: string; overrides: EntitlementSettings }

function BillingForm({ user, billing, plans }: { user: User; billing: UserBilling; plans: Plan[] }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const save = useSetUserBilling(user.id)
  const nameOf = usePlanName()
  const planName = (id: string) => {
    const plan = plans.find(each => each.id === id)
    return plan ? nameOf(plan) : id
  }
  const offered = plans.filter(plan => plan.retired_at === null || plan.id === billing.plan)
  const names = Object.keys(billing.entitlements)
  const submit = ({ plan, until, overrides }: Fields) =>
    save.mutate(
      {
        plan,
        until: until && plan !== 'free' ? endOfDay(until) : null,
        overrides: toEntitlements(overrides),
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
        overrides: toSettings(names, billing.overrides),
      }}
    >
      <ErrorAlert error={save.error} />
      <Form.Item label={t('billing.plan')} name="plan">
        <Select
          options={(offered.length > 0 ? offered.map(plan => plan.id) : [billing.plan]).map(id => ({
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
              <Space wrap className={common.alert ?? ''}>
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
      <div className={common.formEnd}>
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
  const { textOf } = useEntitlementText()
  return (
    <EntitlementField
      field="overrides"
      name={name}
      isRight={typeof value === 'boolean'}
      inherit={t('billing.modes.plan')}
      extra={t('billing.now', { value: textOf(name, value) })}
    />
  )
}

function History({ billing, planName }: { billing: UserBilling; planName: (id: string) => string }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  // What was given by no person carries a note of the program's.
  const reasonText = ({ reason, granted_by_name }: UserBilling['grants'][number]) => {
    if (granted_by_name !== null) return reason
    if (reason === 'achievement') return t('billing.forAchievement')
    const [, card] = /^card: (.*)$/s.exec(reason) ?? []
    return card === undefined ? reason : t('billing.forCard', { name: card })
  }
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
                  <span className={common.muted}>
                    {[
                      grant.granted_by_name,
                      reasonText(grant),
                      grant.taken_back_at && t('billing.takenBack', { at: format.date(grant.taken_back_at) }),
                    ]
                      .filter(Boolean)
                      .join(' · ')}
                  </span>
                </span>,
              ] as const,
          ),
        ]}
      />
    </Section>
  )
}
