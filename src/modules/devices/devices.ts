import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { lockDevice, makePrimary, note, unbind } from './bindings.ts'
import { DevicePrimaryChosen, DeviceReleased, type DeviceStateView, deviceNotFound } from './contract.ts'
import type { Live } from './live.ts'
import { checkProperties } from './properties.ts'
import { presenceOf } from './registry.ts'
import type { States } from './state.ts'
import type { DevicesTables, JsonObject } from './tables.ts'
import type { Device, HistoryEntry, PeopleOf } from './views.ts'

type Rows = Kysely<DevicesTables>

const ownerOnly = defineError({
  code: 'device.owner_only',
  status: 403,
  en: 'Only the owner of the device may do this.',
  'zh-CN': '只有设备主人可以进行此操作。',
})
const stateReserved = defineError({
  code: 'device_state.reserved',
  status: 422,
  en: '“{name}” is set by the system and cannot be changed by hand.',
  'zh-CN': '“{name}”由系统维护，不能手动修改。',
})

/** Members of the desired state that only the house writes. */
export const reservedProperties = ['unlocked']

export type Access = { binding_id: string; owner_id: string; role: 'owner' | 'member' }

/** What a user is to a device, or null: to others it does not exist. */
export async function accessOf(db: Rows, user_id: string, device_id: string): Promise<Access | null> {
  const row = await db
    .selectFrom('devices_binding as binding')
    .leftJoin('devices_member as member', join =>
      join.onRef('member.binding_id', '=', 'binding.id').on('member.user_id', '=', user_id),
    )
    .select(['binding.id as binding_id', 'binding.owner_id', 'member.user_id as member_id'])
    .where('binding.device_id', '=', device_id)
    .executeTakeFirst()
  if (!row) return null
  const { binding_id, owner_id } = row
  if (owner_id === user_id) return { binding_id, owner_id, role: 'owner' }
  return row.member_id === null ? null : { binding_id, owner_id, role: 'member' }
}

/** @throws AppError `device.not_found` */
export async function assertAccess(db: Rows, user_id: string, device_id: string): Promise<Access> {
  const access = await accessOf(db, user_id, device_id)
  if (!access) throw deviceNotFound()
  return access
}

/** @throws AppError `device.not_found`, `device.owner_only` */
export async function assertOwner(db: Rows, user_id: string, device_id: string): Promise<Access> {
  const access = await assertAccess(db, user_id, device_id)
  if (access.role !== 'owner') throw ownerOnly()
  return access
}

export type MyDevices = ReturnType<typeof createMyDevices>

