import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { isUniqueViolation } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { findBinding, lockDevice, note, unbind } from './bindings.ts'
import { typeNotFound } from './catalogue.ts'
import type { Commands } from './commands.ts'
import { type Command, type CommandView, DeviceReleased, deviceNotFound } from './contract.ts'
import { membersOf, readHistory } from './devices.ts'
import { macInvalid } from './errors.ts'
import type { Live } from './live.ts'
import { normalMac, presenceOf } from './registry.ts'
import type { States } from './state.ts'
import type { DevicesTables } from './tables.ts'
import type { HistoryEntry, PeopleOf, Registration } from './views.ts'

type Rows = Kysely<DevicesTables>

const macTaken = defineError({
  code: 'device.mac_taken',
  status: 409,
  en: 'There is a device with this MAC address or serial number already.',
  'zh-CN': '已有相同 MAC 地址或序列号的设备。',
})
const notBound = defineError({
  code: 'device.not_bound',
  status: 409,
  en: 'The device has no owner.',
  'zh-CN': '这台设备没有主人。',
})

export type RegistrationFilter = {
  q?: string | undefined
  state?: 'produced' | 'activated' | 'bound' | 'retired' | undefined
  approval?: 'approved' | 'pending' | 'refused' | undefined
  type_id?: string | undefined
  batch_id?: string | undefined
  group_id?: string | undefined
  is_online?: boolean | undefined
  limit: number
  cursor?: string | undefined
}

const noCounts = { total: 0, produced: 0, activated: 0, bound: 0, retired: 0, pending: 0, online: 0 }
type Counts = typeof noCounts

export type Registrations = ReturnType<typeof createRegistrations>

