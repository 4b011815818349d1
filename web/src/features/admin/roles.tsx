import { App, Button, Checkbox, Tabs } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePermissions, useRoles, useSetRole } from '#api/admin.ts'
import { useCan, useMe } from '#api/me.ts'
import type { Role } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Page, Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from './admin.module.css'
import { usePermissionText } from './permission-text.ts'
import { useRoleName } from './role-name.ts'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const roleName = useRoleName()
  const roles = useRoles()
  const permissions = usePermissions()
  const error = roles.error ?? permissions.error
  const again = () => Promise.all([roles.refetch(), permissions.refetch()])
  const first = roles.data?.items.find(role => role.name !== 'super_admin')?.name
  return (
    <Page title={t('roles.title')} description={t('roles.text')} back="/admin">
      {roles.data && permissions.data ? (
        <Tabs
          activeKey={address.get('role') ?? first ?? ''}
          onChange={role => address.set({ role })}
          destroyOnHidden
          items={roles.data.items.map(role => ({
            key: role.name,
            label: roleName(role.name),
            children: (
              <RolePermissions
                key={role.permissions.join()}
                role={role}
                all={permissions.data.items.map(({ name }) => name)}
              />
            ),
          }))}
        />
      ) : error ? (
        <ErrorState error={error} onRetry={again} />
      ) : (
        <ListSkeleton />
      )}
    </Page>
  )
}

function RolePermissions({ role, all }: { role: Role; all: string[] }) {
  const { t } = useTranslation('admin')
  const roleName = useRoleName()
  const { message } = App.useApp()
  const mine = useMe().permissions
  const save = useSetRole()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(role.permissions))
  const can = useCan()
  const isFixed = role.name === 'super_admin' || !can('identity.roles.manage')
  const changes = all.filter(name => chosen.has(name) !== role.permissions.includes(name)).length
  const toggle = (name: string) => {
    const next = new Set(chosen)
    if (!next.delete(name)) next.add(name)
    setChosen(next)
  }
  const submit = () =>
    save.mutate(
      { name: role.name, permissions: all.filter(name => chosen.has(name)) },
      { onSuccess: () => message.success(t('roles.saved', { role: roleName(role.name) })) },
    )
  const modules = [...Map.groupBy(all, name => name.split('.')[0] ?? name)]
  return (
    <>
      {isFixed && (
        <p className={common.text}>{t(role.name === 'super_admin' ? 'roles.fixed' : 'roles.readOnly')}</p>
      )}
      {modules.map(([module, names]) => (
        <ModulePermissions
          key={module}
          module={module}
          names={names}
          chosen={chosen}
          isDisabled={name => isFixed || !mine.includes(name)}
          onToggle={toggle}
        />
      ))}
      {!isFixed && (
        <div className={style.saveBar}>
          <div className={common.full}>
            <ErrorAlert error={save.error} />
          </div>
          <Button type="primary" loading={save.isPending} disabled={changes === 0} onClick={submit}>
            {t('common.save')}
          </Button>
          <Button disabled={changes === 0} onClick={() => setChosen(new Set(role.permissions))}>
            {t('common.reset')}
          </Button>
          {changes > 0 && <span className={common.muted}>{t('roles.changes', { count: changes })}</span>}
        </div>
      )}
    </>
  )
}

function ModulePermissions({
  module,
  names,
  chosen,
  isDisabled,
  onToggle,
}: {
  module: string
  names: string[]
  chosen: ReadonlySet<string>
  isDisabled: (name: string) => boolean
  onToggle: (name: string) => void
}) {
  const { moduleName, permissionName } = usePermissionText()
  return (
    <Section title={moduleName(module)}>
      <div className={style.permissions}>
        {names.map(name => (
          <Checkbox
            key={name}
            className={style.permission ?? ''}
            checked={chosen.has(name)}
            disabled={isDisabled(name)}
            onChange={() => onToggle(name)}
          >
            {permissionName(name)}
            <code>{name}</code>
          </Checkbox>
        ))}
      </div>
    </Section>
  )
}
