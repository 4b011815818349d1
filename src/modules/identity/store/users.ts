import { type Kysely, type Selectable, sql, type Updateable } from 'kysely'
import type { UserCard } from '../contract.ts'
import type { IdentityTables } from '../tables.ts'

type Db = Kysely<IdentityTables>
export type UserRow = Selectable<IdentityTables['identity_user']>
export type UserChanges = Omit<Updateable<IdentityTables['identity_user']>, 'id'>

export type NewUser = {
  id: string
  username: string
  username_key: string
  email: string | null
  phone: string | null
  password_hash: string | null
  display_name: string
  locale: 'zh-CN' | 'en'
  time_zone: string
  roles: string[]
}

const present = (db: Db) => db.selectFrom('identity_user').where('deleted_at', 'is', null)

/** False, and nothing changed, when the username, e-mail address or phone number is taken. */
export async function insertUser(db: Db, user: NewUser): Promise<boolean> {
  const result = await db
    .insertInto('identity_user')
    .values({ ...user, profile: '{}', preferences: '{}' })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

export const findUser = (db: Db, id: string): Promise<UserRow | undefined> =>
  present(db).selectAll().where('id', '=', id).executeTakeFirst()

/** The row stays locked until the transaction ends. */
export const lockUser = (db: Db, id: string): Promise<UserRow | undefined> =>
  present(db).selectAll().where('id', '=', id).forUpdate().executeTakeFirst()

export const findUserBy = (
  db: Db,
  column: 'username_key' | 'email' | 'phone',
  value: string,
): Promise<UserRow | undefined> => present(db).selectAll().where(column, '=', value).executeTakeFirst()

export async function updateUser(db: Db, id: string, changes: UserChanges): Promise<UserRow | undefined> {
  return db
    .updateTable('identity_user')
    .set({ ...changes, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .returningAll()
    .executeTakeFirst()
}

export async function anyUserExists(db: Db): Promise<boolean> {
  return (await db.selectFrom('identity_user').select('id').limit(1).executeTakeFirst()) !== undefined
}

export type UserFilter = { q?: string; role?: string; is_active?: boolean }

/** Newest first. `q` is looked for anywhere in the names and addresses, which reads every user: for administrators. */
export function listUsers(
  db: Db,
  filter: UserFilter,
  beforeId: string | null,
  limit: number,
): Promise<UserRow[]> {
  let query = present(db).selectAll().orderBy('id', 'desc').limit(limit)
  if (beforeId !== null) query = query.where('id', '<', beforeId)
  if (filter.role !== undefined) query = query.where(sql<boolean>`roles @> ${[filter.role]}::text[]`)
  if (filter.is_active !== undefined) query = query.where('is_active', '=', filter.is_active)
  if (filter.q) {
    const pattern = `%${filter.q.replace(/[\\%_]/g, sign => `\\${sign}`)}%`
    query = query.where(eb =>
      eb.or(
        (['username', 'display_name', 'email', 'phone'] as const).map(column => eb(column, 'ilike', pattern)),
      ),
    )
  }
  return query.execute()
}

export async function userCards(db: Db, ids: readonly string[]): Promise<UserCard[]> {
  if (ids.length === 0) return []
  const rows = await db.selectFrom('identity_user').selectAll().where('id', 'in', ids).execute()
  return rows.map(row => ({
    id: row.id,
    username: row.username,
    display_name: row.display_name,
    avatar_url: avatarUrl(row),
    is_active: row.is_active,
    is_vip: row.is_vip,
    locale: row.locale,
    time_zone: row.time_zone,
    email: row.email,
    city: row.profile.city ?? null,
  }))
}

/** Carries the file's name, so that a new picture is a new address and may be kept by browsers. */
export const avatarUrl = ({ id, avatar_key }: Pick<UserRow, 'id' | 'avatar_key'>): string | null =>
  avatar_key === null ? null : `/api/v1/users/${id}/avatar?v=${avatar_key.slice(-8)}`

export async function userIdsWithRole(db: Db, role: string, limit: number): Promise<string[]> {
  const rows = await present(db)
    .select('id')
    .where('is_active', '=', true)
    .where(sql<boolean>`roles @> ${[role]}::text[]`)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(row => row.id)
}

export async function userIdsWithPermission(db: Db, permission: string, limit: number): Promise<string[]> {
  const rows = await present(db)
    .select('id')
    .where('is_active', '=', true)
    .where(
      sql<boolean>`('super_admin' = ANY (roles) OR EXISTS (
        SELECT FROM identity_role r WHERE r.name = ANY (roles) AND ${permission} = ANY (r.permissions)))`,
    )
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(row => row.id)
}

/** Those marked as VIP, in order of their ids. */
export async function vipUserIds(db: Db, afterId: string | null, limit: number): Promise<string[]> {
  let query = present(db).select('id').where('is_vip', '=', true).orderBy('id').limit(limit)
  if (afterId !== null) query = query.where('id', '>', afterId)
  return (await query.execute()).map(row => row.id)
}

/** Who was made first among the active super_admins. */
export const firstSuperAdmin = (db: Db): Promise<UserRow | undefined> =>
  present(db)
    .selectAll()
    .where('is_active', '=', true)
    .where(sql<boolean>`roles @> '{super_admin}'`)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()

/** True when another active super_admin remains; their rows stay locked, so that two cannot leave at once. */
export async function anotherSuperAdminRemains(db: Db, exceptId: string): Promise<boolean> {
  const rows = await present(db)
    .select('id')
    .where('is_active', '=', true)
    .where(sql<boolean>`roles @> '{super_admin}'`)
    .orderBy('id')
    .forUpdate()
    .execute()
  return rows.some(row => row.id !== exceptId)
}

/** Erases what is personal and keeps the row, so that what the user left behind still names somebody. */
export async function eraseUser(db: Db, id: string): Promise<void> {
  const name = `deleted-${id}`
  await db
    .updateTable('identity_user')
    .set({
      username: name,
      username_key: name,
      display_name: '',
      email: null,
      email_verified_at: null,
      phone: null,
      password_hash: null,
      avatar_key: null,
      is_active: false,
      is_vip: false,
      roles: [],
      profile: '{}',
      preferences: '{}',
      last_sign_in_at: null,
      deleted_at: sql`now()`,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .execute()
  for (const table of ['identity_session', 'identity_api_token', 'identity_one_time_token'] as const)
    await db.deleteFrom(table).where('user_id', '=', id).execute()
  await db.updateTable('identity_sign_in').set({ ip: '', user_agent: '' }).where('user_id', '=', id).execute()
}
