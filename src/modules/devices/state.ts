import { isDeepStrictEqual } from 'node:util'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { type DeviceStateView, deviceNotFound, stateConflict, stateTooLarge } from './contract.ts'
import type { Live } from './live.ts'
import type { DevicesTables, JsonObject } from './tables.ts'

type Rows = Kysely<DevicesTables>

/** Largest desired or reported state, as JSON. */
const maxStateBytes = 32_768
const columns = [
  'desired',
  'desired_version',
  'desired_at',
  'reported',
  'reported_version',
  'reported_at',
] as const
const nothing: DeviceStateView = {
  desired: {},
  desired_version: 0,
  desired_at: null,
  reported: {},
  reported_version: 0,
  reported_at: null,
}

export type States = ReturnType<typeof createStates>

/**
 * What a device should be (`desired`, written here) and what it says it is (`reported`). Both are JSON objects that are
 * changed by merge patches (RFC 7396): null removes a member.
 */
export function createStates(deps: { db: Db; clock: Clock; live: Live }) {
  const db = deps.db.withTables<DevicesTables>()
  const { live } = deps
  const now = () => new Date(deps.clock.now()).toISOString()

  async function change(
    tx: Rows,
    device_id: string,
    make: (state: DeviceStateView) => Promise<Partial<DeviceStateView>>,
  ): Promise<{ state: DeviceStateView; is_changed: boolean }> {
    const state = await lockState(tx, device_id)
    const changes = await make(state)
    for (const part of [changes.desired, changes.reported])
      if (part && Buffer.byteLength(JSON.stringify(part)) > maxStateBytes)
        throw stateTooLarge({ limit: maxStateBytes })
    if (Object.keys(changes).length === 0) return { state, is_changed: false }
    const { desired, reported, ...rest } = changes
    await tx
      .updateTable('devices_state')
      .set({
        ...rest,
        ...(desired ? { desired: JSON.stringify(desired) } : {}),
        ...(reported ? { reported: JSON.stringify(reported) } : {}),
      })
      .where('device_id', '=', device_id)
      .execute()
    return { state: { ...state, ...changes }, is_changed: true }
  }

  return {
    async read(device_id: string): Promise<DeviceStateView> {
      const row = await db.primary
        .selectFrom('devices_state')
        .select(columns)
        .where('device_id', '=', device_id)
        .executeTakeFirst()
      return row ?? nothing
    },

    /**
     * Changes what a device should be. With `tx` as part of that transaction; the device's connection then hears of it
     * only when it looks next. `patch` may be a function of the present state. `allowed` is asked while the state is
     * locked, which a change of owner waits for: it throws, or leaves everything as it is by false. `check` may refuse
     * the outcome by throwing.
     * @throws AppError `device_state.conflict` when the state has moved on from `expected_version`,
     *   `device_state.too_large`, `device.not_found`
     */
    async setDesired(
      tx: Transaction<DevicesTables> | null,
      device_id: string,
      patch: JsonObject | ((state: DeviceStateView) => JsonObject),
      {
        expected_version,
        allowed,
        check,
      }: {
        expected_version?: number | undefined
        allowed?: (rows: Rows) => Promise<boolean>
        check?: (desired: JsonObject) => void
      } = {},
    ): Promise<DeviceStateView> {
      const work = (rows: Rows) =>
        change(rows, device_id, async state => {
          if (allowed && !(await allowed(rows))) return {}
          if (expected_version !== undefined && expected_version !== state.desired_version)
            throw stateConflict({ version: state.desired_version })
          const desired = mergePatch(state.desired, typeof patch === 'function' ? patch(state) : patch)
          check?.(desired)
          if (isDeepStrictEqual(desired, state.desired)) return {}
          return { desired, desired_version: state.desired_version + 1, desired_at: now() }
        })
      if (tx) return (await work(tx)).state
      const { state, is_changed } = await db.transaction(work)
      if (is_changed) {
        await live.socket(device_id, 'desired')
        await live.device(device_id, 'state.updated')
      }
      return state
    },

    /**
     * Notes what a device says it is. `version` is the desired version that it has taken over.
     * @throws AppError `device_state.too_large`, `device.not_found`
     */
    async recordReported(device_id: string, patch: JsonObject, version?: number): Promise<void> {
      await db.transaction(tx =>
        change(tx, device_id, async state => ({
          reported: mergePatch(state.reported, patch),
          reported_version: Math.max(state.reported_version, Math.min(version ?? 0, state.desired_version)),
          reported_at: now(),
        })),
      )
      await live.device(device_id, 'state.updated')
    },
  }
}

async function lockState(tx: Rows, device_id: string): Promise<DeviceStateView> {
  const find = () =>
    tx
      .selectFrom('devices_state')
      .select(columns)
      .where('device_id', '=', device_id)
      .forUpdate()
      .executeTakeFirst()
  const known = await find()
  if (known) return known
  await sql`
    INSERT INTO devices_state (device_id, desired, reported)
    SELECT id, '{}', '{}' FROM devices_device WHERE id = ${device_id}
    ON CONFLICT DO NOTHING`.execute(tx)
  const made = await find()
  if (!made) throw deviceNotFound()
  return made
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396, for objects. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result = new Map(Object.entries(target))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else if (isObject(value)) {
      const old = result.get(key)
      result.set(key, mergePatch(isObject(old) ? old : {}, value))
    } else result.set(key, value)
  }
  return Object.fromEntries(result)
}
