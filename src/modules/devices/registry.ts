import { createHmac, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Keys } from '#core/security/key-file.ts'
import type { Live } from './live.ts'
import type { DevicesTables, Network } from './tables.ts'

/** Whom a device speaks for. Without `user_id` it is known, and belongs to nobody yet. */
export type DeviceIdentity = {
  device_id: string
  type_id: string
  binding_id: string | null
  user_id: string | null
  /** Null: the owner has chosen none. */
  bot_id: string | null
}

/** What a device tells of itself; what is left out stays as it was. */
export type DeviceFacts = {
  firmware_version?: string
  board?: string
  /** Percent. */
  battery?: number
  network?: Network
  ip?: string
}

export type Binding = {
  binding_id: string
  owner_id: string
  bot_id: string | null
  name: string
}

/** The coming of a device by one connection. The latest is the one that counts. */
export type Coming = { device_id: string; epoch: number }

/** Whoever holds a connection says so at least this often (`keepOnline`); then it counts as gone. */
export const onlineForMs = 150_000

export type Registry = ReturnType<typeof createRegistry>

/** Who a device is, whom it belongs to, and when it was last heard of. */
export function createRegistry(deps: { db: Db; clock: Clock; keys: Pick<Keys, 'hmac'>; live: Live }) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, live } = deps
  const isoNow = (plus = 0) => new Date(clock.now() + plus).toISOString()

  return {
    /**
     * The device behind a connection, or null when the token is not its own, when the device is retired or not
     * admitted, and when another installation of the same MAC is the owner's: a MAC alone opens nothing.
     */
    async authenticateDevice(given: {
      mac: string
      client_id: string
      token: string
    }): Promise<DeviceIdentity | null> {
      const mac = normalMac(given.mac)
      if (mac === null) return null
      const row = await db.primary
        .selectFrom('devices_device as device')
        .leftJoin('devices_binding as binding', 'binding.device_id', 'device.id')
        .select([
          'device.id',
          'device.type_id',
          'device.state',
          'device.approval',
          'device.client_id',
          'device.token_epoch',
          'binding.id as binding_id',
          'binding.owner_id',
          'binding.bot_id',
        ])
        .where('device.mac', '=', mac)
        .executeTakeFirst()
      if (!row || row.state === 'retired' || row.approval !== 'approved') return null
      if (!isTokenOf(deps.keys, row, given.client_id, given.token)) return null
      if (row.binding_id !== null && row.client_id !== given.client_id) return null
      const { id: device_id, type_id, binding_id, owner_id: user_id, bot_id } = row
      return { device_id, type_id, binding_id, user_id, bot_id }
    },

    /** Notes what a device says of itself, and tells those who watch it. */
    async touch(device_id: string, facts: DeviceFacts = {}): Promise<void> {
      const now = isoNow()
      const row = await db.primary
        .updateTable('devices_device')
        .set({
          last_seen_at: now,
          first_online_at: sql`coalesce(first_online_at, ${now})`,
          ...(facts.firmware_version === undefined
            ? {}
            : { firmware_version: facts.firmware_version.slice(0, 40) }),
          ...(facts.board === undefined ? {} : { board: facts.board.slice(0, 100) }),
          ...(facts.battery === undefined
            ? {}
            : { battery: Math.round(Math.min(100, Math.max(0, facts.battery))) }),
          ...(facts.network === undefined ? {} : { network: JSON.stringify(facts.network) }),
          ...(facts.ip === undefined ? {} : { last_ip: facts.ip }),
        })
        .where('id', '=', device_id)
        .returning(presenceColumns)
        .executeTakeFirst()
      if (row) await live.presence(device_id, presenceOf(row, clock.now()))
    },

    /** A device has come: it is there from now on, by this coming and by none before it. Null for one that is gone. */
    async come(device_id: string, ip: string): Promise<Coming | null> {
      const now = isoNow()
      const row = await db.primary
        .updateTable('devices_device')
        .set({
          last_seen_at: now,
          first_online_at: sql`coalesce(first_online_at, ${now})`,
          online_until: isoNow(onlineForMs),
          presence_epoch: sql`presence_epoch + 1`,
          last_ip: ip,
        })
        .where('id', '=', device_id)
        .returning([...presenceColumns, 'presence_epoch'])
        .executeTakeFirst()
      if (!row) return null
      await live.presence(device_id, presenceOf(row, clock.now()))
      return { device_id, epoch: row.presence_epoch }
    },

    /** It has left, unless it has come again. What is still to be noted of this coming counts no more. */
    async leave({ device_id, epoch }: Coming): Promise<void> {
      const row = await db.primary
        .updateTable('devices_device')
        .set({ last_seen_at: isoNow(), online_until: null, presence_epoch: sql`presence_epoch + 1` })
        .where('id', '=', device_id)
        .where('presence_epoch', '=', epoch)
        .returning(presenceColumns)
        .executeTakeFirst()
      if (row) await live.presence(device_id, presenceOf(row, clock.now()))
    },

    async isLatest({ device_id, epoch }: Coming): Promise<boolean> {
      const row = await db.primary
        .selectFrom('devices_device')
        .select('presence_epoch')
        .where('id', '=', device_id)
        .executeTakeFirst()
      return row?.presence_epoch === epoch
    },

    /** Renews the presence of devices whose connections this process holds. Call it every minute. */
    async keepOnline(comings: readonly Coming[]): Promise<void> {
      for (let at = 0; at < comings.length; at += 1000) {
        const some = comings.slice(at, at + 1000)
        const ids = some.map(({ device_id }) => device_id)
        const epochs = some.map(({ epoch }) => epoch)
        await sql`
          UPDATE devices_device AS device SET online_until = ${isoNow(onlineForMs)}, last_seen_at = ${isoNow()}
          FROM unnest(${ids}::uuid[], ${epochs}::integer[]) AS coming (device_id, epoch)
          WHERE device.id = coming.device_id AND device.presence_epoch = coming.epoch`.execute(db.primary)
      }
    },

    /** Whose a device is and with whom it talks, as of now; null while it is nobody's. */
    async bindingOf(device_id: string): Promise<Binding | null> {
      const row = await db.primary
        .selectFrom('devices_binding')
        .select(['id as binding_id', 'owner_id', 'bot_id', 'name'])
        .where('device_id', '=', device_id)
        .executeTakeFirst()
      return row ?? null
    },

    /** What the device signs in with; it changes when `token_epoch` does, and for every `client_id`. */
    tokenOf: (device: TokenParts, client_id: string): string => {
      const [key] = deps.keys.hmac
      if (!key) throw new Error('There is no key to make device tokens with')
      return token(key.key, device, client_id)
    },
  }
}