/** All devices, for operators: whose they are, but not what is said to them. */
export function createRegistrations(deps: {
  db: Db
  clock: Clock
  events: Events
  live: Live
  states: States
  commands: Commands
  people: PeopleOf
}) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, live, people, commands } = deps

  async function views(rows: RegistrationRow[]): Promise<Registration[]> {
    const personOf = await people(rows.map(row => row.owner_id))
    return rows.map(
      ({ owner_id, online_until, last_seen_at, battery, network, firmware_version, ...row }) => ({
        ...row,
        owner: personOf(owner_id),
        presence: presenceOf({ online_until, last_seen_at, battery, network, firmware_version }, clock.now()),
      }),
    )
  }

  async function one(id: string): Promise<Registration> {
    const [view] = await views(await registrationRows(db.primary).where('device.id', '=', id).execute())
    if (!view) throw deviceNotFound()
    return view
  }

  const retire = (tx: Rows, device_id: string) =>
    tx.updateTable('devices_device').set({ state: 'retired' }).where('id', '=', device_id).execute()

  /** Takes the device from its owner, if it has one; whom to tell. */
  async function takeAway(tx: Parameters<typeof unbind>[0], device_id: string): Promise<string[]> {
    const binding = await findBinding(tx, device_id)
    if (!binding) return []
    const family = await membersOf(tx, binding.id)
    const { owner_id: user_id } = binding
    await note(tx, { device_id, binding_id: binding.id, kind: 'released', user_id })
    await unbind(tx, device_id)
    await deps.events.publish(tx, DeviceReleased, { device_id, user_id })
    return [user_id, ...family]
  }

  async function tell(device_id: string, users: readonly string[]) {
    await live.socket(device_id, 'revoked')
    await live.device(device_id, 'device.updated')
    for (const id of users) await live.user(id, 'devices.updated')
  }

  return {
    /** Newest first. `q` is the beginning of a MAC, a serial number or an id. */
    async list(actor: Actor, filter: RegistrationFilter): Promise<Page<Registration>> {
      const [before] = decodeCursor(filter.cursor, z.tuple([z.uuid()])) ?? [null]
      const found = await db.read(actor.user_id, rows =>
        matching(registrationRows(rows), filter, clock.now())
          .$if(before !== null, some => some.where('device.id', '<', before ?? ''))
          .orderBy('device.id', 'desc')
          .limit(filter.limit + 1)
          .execute(),
      )
      return pageFrom(await views(found), filter.limit, row => [row.id])
    },

    /** How many there are in each state, and how many wait for approval or are online. */
    async counts(actor: Actor): Promise<Counts> {
      const now = new Date(clock.now()).toISOString()
      const query = sql<Counts>`
        SELECT count(*) AS total,
          count(*) FILTER (WHERE state = 'produced') AS produced,
          count(*) FILTER (WHERE state = 'activated') AS activated,
          count(*) FILTER (WHERE state = 'bound') AS bound,
          count(*) FILTER (WHERE state = 'retired') AS retired,
          count(*) FILTER (WHERE approval = 'pending') AS pending,
          count(*) FILTER (WHERE online_until > ${now}) AS online
        FROM devices_device`
      const { rows } = await db.read(actor.user_id, rows => query.execute(rows))
      return rows[0] ?? noCounts
    },

    /** @throws AppError `device.not_found` */
    read: one,

    /** Enters one device by hand. @throws AppError `device.mac_invalid`, `device.mac_taken`, `device_type.not_found` */
    async create(input: {
      mac: string
      serial?: string | undefined
      type_id: string
    }): Promise<Registration> {
      const mac = normalMac(input.mac)
      if (mac === null) throw macInvalid()
      const id = newId()
      try {
        await db.primary
          .insertInto('devices_device')
          .values({
            id,
            type_id: input.type_id,
            batch_id: null,
            mac,
            serial: input.serial ?? null,
            state: 'produced',
            client_id: null,
            proof_key_sealed: null,
            firmware_version: null,
            board: null,
            battery: null,
            network: null,
            last_ip: null,
            last_seen_at: null,
            online_until: null,
            first_online_at: null,
          })
          .execute()
      } catch (error) {
        if (isUniqueViolation(error)) throw macTaken()
        if (error instanceof Error && 'code' in error && error.code === '23503') throw typeNotFound()
        throw error
      }
      return one(id)
    },

    /**
     * Lets a device in or not, takes it out of service or back, or changes its type. Out of service, it loses its
     * owner.
     * @throws AppError `device.not_found`, `device_type.not_found`
     */
    async update(
      actor: Actor,
      device_id: string,
      patch: {
        approval?: 'approved' | 'refused' | undefined
        is_retired?: boolean | undefined
        type_id?: string | undefined
      },
    ): Promise<Registration> {
      const users = await db.transaction(async tx => {
        const device = await lockDevice(tx, device_id)
        if (!device) throw deviceNotFound()
        const by = { device_id, user_id: actor.user_id }
        let concerned: string[] = []
        if (patch.approval && patch.approval !== device.approval) {
          if (patch.approval === 'refused') concerned = await takeAway(tx, device_id)
          await tx
            .updateTable('devices_device')
            .set({ approval: patch.approval })
            .where('id', '=', device_id)
            .execute()
          await note(tx, { ...by, kind: patch.approval })
        }
        if (patch.is_retired === true && device.state !== 'retired') {
          concerned = await takeAway(tx, device_id)
          await retire(tx, device_id)
          await note(tx, { ...by, kind: 'retired' })
        }
        if (patch.is_retired === false && device.state === 'retired') {
          await tx
            .updateTable('devices_device')
            .set({ state: 'activated' })
            .where('id', '=', device_id)
            .execute()
          await note(tx, { ...by, kind: 'reinstated' })
        }
        if (patch.type_id) await setType(tx, device_id, patch.type_id)
        return concerned
      })
      if (users.length > 0 || patch.is_retired || patch.approval === 'refused') await tell(device_id, users)
      else await live.device(device_id, 'device.updated')
      return one(device_id)
    },

    /** Takes a device from its owner, as for one that was returned. @throws AppError `device.not_found`, `device.not_bound` */
    async release(device_id: string): Promise<Registration> {
      const users = await db.transaction(async tx => {
        if (!(await lockDevice(tx, device_id))) throw deviceNotFound()
        const concerned = await takeAway(tx, device_id)
        if (concerned.length === 0) throw notBound()
        return concerned
      })
      await tell(device_id, users)
      return one(device_id)
    },

    /** Of all owners, newest first. @throws AppError `device.not_found` */
    async history(
      device_id: string,
      query: { limit: number; cursor?: string | undefined },
    ): Promise<Page<HistoryEntry>> {
      await one(device_id)
      return readHistory(db.primary, people, { device_id, ...query })
    },

    /** What operators sent it; what owners say to their devices is theirs. @throws AppError `device.not_found` */
    async commands(
      device_id: string,
      query: { limit: number; cursor?: string | undefined },
    ): Promise<Page<CommandView>> {
      await one(device_id)
      return commands.list(device_id, { ...query, is_operators: true })
    },

    /** @throws AppError `device.not_found`, `device.too_many_commands` */
    async send(actor: Actor, device_id: string, command: Command): Promise<CommandView> {
      await one(device_id)
      return commands.send({ device_id, binding_id: null, created_by: actor.user_id, command })
    },
  }
}

