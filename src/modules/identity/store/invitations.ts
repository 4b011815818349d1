import type { Kysely, Selectable } from 'kysely'
import type { IdentityTables } from '../tables.ts'

type Db = Kysely<IdentityTables>
export type InvitationRow = Selectable<IdentityTables['identity_invitation']>

export const insertInvitation = (db: Db, row: InvitationRow) =>
  db.insertInto('identity_invitation').values(row).execute()

export function listInvitations(db: Db, beforeId: string | null, limit: number): Promise<InvitationRow[]> {
  let query = db.selectFrom('identity_invitation').selectAll().orderBy('id', 'desc').limit(limit)
  if (beforeId !== null) query = query.where('id', '<', beforeId)
  return query.execute()
}

export async function deleteInvitation(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('identity_invitation').where('id', '=', id).executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** An invitation that can still be used. It stays locked until the transaction ends. */
export const lockInvitation = (db: Db, hash: string, now: string): Promise<InvitationRow | undefined> =>
  db
    .selectFrom('identity_invitation')
    .selectAll()
    .where('token_hash', '=', hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .forUpdate()
    .executeTakeFirst()

export const markInvitationUsed = (db: Db, id: string, used: { used_at: string; used_by: string }) =>
  db.updateTable('identity_invitation').set(used).where('id', '=', id).execute()