/** The devices of a user: own ones, and those of the family. */
export function createMyDevices(deps: {
  db: Db
  clock: Clock
  events: Events
  live: Live
  states: States
  people: PeopleOf
}) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, live, people, states } = deps

  async function views(rows: DeviceRow[], user_id: string): Promise<Device[]> {
    const personOf = await people(rows.map(row => row.owner_id))
    return rows.map(row => ({
      id: row.id,
      name: row.name,
      role: row.owner_id === user_id ? ('owner' as const) : ('member' as const),
      owner: personOf(row.owner_id),
      is_primary: row.is_primary && row.owner_id === user_id,
      bot_id: row.bot_id,
      type: {
        id: row.type_id,
        key: row.type_key,
        name: row.type_name,
        category: row.category,
        capabilities: row.capabilities,
        properties_schema: row.properties_schema,
      },
      mac: row.mac,
      serial: row.serial,
      board: row.board,
      presence: presenceOf(row, clock.now()),
      bound_at: row.bound_at,
    }))
  }

  async function one(user_id: string, device_id: string): Promise<Device> {
    await assertAccess(db.primary, user_id, device_id)
    const rows = await deviceRows(db.primary).where('device.id', '=', device_id).execute()
    const [view] = await views(rows, user_id)
    if (!view) throw deviceNotFound()
    return view
  }

  return {
    /** All of them, the primary one first, then the oldest. A user has a hundred at most. */
    async list({ user_id }: Actor): Promise<Device[]> {
      const rows = await deviceRows(db.primary)
        .where(eb =>
          eb.or([
            eb('binding.owner_id', '=', user_id),
            eb(
              'binding.id',
              'in',
              eb.selectFrom('devices_member').select('binding_id').where('user_id', '=', user_id),
            ),
          ]),
        )
        .orderBy(sql`binding.owner_id = ${user_id} AND binding.is_primary`, 'desc')
        .orderBy('binding.id')
        .limit(200)
        .execute()
      return views(rows, user_id)
    },

    /** @throws AppError `device.not_found` */
    read: ({ user_id }: Actor, device_id: string): Promise<Device> => one(user_id, device_id),

    /** @throws AppError `device.not_found`, `device.owner_only` */
    async update(
      { user_id }: Actor,
      device_id: string,
      patch: { name?: string | undefined; bot_id?: string | null | undefined; is_primary?: true | undefined },
    ): Promise<Device> {
      await db.transaction(async tx => {
        const { binding_id } = await assertOwner(tx, user_id, device_id)
        const { name, bot_id } = patch
        if (name !== undefined || bot_id !== undefined)
          await tx
            .updateTable('devices_binding')
            .set({ ...(name === undefined ? {} : { name }), ...(bot_id === undefined ? {} : { bot_id }) })
            .where('id', '=', binding_id)
            .execute()
        if (patch.is_primary && (await makePrimary(tx, user_id, device_id)))
          await deps.events.publish(tx, DevicePrimaryChosen, { device_id, user_id })
      })
      await live.device(device_id, 'device.updated')
      await live.socket(device_id, 'binding')
      if (patch.is_primary) await live.user(user_id, 'devices.updated')
      return one(user_id, device_id)
    },

    /**
     * The owner gives the device up; a member leaves the family instead.
     * @throws AppError `device.not_found`, `device.owner_only`
     */
    async release({ user_id }: Actor, device_id: string): Promise<void> {
      const members = await db.transaction(async tx => {
        await lockDevice(tx, device_id)
        const { binding_id } = await assertOwner(tx, user_id, device_id)
        const family = await membersOf(tx, binding_id)
        await note(tx, { device_id, binding_id, kind: 'released', user_id })
        await unbind(tx, device_id)
        await deps.events.publish(tx, DeviceReleased, { device_id, user_id })
        return family
      })
      await live.socket(device_id, 'revoked')
      await live.device(device_id, 'device.updated')
      for (const id of [user_id, ...members]) await live.user(id, 'devices.updated')
    },

    /** @throws AppError `device.not_found` */
    async state({ user_id }: Actor, device_id: string): Promise<DeviceStateView> {
      await assertAccess(db.primary, user_id, device_id)
      return states.read(device_id)
    },

    /**
     * @throws AppError `device.not_found`, `device_state.conflict`, `device_state.too_large`,
     *   `device_state.reserved`, `device_state.invalid`
     */
    async setState(
      { user_id }: Actor,
      device_id: string,
      input: { desired: JsonObject; expected_version?: number | undefined },
    ): Promise<DeviceStateView> {
      const { type } = await one(user_id, device_id)
      for (const name of reservedProperties) if (name in input.desired) throw stateReserved({ name })
      return states.setDesired(null, device_id, input.desired, {
        expected_version: input.expected_version,
        allowed: async rows => Boolean(await assertAccess(rows, user_id, device_id)),
        check: desired => checkProperties(type.properties_schema, without(desired, reservedProperties)),
      })
    },

    /** What happened under the present ownership, newest first. @throws AppError `device.not_found` */
    async history(
      { user_id }: Actor,
      device_id: string,
      query: { limit: number; cursor?: string | undefined },
    ): Promise<Page<HistoryEntry>> {
      const { binding_id } = await assertAccess(db.primary, user_id, device_id)
      return readHistory(db.primary, people, { device_id, binding_id, ...query })
    },
  }
}

