import { App, Button, Form, InputNumber, Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSetSpendCap, useSpendCap } from '#api/admin.ts'
import type { SpendCap } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Money, useFormat } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from './admin.module.css'

export function Component() {
  const { t } = useTranslation('admin')
  const cap = useSpendCap()
  return (
    <Page title={t('spend.title')} description={t('spend.text')} back="/admin" width="form">
      {cap.data ? (
        <>
          <Section title={t('spend.now')}>
            <div className={style.cards}>
              <Spent
                label={t('spend.today')}
                spent={cap.data.spent_day_micros}
                cap={cap.data.day_micros}
                currency={cap.data.currency}
              />
              <Spent
                label={t('spend.month')}
                spent={cap.data.spent_month_micros}
                cap={cap.data.month_micros}
                currency={cap.data.currency}
              />
            </div>
          </Section>
          <Section title={t('spend.caps')} description={t('spend.capsText')}>
            <CapForm key={`${cap.data.day_micros} ${cap.data.month_micros}`} cap={cap.data} />
          </Section>
        </>
      ) : cap.isError ? (
        <ErrorState error={cap.error} onRetry={() => cap.refetch()} />
      ) : (
        <FormSkeleton fields={3} />
      )}
    </Page>
  )
}

function Spent({
  label,
  spent,
  cap,
  currency,
}: {
  label: string
  spent: number
  cap: number | null
  currency: string
}) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const fraction = cap === null ? 0 : cap === 0 ? 1 : spent / cap
  return (
    <div className={style.card}>
      <h3 className={style.cardLabel}>{label}</h3>
      <div className={style.figure}>
        <Money micros={spent} currency={currency} />
      </div>
      {cap === null ? (
        <div className={common.small}>{t('spend.noCap')}</div>
      ) : (
        <>
          <Progress
            aria-label={label}
            percent={Math.min(100, Math.round(fraction * 100))}
            status={fraction >= 1 ? 'exception' : 'normal'}
            showInfo={false}
          />
          <div className={fraction >= 1 ? common.bad : common.small}>
            {t(fraction >= 1 ? 'spend.reached' : 'spend.ofCap', {
              cap: format.money(cap, currency),
              share: format.percent(fraction),
            })}
          </div>
        </>
      )}
    </div>
  )
}

type Fields = { day: number | null; month: number | null }
const toMicros = (units: number | null | undefined) =>
  typeof units === 'number' ? Math.round(units * 1_000_000) : null

function CapForm({ cap }: { cap: SpendCap }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const save = useSetSpendCap()
  const toUnits = (micros: number | null) => (micros === null ? null : micros / 1_000_000)
  const submit = ({ day, month }: Fields) =>
    save.mutate(
      { day_micros: toMicros(day), month_micros: toMicros(month) },
      { onSuccess: () => message.success(t('common.saved')) },
    )
  const symbol = cap.currency === 'CNY' ? '¥' : cap.currency === 'USD' ? '$' : cap.currency
  return (
    <Form
      layout="vertical"
      onFinish={submit}
      initialValues={{ day: toUnits(cap.day_micros), month: toUnits(cap.month_micros) }}
    >
      <ErrorAlert error={save.error} />
      <div className={common.row}>
        {(['day', 'month'] as const).map(period => (
          <Form.Item key={period} label={t(`spend.per.${period}`)} name={period} extra={t('spend.emptyHint')}>
            <InputNumber
              className={common.full ?? ''}
              prefix={symbol}
              min={0}
              max={100_000_000}
              precision={2}
            />
          </Form.Item>
        ))}
      </div>
      <Button type="primary" htmlType="submit" loading={save.isPending}>
        {t('common.save')}
      </Button>
    </Form>
  )
}
