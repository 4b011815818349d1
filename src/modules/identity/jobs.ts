import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import { type CronDefinition, defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import { type Deps, day, timeOf } from './deps.ts'
import type { ResetLinks } from './service/reset-links.ts'
import type { IdentityTables } from './tables.ts'

const batch = 5000

export function createJobsOfIdentity(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  resetLinks: Pick<ResetLinks, 'request'>,
) {
  /** `user_id` is null when nobody has the address: the job is added all the same, and does nothing. */
  const sendPasswordReset = defineJob({
    name: 'identity.send_password_reset',
    schema: z.object({ user_id: z.uuid().nullable() }),
    attempts: 5,
    async run({ user_id }) {
      if (user_id !== null) await resetLinks.request(user_id)
    },
  })

  const cleanUp = defineJob({
    name: 'identity.clean_up',
    schema: z.object({}),
    timeout_ms: 10 * 60_000,
    async run(_payload, { signal }) {
      const now = timeOf(clock)
      const weekAgo = timeOf(clock, -7 * day)
      const monthAgo = timeOf(clock, -30 * day)
      const expired = [
        ['identity_session', 'expires_at', now],
        ['identity_refresh_token', 'used_at', weekAgo],
        ['identity_api_token', 'expires_at', monthAgo],
        ['identity_one_time_token', 'expires_at', now],
        ['identity_throttle', 'last_failed_at', timeOf(clock, -day)],
        ['identity_invitation', 'expires_at', monthAgo],
        ['identity_organisation_invitation', 'expires_at', now],
      ] as const
      for (const [table, column, before] of expired)
        await deleteBefore(db.primary, table, column, before, signal)
    },
  })

  const jobs: JobDefinition[] = [sendPasswordReset as JobDefinition, cleanUp as JobDefinition]
  const cron: CronDefinition[] = [{ name: 'identity.clean_up', schedule: '17 4 * * *', job: cleanUp }]
  return { jobs, cron, sendPasswordReset }
}

async function deleteBefore(
  db: Kysely<IdentityTables>,
  table: string,
  column: string,
  before: string,
  signal: AbortSignal,
) {
  for (let deleted = batch; deleted === batch; ) {
    signal.throwIfAborted()
    const result = await sql`
      DELETE FROM ${sql.table(table)} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${sql.table(table)} WHERE ${sql.ref(column)} < ${before} LIMIT ${batch}))`.execute(
      db,
    )
    deleted = Number(result.numAffectedRows ?? 0)
  }
}
