import { PlusOutlined } from '@ant-design/icons'
import { Button, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePlans } from '#api/admin.ts'
import type { Plan } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { useEntitlementText } from '../users/entitlement-text.ts'
import { usePlanName } from './plan-name.ts'
import { PlanPanel } from './plan-panel.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const plans = usePlans()
  const columns = useColumns()
  const openId = address.get('plan')
  const all = plans.data?.items
  return (
    <Page
      title={t('plans.title')}
      description={t('plans.text')}
      back="/admin"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => address.push({ plan: 'new' })}>
          {t('plans.create')}
        </Button>
      }
    >
      {all ? (
        <>
          <DataTable
            label={t('plans.title')}
            columns={columns}
            rowKey={plan => plan.id}
            pages={{ rows: all }}
            onRowClick={plan => address.push({ plan: plan.id })}
            empty={null}
          />
          <PlanPanel openId={openId} plans={all} onOpen={plan => address.set({ plan, tab: null })} />
        </>
      ) : plans.isError ? (
        <ErrorState error={plans.error} onRetry={() => plans.refetch()} />
      ) : (
        <ListSkeleton />
      )}
    </Page>
  )
}

/** The quotas that every plan has; the rest is in the panel. */
const shown = [
  'ai.requests_per_day',
  'ai.requests_per_month',
  'ai.tokens_per_day',
  'ai.tokens_per_month',
] as const

function useColumns(): Column<Plan>[] {
  const { t } = useTranslation('admin')
  const { nameOf, textOf } = useEntitlementText()
  const planName = usePlanName()
  return [
    {
      key: 'name',
      title: t('plans.name'),
      role: 'title',
      render: plan => (
        <button type="button" className={common.nameButton} title={planName(plan)}>
          {planName(plan)}
        </button>
      ),
    },
    ...shown.map(
      (name): Column<Plan> => ({
        key: name,
        title: nameOf(name),
        align: 'right',
        render: plan => textOf(name, { ...plan.declared, ...plan.entitlements }[name] ?? null),
      }),
    ),
    { key: 'state', title: t('plans.state'), width: 110, render: plan => <PlanState plan={plan} /> },
  ]
}

export function PlanState({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  return plan.retired_at ? <Tag>{t('plans.retired')}</Tag> : <Tag color="success">{t('plans.offered')}</Tag>
}
