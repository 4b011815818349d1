import { PlusOutlined, TeamOutlined } from '@ant-design/icons'
import { Button, Select, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useRoles, useUsers } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { User } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import style from '../admin.module.css'
import { useRoleName } from '../role-name.ts'
import { CreateUser } from './create-user.tsx'
import { UserPanel } from './user-panel.tsx'
import { UserState } from './user-state.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const can = useCan()
  const address = useAddress()
  const [isCreating, setCreating] = useState(false)
  const open = (id: string | null) => address.push({ user: id, tab: null })
  return (
    <Page
      title={t('users.title')}
      back="/admin"
      action={
        can('identity.users.manage') && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
            {t('users.create')}
          </Button>
        )
      }
      filters={<Filters />}
    >
      <UserList onOpen={open} />
      <UserPanel id={address.get('user')} onClose={() => open(null)} />
      <CreateUser isOpen={isCreating} onClose={() => setCreating(false)} onCreated={user => open(user.id)} />
    </Page>
  )
}

function Filters() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const roles = useRoles(useCan()('identity.roles.read'))
  const roleName = useRoleName()
  return (
    <>
      <SearchBox
        label={t('users.search')}
        value={address.get('q') ?? ''}
        onChange={q => address.set({ q })}
      />
      {roles.data && (
        <Select
          className={common.filter ?? ''}
          aria-label={t('users.role')}
          value={address.get('role') ?? ''}
          onChange={role => address.set({ role })}
          options={[
            { value: '', label: t('users.anyRole') },
            ...roles.data.items.map(role => ({ value: role.name, label: roleName(role.name) })),
          ]}
        />
      )}
      <Select
        className={common.filter ?? ''}
        aria-label={t('users.state')}
        value={address.get('active') ?? ''}
        onChange={active => address.set({ active })}
        options={[
          { value: '', label: t('users.anyState') },
          { value: 'yes', label: t('users.active') },
          { value: 'no', label: t('users.disabled') },
        ]}
      />
    </>
  )
}

function UserList({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useTranslation('admin')
  const roleName = useRoleName()
  const address = useAddress()
  const [q, role, active] = [address.get('q'), address.get('role'), address.get('active')]
  const pages = useUsers({
    ...(q && { q }),
    ...(role && { role }),
    ...(active && { is_active: active === 'yes' }),
  })
  const columns: Column<User>[] = [
    {
      key: 'name',
      title: t('users.name'),
      role: 'title',
      render: user => (
        <span className={style.person}>
          <PersonAvatar name={user.display_name} url={user.avatar_url} />
          <span className={style.personText}>
            <button type="button" className={common.nameButton} title={user.display_name}>
              {user.display_name}
            </button>
            <span className={`${common.small} ${common.ellipsis}`}>@{user.username}</span>
          </span>
        </span>
      ),
    },
    {
      key: 'email',
      title: t('users.email'),
      render: user => (
        <span className={common.ellipsis} title={user.email ?? undefined}>
          {user.email ?? '–'}
        </span>
      ),
    },
    {
      key: 'roles',
      title: t('users.roles'),
      width: 180,
      render: user => (
        <span className={common.tags}>
          {user.roles.map(name => (
            <Tag key={name}>{roleName(name)}</Tag>
          ))}
          {user.is_vip && <Tag color="warning">{t('users.vip')}</Tag>}
        </span>
      ),
    },
    { key: 'state', title: t('users.state'), width: 100, render: user => <UserState user={user} /> },
    {
      key: 'seen',
      title: t('users.lastSignIn'),
      width: 130,
      render: user => (user.last_sign_in_at ? <Time value={user.last_sign_in_at} /> : t('users.never')),
    },
    {
      key: 'created',
      title: t('users.created'),
      width: 130,
      render: user => <Time value={user.created_at} />,
    },
  ]
  return (
    <DataTable
      label={t('users.title')}
      columns={columns}
      rowKey={user => user.id}
      pages={pages}
      onRowClick={user => onOpen(user.id)}
      empty={
        <EmptyState
          icon={<TeamOutlined />}
          title={t('users.empty.title')}
          description={t('users.empty.text')}
          action={
            <Button onClick={() => address.set({ q: null, role: null, active: null })}>
              {t('common.clearFilters')}
            </Button>
          }
        />
      }
    />
  )
}
