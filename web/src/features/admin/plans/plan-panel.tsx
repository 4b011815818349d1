import { Tabs } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCan } from '#api/me.ts'
import type { Plan } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import { Panel } from '#ui/panel.tsx'
import { PlanForm } from './plan-form.tsx'
import { usePlanName } from './plan-name.ts'
import { PlanPeople } from './plan-people.tsx'

/** A plan beside the list: its quotas, and who is on it; or the form for a new one. */
export function PlanPanel({
  openId,
  plans,
  onOpen,
}: {
  /** `new`, the id of a plan, or nothing. */
  openId: string | undefined
  plans: readonly Plan[]
  onOpen: (id: string | null) => void
}) {
  const { t } = useTranslation('admin')
  const planName = usePlanName()
  const plan = plans.find(({ id }) => id === openId)
  const free = plans.find(({ id }) => id === 'free')
  return (
    <Panel
      isOpen={plan !== undefined || openId === 'new'}
      onClose={() => onOpen(null)}
      title={plan ? planName(plan) : t('plans.create')}
    >
      {plan ? (
        <Content plan={plan} />
      ) : (
        <PlanForm plan={undefined} declared={free?.declared ?? {}} onCreated={({ id }) => onOpen(id)} />
      )}
    </Panel>
  )
}

function Content({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const form = <PlanForm key={`${plan.id} ${plan.updated_at}`} plan={plan} declared={plan.declared} />
  if (!useCan()('billing.subscriptions.manage')) return form
  return (
    <Tabs
      activeKey={address.get('tab') ?? 'quotas'}
      onChange={tab => address.set({ tab: tab === 'quotas' ? null : tab })}
      destroyOnHidden
      items={[
        { key: 'quotas', label: t('plans.tabs.quotas'), children: form },
        { key: 'people', label: t('plans.tabs.people'), children: <PlanPeople plan={plan} /> },
      ]}
    />
  )
}
