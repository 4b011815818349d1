import { App, Button, Form, Input, InputNumber, Select, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useGiveDays, useUsers } from '#api/admin.ts'
import { ApiError, newIdempotencyKey } from '#api/client.ts'
import type { Plan } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { useFormat } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { usePlanName } from './plan-name.ts'
import style from './plans.module.css'

type Fields = { user_id: string; days: number; reason?: string }

export function GiveDays({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const format = useFormat()
  const planName = usePlanName()
  const [form] = Form.useForm<Fields>()
  const give = useGiveDays(plan.id)
  // Kept while an answer is missing, so that a second press does not give the days twice.
  const [key, setKey] = useState(newIdempotencyKey)
  const submit = ({ user_id, days, reason }: Fields) =>
    give.mutate(
      { user_id, days, reason: reason?.trim() ?? '', key },
      {
        onSuccess: ({ plan: now, until }) => {
          const end = now === plan.id && until ? format.date(until) : null
          message.success(
            end
              ? t('plans.give.doneUntil', { plan: planName(plan), end })
              : t('plans.give.done', { plan: planName(plan) }),
          )
          form.resetFields()
          setKey(newIdempotencyKey())
        },
        onError: error => {
          showFieldErrors(form, error)
          if (!(error instanceof ApiError && error.status === 0)) setKey(newIdempotencyKey())
        },
      },
    )
  return (
    <Section title={t('plans.give.title')} description={t('plans.give.text')}>
      <Form
        form={form}
        className={style.give ?? ''}
        layout="vertical"
        onFinish={submit}
        initialValues={{ days: 30 }}
      >
        <ErrorAlert error={give.error} />
        <PersonField />
        <Form.Item label={t('plans.give.days')} required>
          <Space wrap>
            <Form.Item name="days" noStyle rules={[{ required: true, message: t('common.required') }]}>
              <InputNumber aria-label={t('plans.give.days')} min={1} max={3660} precision={0} />
            </Form.Item>
            {[7, 30, 365].map(days => (
              <Button key={days} onClick={() => form.setFieldValue('days', days)}>
                {t('common.days', { count: days })}
              </Button>
            ))}
          </Space>
        </Form.Item>
        <Form.Item label={t('plans.give.reason')} name="reason" extra={t('plans.give.reasonHint')}>
          <Input maxLength={200} autoComplete="off" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={give.isPending}>
          {t('plans.give.submit')}
        </Button>
      </Form>
    </Section>
  )
}

function PersonField() {
  const { t } = useTranslation('admin')
  const [q, setQ] = useState('')
  const users = useUsers({ is_active: true, ...(q.trim() && { q: q.trim() }) })
  return (
    <Form.Item
      label={t('plans.give.user')}
      name="user_id"
      rules={[{ required: true, message: t('plans.give.userRequired') }]}
    >
      <Select
        showSearch={{ filterOption: false, onSearch: setQ }}
        placeholder={t('plans.give.userHint')}
        loading={users.isFetching}
        notFoundContent={users.isPending ? null : t('users.empty.title')}
        options={users.data?.items.map(user => ({
          value: user.id,
          label: `${user.display_name} (@${user.username})`,
        }))}
      />
    </Form.Item>
  )
}