async function setType(tx: Rows, device_id: string, type_id: string) {
  const type = await tx.selectFrom('devices_type').select('id').where('id', '=', type_id).executeTakeFirst()
  if (!type) throw typeNotFound()
  await tx.updateTable('devices_device').set({ type_id }).where('id', '=', device_id).execute()
}

type RegistrationRow = Awaited<ReturnType<ReturnType<typeof registrationRows>['execute']>>[number]

const registrationRows = (db: Rows) =>
  db
    .selectFrom('devices_device as device')
    .innerJoin('devices_type as type', 'type.id', 'device.type_id')
    .leftJoin('devices_batch as batch', 'batch.id', 'device.batch_id')
    .leftJoin('devices_binding as binding', 'binding.device_id', 'device.id')
    .select([
      'device.id',
      'device.mac',
      'device.serial',
      'device.state',
      'device.approval',
      'device.type_id',
      'type.name as type_name',
      'device.batch_id',
      'batch.name as batch_name',
      'device.board',
      sql<boolean>`device.proof_key_sealed IS NOT NULL`.as('has_proof_key'),
      'binding.owner_id',
      'device.online_until',
      'device.last_seen_at',
      'device.battery',
      'device.network',
      'device.firmware_version',
      'device.first_online_at',
      'device.created_at',
    ])

function matching(
  query: ReturnType<typeof registrationRows>,
  filter: RegistrationFilter,
  now: number,
): ReturnType<typeof registrationRows> {
  const { state, approval, type_id, batch_id, group_id, is_online } = filter
  const beginning = filter.q?.trim()
  let some = query
  if (state) some = some.where('device.state', '=', state)
  if (approval) some = some.where('device.approval', '=', approval)
  if (type_id) some = some.where('device.type_id', '=', type_id)
  if (batch_id) some = some.where('device.batch_id', '=', batch_id)
  if (is_online !== undefined) {
    const isOnline = sql<boolean>`coalesce(device.online_until > ${new Date(now).toISOString()}, false)`
    some = some.where(isOnline, '=', is_online)
  }
  if (group_id)
    some = some.where(eb =>
      eb.exists(
        eb
          .selectFrom('devices_group_device as member')
          .select('member.device_id')
          .whereRef('member.device_id', '=', 'device.id')
          .where('member.group_id', '=', group_id),
      ),
    )
  if (beginning) {
    const text = beginning.replaceAll(/[\\%_]/g, sign => `\\${sign}`)
    some = some.where(eb =>
      eb.or([
        eb('device.mac', 'like', `${macBeginning(text)}%`),
        eb('device.serial', 'like', `${text}%`),
        eb(sql<string>`device.id::text`, '=', beginning.toLowerCase()),
      ]),
    )
  }
  return some
}

/** The beginning of a MAC in any notation, as it is stored. */
const macBeginning = (text: string): string =>
  /^[0-9a-f]+$/i.test(text.replaceAll(/[:-]/g, ''))
    ? text
        .replaceAll(/[:-]/g, '')
        .toLowerCase()
        .replaceAll(/(..)(?=.)/g, '$1:')
    : text.toLowerCase()
