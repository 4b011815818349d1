import { type Kysely, type Selectable, sql } from 'kysely'
import type { OrganisationRole } from '../contract.ts'
import type { IdentityTables } from '../tables.ts'

type Db = Kysely<IdentityTables>
export type OrganisationRow = Selectable<IdentityTables['identity_organisation']>

export const insertOrganisation = (db: Db, row: { id: string; name: string; created_by: string }) =>
  db.insertInto('identity_organisation').values(row).returningAll().executeTakeFirstOrThrow()

export const findOrganisation = (db: Db, id: string): Promise<OrganisationRow | undefined> =>
  db.selectFrom('identity_organisation').selectAll().where('id', '=', id).executeTakeFirst()

/** Changes of membership take turns: the row stays locked until the transaction ends. */
export const lockOrganisation = (db: Db, id: string): Promise<OrganisationRow | undefined> =>
  db.selectFrom('identity_organisation').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()

export const renameOrganisation = (db: Db, id: string, name: string) =>
  db.updateTable('identity_organisation').set({ name, updated_at: sql`now()` }).where('id', '=', id).execute()

export const deleteOrganisation = (db: Db, id: string) =>
  db.deleteFrom('identity_organisation').where('id', '=', id).execute()

export const organisationsOf = (db: Db, userId: string) =>
  db
    .selectFrom('identity_member as m')
    .innerJoin('identity_organisation as o', 'o.id', 'm.organisation_id')
    .select(['o.id', 'o.name', 'm.role'])
    .where('m.user_id', '=', userId)
    .orderBy('m.created_at')
    .execute()

export const listOrganisations = (db: Db, userId: string | null, beforeId: string | null, limit: number) => {
  let query = db.selectFrom('identity_organisation as o').selectAll('o').orderBy('o.id', 'desc').limit(limit)
  if (beforeId !== null) query = query.where('o.id', '<', beforeId)
  if (userId !== null)
    query = query.where('o.id', 'in', eb =>
      eb.selectFrom('identity_member').select('organisation_id').where('user_id', '=', userId),
    )
  return query.execute()
}

export async function memberRole(
  db: Db,
  organisationId: string,
  userId: string,
): Promise<OrganisationRole | null> {
  const row = await db
    .selectFrom('identity_member')
    .select('role')
    .where('organisation_id', '=', organisationId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row?.role ?? null
}

export async function addMember(
  db: Db,
  organisationId: string,
  userId: string,
  role: OrganisationRole,
): Promise<void> {
  await db
    .insertInto('identity_member')
    .values({ organisation_id: organisationId, user_id: userId, role })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

export const setMemberRole = (db: Db, organisationId: string, userId: string, role: OrganisationRole) =>
  db
    .updateTable('identity_member')
    .set({ role })
    .where('organisation_id', '=', organisationId)
    .where('user_id', '=', userId)
    .execute()

export const deleteMember = (db: Db, organisationId: string, userId: string) =>
  db
    .deleteFrom('identity_member')
    .where('organisation_id', '=', organisationId)
    .where('user_id', '=', userId)
    .execute()

/** Owners first, then by how long they have been there. */
export async function listMembers(db: Db, organisationId: string, after: MemberKey | null, limit: number) {
  const rank = sql<number>`array_position(ARRAY['owner', 'admin', 'member'], m.role)`
  let query = db
    .selectFrom('identity_member as m')
    .innerJoin('identity_user as u', 'u.id', 'm.user_id')
    .select(['m.user_id', 'u.username', 'u.display_name', 'u.avatar_key', 'm.role', 'm.created_at'])
    .select(rank.as('rank'))
    .where('m.organisation_id', '=', organisationId)
    .orderBy(rank)
    .orderBy('m.created_at')
    .orderBy('m.user_id')
    .limit(limit)
  if (after)
    query = query.where(
      sql<boolean>`(${rank}, m.created_at, m.user_id) > (${after[0]}, ${after[1]}::timestamptz, ${after[2]}::uuid)`,
    )
  return query.execute()
}
export type MemberKey = [rank: number, created_at: string, user_id: string]

/** Who comes after the owner: an administrator before a member, the longer there the better. */
export async function heirOf(db: Db, organisationId: string, leavingId: string) {
  return db
    .selectFrom('identity_member')
    .select(['user_id', 'role'])
    .where('organisation_id', '=', organisationId)
    .where('user_id', '!=', leavingId)
    .orderBy(sql`array_position(ARRAY['owner', 'admin', 'member'], role)`)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst()
}

export async function ownerCount(db: Db, organisationId: string): Promise<number> {
  const row = await db
    .selectFrom('identity_member')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('organisation_id', '=', organisationId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow()
  return row.count
}

export type OrganisationInvitationRow = Selectable<IdentityTables['identity_organisation_invitation']>

export const insertOrganisationInvitation = (db: Db, row: OrganisationInvitationRow) =>
  db.insertInto('identity_organisation_invitation').values(row).execute()

export const listOrganisationInvitations = (db: Db, organisationId: string, now: string) =>
  db
    .selectFrom('identity_organisation_invitation')
    .selectAll()
    .where('organisation_id', '=', organisationId)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .limit(200)
    .execute()

export async function deleteOrganisationInvitation(
  db: Db,
  organisationId: string,
  id: string,
): Promise<boolean> {
  const result = await db
    .deleteFrom('identity_organisation_invitation')
    .where('id', '=', id)
    .where('organisation_id', '=', organisationId)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Uses the invitation up: whoever comes second gets nothing. */
export const takeOrganisationInvitation = (db: Db, hash: string, now: string) =>
  db
    .deleteFrom('identity_organisation_invitation')
    .where('token_hash', '=', hash)
    .where('expires_at', '>', now)
    .returning(['organisation_id', 'role'])
    .executeTakeFirst()
