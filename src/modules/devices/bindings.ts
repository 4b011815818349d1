import { type Kysely, sql, type Transaction } from 'kysely'
import { newId } from '#core/ids.ts'
import { devicesTooMany } from './errors.ts'
import type { DevicesTables, HistoryKind } from './tables.ts'

type Tx = Transaction<DevicesTables>

export const maxDevicesPerUser = 100

/**
 * Changes of who has a device. All of them run in a transaction that has locked the device (`lockDevice`), so that a
 * claim, a transfer and an unbinding of one device never cross.
 */
export const lockDevice = (tx: Tx, id: string) =>
  tx.selectFrom('devices_device').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()

export const findBinding = (db: Kysely<DevicesTables>, device_id: string) =>
  db.selectFrom('devices_binding').selectAll().where('device_id', '=', device_id).executeTakeFirst()

/**
 * Binds a device that has no owner. A user's first device is the primary one.
 * @throws AppError `device.too_many`
 */
export async function bind(
  tx: Tx,
  input: { device_id: string; owner_id: string; name: string; client_id: string | null },
): Promise<{ id: string }> {
  const { device_id, owner_id, name, client_id } = input
  await lockOwner(tx, owner_id)
  const { count, primaries } = await tx
    .selectFrom('devices_binding')
    .select(({ fn }) => [
      fn.countAll<number>().as('count'),
      sql<number>`count(*) FILTER (WHERE is_primary)`.as('primaries'),
    ])
    .where('owner_id', '=', owner_id)
    .executeTakeFirstOrThrow()
  if (count >= maxDevicesPerUser) throw devicesTooMany({ limit: maxDevicesPerUser })
  const id = newId()
  await tx
    .insertInto('devices_binding')
    .values({ id, device_id, owner_id, name, bot_id: null, is_primary: primaries === 0 })
    .execute()
  await tx
    .updateTable('devices_device')
    .set({ state: 'bound', client_id })
    .where('id', '=', device_id)
    .execute()
  return { id }
}

/**
 * Takes a device from its owner: what it was told, what it said and where it was is gone, its tokens are void, and
 * the next owner finds nothing of the last one.
 */
export async function unbind(tx: Tx, device_id: string): Promise<void> {
  const gone = await tx
    .deleteFrom('devices_binding')
    .where('device_id', '=', device_id)
    .returning(['owner_id', 'is_primary'])
    .executeTakeFirst()
  await tx
    .updateTable('devices_device')
    .set({
      state: sql`CASE WHEN state = 'bound' THEN 'activated' ELSE state END`,
      client_id: null,
      token_epoch: sql`token_epoch + 1`,
      network: null,
      battery: null,
      last_ip: null,
      online_until: null,
    })
    .where('id', '=', device_id)
    .execute()
  await tx.deleteFrom('devices_state').where('device_id', '=', device_id).execute()
  await tx.deleteFrom('devices_activation').where('device_id', '=', device_id).execute()
  await tx
    .updateTable('devices_command')
    .set({ state: 'cancelled', finished_at: sql`now()` })
    .where('device_id', '=', device_id)
    .where('state', 'in', ['queued', 'sent'])
    .execute()
  if (gone?.is_primary) await promoteOldest(tx, gone.owner_id)
}

/** Makes one device of a user the primary one. False when the user has no such device. */
export async function makePrimary(tx: Tx, owner_id: string, device_id: string): Promise<boolean> {
  await lockOwner(tx, owner_id)
  await tx
    .updateTable('devices_binding')
    .set({ is_primary: false })
    .where('owner_id', '=', owner_id)
    .where('is_primary', '=', true)
    .execute()
  const { numUpdatedRows } = await tx
    .updateTable('devices_binding')
    .set({ is_primary: true })
    .where('owner_id', '=', owner_id)
    .where('device_id', '=', device_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function promoteOldest(tx: Tx, owner_id: string) {
  await lockOwner(tx, owner_id)
  await sql`
    UPDATE devices_binding SET is_primary = true WHERE id = (
      SELECT id FROM devices_binding WHERE owner_id = ${owner_id} ORDER BY id LIMIT 1
    ) AND NOT EXISTS (SELECT FROM devices_binding WHERE owner_id = ${owner_id} AND is_primary)`.execute(tx)
}

/** One change at a time of which devices a user has. */
const lockOwner = (tx: Tx, owner_id: string) =>
  sql`SELECT pg_advisory_xact_lock(hashtextextended(${`devices_owner ${owner_id}`}, 0))`.execute(tx)

export const note = (
  tx: Kysely<DevicesTables>,
  entry: {
    device_id: string
    binding_id?: string | null
    kind: HistoryKind
    user_id?: string | null
    other_user_id?: string | null
  },
) =>
  tx
    .insertInto('devices_history')
    .values({
      id: newId(),
      device_id: entry.device_id,
      binding_id: entry.binding_id ?? null,
      kind: entry.kind,
      user_id: entry.user_id ?? null,
      other_user_id: entry.other_user_id ?? null,
    })
    .execute()