/** Newest first; all of it, or what happened under one ownership. */
export async function readHistory(
  db: Rows,
  people: PeopleOf,
  query: { device_id: string; binding_id?: string; limit: number; cursor?: string | undefined },
): Promise<Page<HistoryEntry>> {
  const [before] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? [null]
  const rows = await db
    .selectFrom('devices_history')
    .select(['id', 'kind', 'user_id', 'other_user_id', 'created_at'])
    .where('device_id', '=', query.device_id)
    .$if(query.binding_id !== undefined, some => some.where('binding_id', '=', query.binding_id ?? null))
    .$if(before !== null, some => some.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
    .execute()
  const personOf = await people(rows.flatMap(row => [row.user_id, row.other_user_id]))
  return pageFrom(
    rows.map(({ user_id, other_user_id, ...row }) => ({
      ...row,
      user: personOf(user_id),
      other_user: personOf(other_user_id),
    })),
    query.limit,
    row => [row.id],
  )
}

export const membersOf = async (db: Rows, binding_id: string): Promise<string[]> => {
  const rows = await db
    .selectFrom('devices_member')
    .select('user_id')
    .where('binding_id', '=', binding_id)
    .execute()
  return rows.map(row => row.user_id)
}

const without = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))

type DeviceRow = Awaited<ReturnType<ReturnType<typeof deviceRows>['execute']>>[number]

const deviceRows = (db: Rows) =>
  db
    .selectFrom('devices_binding as binding')
    .innerJoin('devices_device as device', 'device.id', 'binding.device_id')
    .innerJoin('devices_type as type', 'type.id', 'device.type_id')
    .select([
      'device.id',
      'device.mac',
      'device.serial',
      'device.board',
      'device.online_until',
      'device.last_seen_at',
      'device.battery',
      'device.network',
      'device.firmware_version',
      'binding.name',
      'binding.owner_id',
      'binding.is_primary',
      'binding.bot_id',
      'binding.created_at as bound_at',
      'type.id as type_id',
      'type.key as type_key',
      'type.name as type_name',
      'type.category',
      'type.capabilities',
      'type.properties_schema',
    ])

/** The device that items of redeemed cards go to. */
export const primaryDevice = (db: Rows, user_id: string) =>
  db
    .selectFrom('devices_binding')
    .select('device_id')
    .where('owner_id', '=', user_id)
    .where('is_primary', '=', true)
    .executeTakeFirst()

export const isOwnDevice = async (
  db: Rows,
  { user_id, device_id, is_primary }: { user_id: string; device_id: string; is_primary: boolean },
): Promise<boolean> =>
  (await db
    .selectFrom('devices_binding')
    .select('id')
    .where('device_id', '=', device_id)
    .where('owner_id', '=', user_id)
    .where('is_primary', '=', is_primary)
    .executeTakeFirst()) !== undefined

/** Devices of a user that hold such items without being that device: they were it before. */
export const othersUnlocked = (db: Rows, owner_id: string) =>
  db
    .selectFrom('devices_binding as binding')
    .innerJoin('devices_state as state', 'state.device_id', 'binding.device_id')
    .select('binding.device_id')
    .where('binding.owner_id', '=', owner_id)
    .where('binding.is_primary', '=', false)
    .where(sql<boolean>`state.desired ? 'unlocked'`)
    .execute()

/** Those of some users who have such a device. */
export async function ownersOfPrimary(db: Rows, userIds: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('devices_binding')
    .select('owner_id')
    .where(sql<boolean>`owner_id = ANY (${userIds}::uuid[])`)
    .where('is_primary', '=', true)
    .orderBy('owner_id')
    .execute()
  return rows.map(row => row.owner_id)
}

/** Whether a device is a user's own or of the family. */
export const mayRead =
  (db: Db) =>
  async (user_id: string, device_id: string): Promise<boolean> =>
    (await accessOf(db.withTables<DevicesTables>().primary, user_id, device_id)) !== null
