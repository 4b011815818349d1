import { type Kysely, sql } from 'kysely'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { claimsBlocked } from './errors.ts'
import type { DevicesTables } from './tables.ts'

/** Wrong codes that cost nothing; from then on each doubles the wait. */
const freeFailures = { user: 5, ip: 20 } as const
const firstWaitMs = 5_000
const longestWaitMs = 60 * 60_000
/** Failures are forgotten when there was none for so long. */
const memoryMs = 24 * 60 * 60_000

export type ClaimGuard = ReturnType<typeof createClaimGuard>

/**
 * Makes guessing of six digits hopeless: wrong ones are counted per user and per address, in the database, so that
 * other processes and restarts know them too. An attempt is counted before its code is looked up and taken back when
 * it was right; many at once therefore do not slip by together.
 */
export function createClaimGuard(deps: { db: Db; clock: Clock }) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock } = deps
  const keysOf = (user_id: string, ip: string) =>
    [
      { key: `user:${user_id}`, free: freeFailures.user },
      { key: `ip:${ip}`, free: freeFailures.ip },
    ] as const

  return {
    /** Counts an attempt. @throws AppError `claim.too_many_attempts` */
    async begin(user_id: string, ip: string): Promise<void> {
      const now = clock.now()
      const blocked = await db.transaction(async tx => {
        let until = 0
        for (const { key, free } of keysOf(user_id, ip))
          until = Math.max(until, await count(tx, key, free, now))
        return until
      })
      if (blocked <= now) return
      const seconds = Math.ceil((blocked - now) / 1000)
      throw claimsBlocked({ seconds }, { retryAfter: seconds })
    },

    /** The code was right: the user's failures are forgotten, and what `begin` counted for the address taken back. */
    async succeed(user_id: string, ip: string): Promise<void> {
      await db.primary.deleteFrom('devices_claim_guard').where('key', '=', `user:${user_id}`).execute()
      await db.primary
        .updateTable('devices_claim_guard')
        .set({ failures: sql`greatest(failures - 1, 0)`, blocked_until: new Date(0).toISOString() })
        .where('key', '=', `ip:${ip}`)
        .where('failures', '<=', freeFailures.ip)
        .execute()
    },

    /** Removes what is forgotten, up to `limit`; returns how many. */
    async removeOld(limit: number): Promise<number> {
      const before = new Date(clock.now() - memoryMs).toISOString()
      const { rows } = await sql<{ key: string }>`
        DELETE FROM devices_claim_guard WHERE key IN (
          SELECT key FROM devices_claim_guard WHERE last_failure_at < ${before}
          ORDER BY last_failure_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ) RETURNING key`.execute(db.primary)
      return rows.length
    },
  }
}

/** Until when this key is blocked; if it is not, one more attempt is counted. */
async function count(tx: Kysely<DevicesTables>, key: string, free: number, now: number): Promise<number> {
  const iso = (at: number) => new Date(at).toISOString()
  // An update that changes nothing locks the row that is there.
  const row = await tx
    .insertInto('devices_claim_guard')
    .values({ key, failures: 0, blocked_until: iso(0), last_failure_at: iso(now) })
    .onConflict(conflict => conflict.column('key').doUpdateSet({ key }))
    .returningAll()
    .executeTakeFirstOrThrow()
  const until = Date.parse(row.blocked_until)
  if (until > now) return until
  const isForgotten = Date.parse(row.last_failure_at) < now - memoryMs
  const failures = (isForgotten ? 0 : row.failures) + 1
  const wait = failures < free ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(20, failures - free))
  await tx
    .updateTable('devices_claim_guard')
    // Attempts at once have clocks that differ a little: no wait must lie in the past for all of them.
    .set({ failures, blocked_until: iso(wait === 0 ? 0 : now + wait), last_failure_at: iso(now) })
    .where('key', '=', key)
    .execute()
  return 0
}
