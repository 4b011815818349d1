import { type Kysely, sql } from 'kysely'
import type { IdentityTables, SignInMethod } from '../tables.ts'

type Db = Kysely<IdentityTables>

export type SignInRecord = {
  id: string
  user_id: string | null
  method: SignInMethod
  succeeded: boolean
  ip: string
  user_agent: string
}

export const recordSignIn = (db: Db, record: SignInRecord) =>
  db.insertInto('identity_sign_in').values(record).execute()

/** Newest first; of one user, or of everybody. */
export function listSignIns(db: Db, userId: string | null, beforeId: string | null, limit: number) {
  let query = db.selectFrom('identity_sign_in').selectAll().orderBy('id', 'desc').limit(limit)
  if (userId !== null) query = query.where('user_id', '=', userId)
  if (beforeId !== null) query = query.where('id', '<', beforeId)
  return query.execute()
}

export type ThrottleRule = {
  /** Attempts before the first wait. */
  free: number
  /** Longest wait in seconds. */
  cap: number
}

/**
 * Counts an attempt before it is made, so that many at once cannot slip through, and sets the wait that follows
 * should it fail: 1, 2, 4 … seconds from the `free`-th on. Returns null, or for a locked key the end of its wait.
 */
export async function takeAttempt(
  db: Db,
  key: string,
  rule: ThrottleRule,
  now: Date,
): Promise<string | null> {
  const at = now.toISOString()
  const forgotten = new Date(now.getTime() - 3_600_000).toISOString()
  const next = sql`(CASE WHEN t.last_failed_at < ${forgotten} THEN 1 ELSE t.failures + 1 END)`
  const { rows } = await sql`
    INSERT INTO identity_throttle AS t (key, failures, last_failed_at) VALUES (${key}, 1, ${at})
    ON CONFLICT (key) DO UPDATE SET
      failures = ${next},
      last_failed_at = ${at},
      locked_until = CASE WHEN ${next} < ${rule.free} THEN NULL
        ELSE ${at}::timestamptz + make_interval(secs => least(${rule.cap}, power(2, least(${next} - ${rule.free}, 20))))
      END
    WHERE t.locked_until IS NULL OR t.locked_until <= ${at}
    RETURNING 1`.execute(db)
  if (rows.length === 1) return null
  const locked = await db
    .selectFrom('identity_throttle')
    .select('locked_until')
    .where('key', '=', key)
    .executeTakeFirst()
  return locked?.locked_until ?? at
}

export const clearAttempts = (db: Db, keys: readonly string[]) =>
  db.deleteFrom('identity_throttle').where('key', 'in', keys).execute()

/** Takes one counted attempt back, and the wait with it if that attempt brought it about. */
export const giveBackAttempt = (db: Db, key: string, rule: ThrottleRule) =>
  sql`
    UPDATE identity_throttle SET
      failures = greatest(failures - 1, 0),
      locked_until = CASE WHEN failures - 1 < ${rule.free} THEN NULL ELSE locked_until END
    WHERE key = ${key}`.execute(db)
