import { Alert, Tabs, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useUser } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { User } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { CopyButton } from '#ui/copy.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../admin.module.css'
import { useRoleName } from '../role-name.ts'
import { UserActions } from './user-actions.tsx'
import { UserBillingForm } from './user-billing.tsx'
import { UserEdit } from './user-edit.tsx'
import { UserSignIns } from './user-sign-ins.tsx'
import { UserState } from './user-state.tsx'

/** A person beside the list: details, plan and quotas, sign-ins. */
export function UserPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('admin')
  return (
    <Panel isOpen={id !== undefined} onClose={onClose} title={t('users.panel')}>
      {id && <Content id={id} onGone={onClose} />}
    </Panel>
  )
}

function Content({ id, onGone }: { id: string; onGone: () => void }) {
  const { t } = useTranslation('admin')
  const can = useCan()
  const address = useAddress()
  const user = useUser(id)
  if (user.isPending) return <FormSkeleton />
  if (!user.data) return <ErrorState error={user.error} onRetry={() => user.refetch()} />
  const mayManage = can('identity.users.manage')
  const tabs = [
    { key: 'detail', label: t('users.tabs.detail'), children: <Detail user={user.data} onGone={onGone} /> },
    ...(mayManage
      ? [{ key: 'edit', label: t('users.tabs.edit'), children: <UserEdit user={user.data} /> }]
      : []),
    ...(can('billing.subscriptions.manage')
      ? [{ key: 'plan', label: t('users.tabs.plan'), children: <UserBillingForm user={user.data} /> }]
      : []),
    ...(can('identity.sign_ins.read')
      ? [{ key: 'sign-ins', label: t('users.tabs.signIns'), children: <UserSignIns user={user.data} /> }]
      : []),
  ]
  return (
    <>
      <Head user={user.data} />
      <Tabs
        activeKey={address.get('tab') ?? 'detail'}
        onChange={tab => address.set({ tab: tab === 'detail' ? null : tab })}
        items={tabs}
        destroyOnHidden
      />
    </>
  )
}

function Head({ user }: { user: User }) {
  const { t } = useTranslation('admin')
  return (
    <div className={style.person}>
      <PersonAvatar name={user.display_name} url={user.avatar_url} size={48} />
      <div className={style.personText}>
        <strong>{user.display_name}</strong>
        <div className={common.tags}>
          <span className={common.muted}>@{user.username}</span>
          <UserState user={user} />
          {user.is_vip && <Tag color="warning">{t('users.vip')}</Tag>}
        </div>
      </div>
    </div>
  )
}

function Detail({ user, onGone }: { user: User; onGone: () => void }) {
  const { t } = useTranslation('admin')
  const can = useCan()
  const roleName = useRoleName()
  return (
    <>
      {!user.is_active && (
        <Alert className={common.alert ?? ''} type="warning" showIcon title={t('users.disabledText')} />
      )}
      {can('identity.users.manage') && <UserActions user={user} onGone={onGone} />}
      <Facts
        items={[
          [t('users.email'), user.email],
          [t('users.phone'), user.phone],
          [
            t('users.roles'),
            <span key="roles" className={common.tags}>
              {user.roles.map(name => (
                <Tag key={name}>{roleName(name)}</Tag>
              ))}
            </span>,
          ],
          [t('users.language'), t(`languages.${user.locale === 'en' ? 'en' : 'zh-CN'}`)],
          [t('users.timeZone'), user.time_zone],
          [
            t('users.lastSignIn'),
            user.last_sign_in_at ? (
              <Time key="seen" value={user.last_sign_in_at} style="dateTime" />
            ) : (
              t('users.never')
            ),
          ],
          [t('users.created'), <Time key="created" value={user.created_at} style="dateTime" />],
          [
            t('common.id'),
            <span key="id">
              <code>{user.id}</code> <CopyButton text={user.id} label={t('common.copyId')} />
            </span>,
          ],
        ]}
      />
    </>
  )
}
