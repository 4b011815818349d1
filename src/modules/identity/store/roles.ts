import { type Kysely, sql } from 'kysely'
import type { PermissionDefinition } from '#core/module.ts'
import type { IdentityTables } from '../tables.ts'

type Db = Kysely<IdentityTables>

export type RoleRow = { name: string; permissions: string[] }

/** In order of power. super_admin has every permission, whatever its row says. */
export async function listRoles(db: Db): Promise<RoleRow[]> {
  const { rows } = await sql<RoleRow>`
    SELECT name, CASE WHEN name = 'super_admin'
      THEN ARRAY(SELECT p.name FROM identity_permission p ORDER BY 1)
      ELSE ARRAY(SELECT unnest(permissions) ORDER BY 1) END AS permissions
    FROM identity_role ORDER BY position`.execute(db)
  return rows
}

export async function listPermissions(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('identity_permission').select('name').orderBy('name').execute()
  return rows.map(row => row.name)
}

export const setRolePermissions = (db: Db, name: string, permissions: readonly string[]) =>
  db
    .updateTable('identity_role')
    .set({ permissions: [...permissions] })
    .where('name', '=', name)
    .execute()

/** Gives permissions that were never seen before to their default roles. True when there were any. */
export async function addPermissions(db: Db, definitions: readonly PermissionDefinition[]): Promise<boolean> {
  const rolesOf = new Map(definitions.map(({ name, roles }) => [name, roles]))
  if (rolesOf.size === 0) return false
  const added = await db
    .insertInto('identity_permission')
    .values([...rolesOf.keys()].map(name => ({ name })))
    .onConflict(conflict => conflict.doNothing())
    .returning('name')
    .execute()
  for (const { name } of added) {
    const roles = rolesOf.get(name) ?? []
    if (roles.length === 0) continue
    await db
      .updateTable('identity_role')
      .set({ permissions: sql`array_append(permissions, ${name})` })
      .where('name', 'in', roles)
      .execute()
  }
  return added.length > 0
}

export async function readSetting(db: Db, name: string): Promise<string | null> {
  const row = await db
    .selectFrom('identity_setting')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value ?? null
}

export const writeSetting = (db: Db, name: string, value: string, updated_by: string) =>
  db
    .insertInto('identity_setting')
    .values({ name, value, updated_by })
    .onConflict(conflict =>
      conflict.column('name').doUpdateSet({ value, updated_by, updated_at: sql`now()` }),
    )
    .execute()
