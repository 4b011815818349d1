import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { usePlanSubscribers } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { Plan, PlanSubscriber } from '#api/types.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { GiveDays } from './give-days.tsx'
import style from './plans.module.css'

/** Who is on a plan, and putting somebody on it for some days. */
export function PlanPeople({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  const mayFind = useCan()('identity.users.read')
  if (plan.id === 'free')
    return <EmptyState title={t('plans.people.free')} description={t('plans.people.freeText')} />
  return (
    <>
      {plan.retired_at ? (
        <Alert className={style.give ?? ''} type="info" showIcon title={t('plans.people.retired')} />
      ) : (
        mayFind && <GiveDays plan={plan} />
      )}
      <Subscribers plan={plan} />
    </>
  )
}

function Subscribers({ plan }: { plan: Plan }) {
  const { t } = useTranslation('admin')
  const columns: Column<PlanSubscriber>[] = [
    {
      key: 'name',
      title: t('users.name'),
      role: 'title',
      render: person => (
        <span className={style.person}>
          <PersonAvatar name={person.display_name} url={person.avatar_url} />
          <span className={style.personText}>
            <Link to={`/admin/users?user=${person.user_id}&tab=plan`} title={person.display_name}>
              {person.display_name}
            </Link>
            <span className={common.muted}>@{person.username}</span>
          </span>
        </span>
      ),
    },
    {
      key: 'until',
      title: t('billing.until'),
      width: 140,
      render: person =>
        person.until ? <Time value={person.until} style="date" /> : <span>{t('billing.noEnd')}</span>,
    },
  ]
  return (
    <DataTable
      label={t('plans.tabs.people')}
      columns={columns}
      rowKey={person => person.user_id}
      pages={usePlanSubscribers(plan.id)}
      empty={<EmptyState title={t('plans.people.nobody')} description={t('plans.people.nobodyText')} />}
    />
  )
}
