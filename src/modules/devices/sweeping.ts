import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import type { Activations } from './activation.ts'
import type { ClaimGuard } from './claim-guard.ts'
import type { Commands } from './commands.ts'
import type { devicesSettings } from './config.ts'
import type { Imports } from './imports.ts'
import type { Sharing } from './sharing.ts'
import type { DevicesTables } from './tables.ts'

const day = 86_400_000
const batch = 500

/** Ends what has run out, and removes what nobody needs any more, bit by bit. */
export const sweepJob = (deps: {
  db: Db
  clock: Clock
  settings: Settings<typeof devicesSettings>
  activations: Activations
  guard: ClaimGuard
  commands: Commands
  sharing: Pick<Sharing, 'removeLapsed'>
  imports: Pick<Imports, 'removeStale'>
}) =>
  defineJob({
    name: 'devices.sweep',
    schema: z.object({}),
    async run(_payload, { signal, log }) {
      const { clock, settings } = deps
      const before = (days: number) => new Date(clock.now() - days * day)
      const { primary } = deps.db.withTables<DevicesTables>()
      const work: Record<string, () => Promise<number>> = {
        expired_commands: () => deps.commands.expire(batch),
        commands: () => deps.commands.removeEnded(before(settings.DEVICES_COMMAND_DAYS), batch),
        activations: () => deps.activations.removeLapsed(batch),
        guards: () => deps.guard.removeOld(batch),
        offers: () => deps.sharing.removeLapsed(batch),
        imports: () => deps.imports.removeStale(batch),
        broadcasts: async () => {
          const { rows } = await sql<{ id: string }>`
            DELETE FROM devices_broadcast WHERE id IN (
              SELECT id FROM devices_broadcast
              WHERE is_done AND created_at < ${before(settings.DEVICES_HISTORY_DAYS).toISOString()}
              ORDER BY id LIMIT ${batch}
            ) RETURNING id`.execute(primary)
          return rows.length
        },
        history: async () => {
          const { rows } = await sql<{ id: string }>`
            DELETE FROM devices_history WHERE id IN (
              SELECT id FROM devices_history
              WHERE created_at < ${before(settings.DEVICES_HISTORY_DAYS).toISOString()}
              ORDER BY created_at LIMIT ${batch}
            ) RETURNING id`.execute(primary)
          return rows.length
        },
        // Anybody can make these up by asking the start-up address.
        unknown_devices: async () => {
          const { rows } = await sql<{ id: string }>`
            DELETE FROM devices_device WHERE id IN (
              SELECT id FROM devices_device
              WHERE batch_id IS NULL AND state = 'activated' AND serial IS NULL AND approval <> 'refused'
                AND last_seen_at < ${before(settings.DEVICES_UNKNOWN_DAYS).toISOString()}
              ORDER BY last_seen_at LIMIT ${batch} FOR UPDATE SKIP LOCKED
            ) RETURNING id`.execute(primary)
          return rows.length
        },
      }
      for (const [what, run] of Object.entries(work)) {
        let total = 0
        for (;;) {
          signal.throwIfAborted()
          const done = await run()
          total += done
          if (done < batch) break
        }
        if (total > 0) log.info({ [what]: total }, 'swept')
      }
    },
  })
