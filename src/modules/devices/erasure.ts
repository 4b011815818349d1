import { sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { consumer, type Events } from '#core/events/events.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { lockDevice, note, unbind } from './bindings.ts'
import { DeviceReleased } from './contract.ts'
import type { Live } from './live.ts'
import type { DevicesTables } from './tables.ts'

const batch = 500

/** Releases the devices of a user who was deleted, and erases what else is kept of the user. */
export const eraseJob = (deps: { db: Db; events: Events; live: Live }) =>
  defineJob({
    name: 'devices.erase_user',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      const db = deps.db.withTables<DevicesTables>()
      const owned = await db.primary
        .selectFrom('devices_binding')
        .select('device_id')
        .where('owner_id', '=', user_id)
        .execute()
      for (const { device_id } of owned) {
        signal.throwIfAborted()
        await db.transaction(async tx => {
          await lockDevice(tx, device_id)
          const binding = await tx
            .selectFrom('devices_binding')
            .select('id')
            .where('device_id', '=', device_id)
            .where('owner_id', '=', user_id)
            .executeTakeFirst()
          if (!binding) return
          await note(tx, { device_id, binding_id: binding.id, kind: 'released' })
          await unbind(tx, device_id)
          await deps.events.publish(tx, DeviceReleased, { device_id, user_id })
        })
        await deps.live.socket(device_id, 'revoked')
      }
      await db.primary.deleteFrom('devices_member').where('user_id', '=', user_id).execute()
      await db.primary.deleteFrom('devices_offer').where('user_id', '=', user_id).execute()
      await db.primary.deleteFrom('devices_claim_guard').where('key', '=', `user:${user_id}`).execute()
      await deleteCommands(db, user_id, signal)
      for (const column of ['user_id', 'other_user_id'] as const)
        await db.primary
          .updateTable('devices_history')
          .set({ [column]: null })
          .where(column, '=', user_id)
          .execute()
      await db.primary
        .updateTable('devices_import')
        .set({ user_id: null })
        .where('user_id', '=', user_id)
        .execute()
      for (const table of ['devices_broadcast', 'devices_firmware'] as const)
        await db.primary
          .updateTable(table)
          .set({ created_by: null })
          .where('created_by', '=', user_id)
          .execute()
    },
  })

/** Commands may hold words that the user gave the device to say. */
async function deleteCommands(db: Db<DevicesTables>, user_id: string, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await sql<{ id: string }>`
      DELETE FROM devices_command WHERE id IN (
        SELECT id FROM devices_command WHERE created_by = ${user_id} AND broadcast_id IS NULL LIMIT ${batch}
      ) RETURNING id`.execute(db.primary)
    if (rows.length < batch) return
  }
}

export const eraseDeletedUsers = (deps: { jobs: Jobs; erase: ReturnType<typeof eraseJob> }) =>
  consumer({
    name: 'devices.erase_deleted_user',
    event: UserDeleted,
    async handle({ payload: { user_id } }, tx) {
      await deps.jobs.add(tx, deps.erase, { user_id })
    },
  })
