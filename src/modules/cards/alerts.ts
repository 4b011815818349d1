import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import type { redemptionSettings } from './redemption-config.ts'
import { longestWait_ms, memory_ms } from './redemption-limits.ts'
import { bruteForceSuspected } from './redemption-notifications.ts'
import type { RedemptionTables } from './redemption-tables.ts'

const hour_ms = 3_600_000
const forgetAtOnce = 1000

type Suspicion = {
  attempts: number
  users: number
  addresses: number
  is_flood: boolean
  latest: string | null
}

/** Tells operators, once an hour at most, that somebody seems to be guessing codes; and forgets old failures. */
export const watchJob = ({
  db,
  clock,
  identity,
  notifications,
  settings,
}: {
  db: Db<RedemptionTables>
  clock: Clock
  identity: Pick<Identity, 'userIdsWithPermission'>
  notifications: Pick<Notifications, 'notify'>
  settings: Settings<typeof redemptionSettings>
}): JobDefinition<Record<string, never>> => {
  async function look(now: number): Promise<Suspicion> {
    const since = new Date(now - hour_ms).toISOString()
    const nearly_ms = longestWait_ms(settings) * 0.99
    const { rows } = await sql<Suspicion>`
      WITH locked AS (
        SELECT scope, last_failed_at FROM cards_guard
        WHERE last_failed_at > ${since}::timestamptz AND scope NOT LIKE 'minute:%'
          AND blocked_until - last_failed_at >= make_interval(secs => ${nearly_ms / 1000})
      )
      SELECT
        (SELECT count(*) FROM locked WHERE scope LIKE 'user:%') AS users,
        (SELECT count(*) FROM locked WHERE scope LIKE 'ip:%') AS addresses,
        coalesce(sum(failures), 0) AS attempts, coalesce(bool_or(blocked_until IS NOT NULL), false) AS is_flood,
        greatest((SELECT max(last_failed_at) FROM locked),
          max(last_failed_at) FILTER (WHERE blocked_until IS NOT NULL)) AS latest
      FROM cards_guard WHERE scope LIKE 'minute:%' AND last_failed_at > ${since}::timestamptz`.execute(
      db.primary,
    )
    return rows[0] ?? { attempts: 0, users: 0, addresses: 0, is_flood: false, latest: null }
  }

  async function forget(now: number, signal: AbortSignal) {
    const before = new Date(now - memory_ms(settings)).toISOString()
    for (let forgotten = forgetAtOnce; forgotten === forgetAtOnce && !signal.aborted; ) {
      const { numAffectedRows } = await sql`
        DELETE FROM cards_guard WHERE scope IN (
          SELECT scope FROM cards_guard WHERE last_failed_at <= ${before}::timestamptz LIMIT ${forgetAtOnce})`.execute(
        db.primary,
      )
      forgotten = Number(numAffectedRows ?? 0)
    }
  }

  return defineJob({
    name: 'cards.watch_attempts',
    schema: z.object({}) as z.ZodType<Record<string, never>>,
    async run(_, { signal, log }) {
      const now = clock.now()
      const { is_flood, latest, ...found } = await look(now)
      if (is_flood || found.users + found.addresses >= settings.CARDS_ALERT_LOCKOUTS) {
        log.warn(found, 'somebody may be guessing codes')
        // By the hour of the guesses, not of this look: what the last hour was told of is no news in the next.
        const key = `cards.brute_force ${new Date(latest ?? now).toISOString().slice(0, 13)}`
        for (const id of await identity.userIdsWithPermission('cards.usage.read'))
          await notifications.notify(id, bruteForceSuspected, found, { key })
      }
      await forget(now, signal)
    },
  })
}
