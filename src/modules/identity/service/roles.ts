import type { Actor } from '#core/http/route.ts'
import type { PermissionDefinition } from '#core/module.ts'
import type { Deps } from '../deps.ts'
import { beyondOwnPower, permissionUnknown, roleFixed, roleNotFound, roleUnknown } from '../errors.ts'
import { addPermissions, listPermissions, listRoles, setRolePermissions } from '../store/roles.ts'

export type Roles = ReturnType<typeof createRoles>

/**
 * Roles are sets of permissions. One rule keeps administrators from raising themselves: nobody gives, takes, or
 * reaches through another account, a permission that he does not have.
 */
export function createRoles({ db, actors }: Pick<Deps, 'db' | 'actors'>) {
  return {
    list: async () => ({ items: await listRoles(db.primary) }),

    permissions: async () => ({ items: (await listPermissions(db.primary)).map(name => ({ name })) }),

    /** @throws AppError `role.not_found`, `role.fixed`, `permission.unknown`, `auth.beyond_own_power` */
    async setPermissions(actor: Actor, name: string, permissions: readonly string[]) {
      const changed = await db.transaction(async tx => {
        const role = (await listRoles(tx)).find(candidate => candidate.name === name)
        if (!role) throw roleNotFound({ role: name })
        if (name === 'super_admin') throw roleFixed()
        const known = new Set(await listPermissions(tx))
        for (const permission of permissions)
          if (!known.has(permission)) throw permissionUnknown({ permission })
        assertOwn(actor, inOneOnly(role.permissions, permissions))
        const sorted = [...new Set(permissions)].sort()
        await setRolePermissions(tx, name, sorted)
        return { name, permissions: sorted }
      })
      await actors.forgetRoles()
      return changed
    },

    /**
     * That the actor may hand out these roles, or manage an account that has them. What every plain user may do
     * anyway does not count.
     * @throws AppError `role.unknown`, `auth.beyond_own_power`
     */
    async assertWithinPower(actor: Actor, names: readonly string[]): Promise<void> {
      const roles = new Map((await listRoles(db.primary)).map(role => [role.name, role.permissions]))
      const plain = new Set(roles.get('user'))
      for (const role of names) {
        const permissions = roles.get(role)
        if (!permissions) throw roleUnknown({ role })
        if (role === 'super_admin' && !actor.roles.includes(role)) throw beyondOwnPower({ permission: role })
        assertOwn(
          actor,
          permissions.filter(permission => !plain.has(permission)),
        )
      }
    },

    async sync(definitions: readonly PermissionDefinition[]): Promise<void> {
      const changed = await db.transaction(tx => addPermissions(tx, definitions))
      if (changed) await actors.forgetRoles()
    },
  }
}

function assertOwn(actor: Actor, permissions: Iterable<string>) {
  for (const permission of permissions)
    if (!actor.permissions.has(permission)) throw beyondOwnPower({ permission })
}

/** What is being given or taken when one list replaces the other. */
export const inOneOnly = (before: readonly string[], after: readonly string[]): string[] => [
  ...before.filter(item => !after.includes(item)),
  ...after.filter(item => !before.includes(item)),
]
