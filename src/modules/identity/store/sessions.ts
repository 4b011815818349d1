import type { Kysely, Selectable } from 'kysely'
import type { IdentityTables, OneTimePurpose } from '../tables.ts'

type Db = Kysely<IdentityTables>
export type SessionRow = Selectable<IdentityTables['identity_session']>

export const insertSession = (db: Db, session: SessionRow) =>
  db.insertInto('identity_session').values(session).execute()

export const listSessions = (db: Db, userId: string, now: string): Promise<SessionRow[]> =>
  db
    .selectFrom('identity_session')
    .selectAll()
    .where('user_id', '=', userId)
    .where('expires_at', '>', now)
    .orderBy('last_used_at', 'desc')
    .limit(200)
    .execute()

/** True when there was one. Its refresh tokens go with it. */
export async function deleteSession(db: Db, userId: string, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('identity_session')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Returns the ids of those that ended. */
export async function deleteSessions(
  db: Db,
  userId: string,
  except: string | null = null,
): Promise<string[]> {
  let query = db.deleteFrom('identity_session').where('user_id', '=', userId)
  if (except !== null) query = query.where('id', '!=', except)
  const rows = await query.returning('id').execute()
  return rows.map(row => row.id)
}

export const insertRefreshToken = (db: Db, token: { token_hash: string; session_id: string }) =>
  db
    .insertInto('identity_refresh_token')
    .values({ ...token, used_at: null })
    .execute()

export const findRefreshToken = (db: Db, hash: string) =>
  db.selectFrom('identity_refresh_token').selectAll().where('token_hash', '=', hash).executeTakeFirst()

/** One refresh at a time per session: the row stays locked until the transaction ends. */
export const lockSession = (db: Db, id: string): Promise<SessionRow | undefined> =>
  db.selectFrom('identity_session').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()

export const markRefreshTokenUsed = (db: Db, hash: string, now: string) =>
  db.updateTable('identity_refresh_token').set({ used_at: now }).where('token_hash', '=', hash).execute()

export const extendSession = (db: Db, id: string, times: { last_used_at: string; expires_at: string }) =>
  db.updateTable('identity_session').set(times).where('id', '=', id).execute()

export const insertOneTimeToken = (
  db: Db,
  token: {
    token_hash: string
    user_id: string
    purpose: OneTimePurpose
    email?: string
    expires_at: string
  },
) => db.insertInto('identity_one_time_token').values(token).execute()

/** Uses the token up: whoever asks second gets nothing. */
export const takeOneTimeToken = (db: Db, hash: string, purpose: OneTimePurpose, now: string) =>
  db
    .deleteFrom('identity_one_time_token')
    .where('token_hash', '=', hash)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', now)
    .returning(['user_id', 'email'])
    .executeTakeFirst()

/** Those that expire after a time: all that still hold, or those made lately. */
export async function countOneTimeTokens(
  db: Db,
  userId: string,
  purpose: OneTimePurpose,
  after: string,
): Promise<number> {
  const row = await db
    .selectFrom('identity_one_time_token')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', after)
    .executeTakeFirstOrThrow()
  return row.count
}

/** The address of the newest link that still holds. */
export async function pendingEmail(db: Db, userId: string, now: string): Promise<string | null> {
  const row = await db
    .selectFrom('identity_one_time_token')
    .select('email')
    .where('user_id', '=', userId)
    .where('purpose', '=', 'email')
    .where('email', 'is not', null)
    .where('expires_at', '>', now)
    .orderBy('expires_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.email ?? null
}

/** Takes the addresses out of a user's links, but for one. The rows stay, since they count how many were mailed. */
export async function withdrawEmails(db: Db, userId: string, except: string | null): Promise<void> {
  let query = db
    .updateTable('identity_one_time_token')
    .set({ email: null })
    .where('user_id', '=', userId)
    .where('purpose', '=', 'email')
  if (except !== null) query = query.where('email', '!=', except)
  await query.execute()
}

export const deleteOneTimeTokens = (db: Db, userId: string) =>
  db.deleteFrom('identity_one_time_token').where('user_id', '=', userId).execute()

export type ApiTokenRow = Selectable<IdentityTables['identity_api_token']>

export const insertApiToken = (db: Db, token: ApiTokenRow) =>
  db.insertInto('identity_api_token').values(token).execute()

export const listApiTokens = (db: Db, userId: string, limit: number): Promise<ApiTokenRow[]> =>
  db
    .selectFrom('identity_api_token')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

export async function deleteApiToken(db: Db, userId: string, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('identity_api_token')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}