type TokenParts = { id: string; token_epoch: number }

/** Derived, not stored: a copy of the database opens no device. */
const token = (key: Buffer, { id, token_epoch }: TokenParts, client_id: string): string =>
  `bdt_${createHmac('sha256', key).update(`device token\0${id}\0${token_epoch}\0${client_id}`).digest('base64url')}`

function isTokenOf(keys: Pick<Keys, 'hmac'>, device: TokenParts, client_id: string, given: string): boolean {
  const bytes = Buffer.from(given)
  return keys.hmac.some(({ key }) => {
    const expected = Buffer.from(token(key, device, client_id))
    return bytes.length === expected.length && timingSafeEqual(bytes, expected)
  })
}

/** A MAC as it is stored (lower case, colons), from any usual notation; null for what is none. */
export function normalMac(given: string): string | null {
  const text = given.trim()
  if (!/^(?:[0-9a-f]{2}([:-]?))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return null
  const mac = text
    .replaceAll(/[:-]/g, '')
    .toLowerCase()
    .replaceAll(/(..)(?!$)/g, '$1:')
  return mac === '00:00:00:00:00:00' || mac === 'ff:ff:ff:ff:ff:ff' ? null : mac
}

const presenceColumns = ['online_until', 'last_seen_at', 'battery', 'network', 'firmware_version'] as const

type PresenceRow = {
  online_until: string | null
  last_seen_at: string | null
  battery: number | null
  network: Network | null
  firmware_version: string | null
}

export const presenceOf = (row: PresenceRow, now: number) => ({
  is_online: row.online_until !== null && Date.parse(row.online_until) > now,
  last_seen_at: row.last_seen_at,
  battery: row.battery,
  network: row.network,
  firmware_version: row.firmware_version,
})
