import type { Kysely, Selectable } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { type Locale, rateLimited } from '#core/errors.ts'
import type { RateLimiter } from '#core/http/rate-limit.ts'
import { newId } from '#core/ids.ts'
import type { Activations, Proof } from './activation.ts'
import type { devicesSettings } from './config.ts'
import {
  challengeStale,
  clientIdMissing,
  deviceRefused,
  deviceRetired,
  deviceUnknown,
  macInvalid,
} from './errors.ts'
import type { Rollout } from './firmware-rollout.ts'
import { plainVersion } from './firmware-version.ts'
import { normalMac, type Registry } from './registry.ts'
import type { DevicesTables } from './tables.ts'

type Rows = Kysely<DevicesTables>
type DeviceRow = Selectable<DevicesTables['devices_device']> & { owner_id: string | null }

/** What a device's start-up request may bring. None of it is required, and what is malformed is left out. */
const word = (max: number) => z.string().min(1).max(max).optional().catch(undefined)
const StartUpBody = z.object({
  uuid: word(200),
  mac_address: word(40),
  application: z.object({ version: word(60) }).catch({}),
  board: z
    .object({
      type: word(60),
      name: word(60),
      ssid: word(64),
      rssi: z.number().min(-200).max(100).optional().catch(undefined),
      ip: word(64),
    })
    .catch({}),
})
const ProofBody = z.object({
  challenge: z.string().max(200),
  hmac: z.string().max(200),
  serial_number: z.string().max(100).optional(),
})

export type StartUpRequest = {
  device_id: string | undefined
  client_id: string | undefined
  body: unknown
  /** Of the caller. */
  ip: string
  locale: Locale
  /** Under which the device reached us: `https://ai.example.com`. */
  origin: string
}

export type StartUpAnswer = {
  server_time: { timestamp: number; timezone_offset: number }
  firmware: { version: string; url: string; force?: 1 }
  websocket: { url: string; token: string; version: 1 }
  activation?: { message: string; code?: string; challenge: string; timeout_ms: number }
}

const minute = 60_000
/** A device polls its activation every three seconds. */
const perDeviceAndMinute = 60
/** Devices show Chinese time whatever their user's zone is; the zone of the answer is that of calendar rules. */
const timezoneOffsetMinutes = 480

export type StartUps = ReturnType<typeof createStartUps>

/**
 * What a device asks when it is switched on, and how it learns that it has an owner.
 *
 * A MAC is printed on the box and sent over the air, so it proves nothing. What tells one installation from another
 * is the random Client-Id in the device's memory: the token is made for that pair, a bound device answers to the pair
 * that its owner claimed, and a request with the same MAC and another Client-Id is a stranger, who is shown digits of
 * its own, reads nothing, and changes nothing.
 */
export function createStartUps(deps: {
  db: Db
  clock: Clock
  settings: Settings<typeof devicesSettings>
  rateLimiter: RateLimiter
  activations: Activations
  registry: Registry
  rollout: Rollout
}) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, settings, activations, registry, rollout } = deps

  async function limit(ip: string, mac: string) {
    const perAddress = settings.DEVICES_START_UPS_PER_MINUTE
    if (perAddress === 0) return
    for (const [key, capacity] of [
      [`devices.ip:${ip}`, perAddress],
      [`devices.mac:${ip} ${mac}`, perDeviceAndMinute],
    ] as const) {
      const taken = await deps.rateLimiter.take(key, { capacity, per_ms: minute })
      if (taken.allowed) continue
      const seconds = Math.max(1, Math.ceil(taken.retry_after_ms / 1000))
      throw rateLimited({ seconds }, { retryAfter: seconds })
    }
  }

  /** Who asks. @throws AppError `device.mac_invalid`, `device.client_id_missing`, `rate.limited` */
  async function caller(request: Pick<StartUpRequest, 'device_id' | 'client_id' | 'body' | 'ip'>) {
    const body = StartUpBody.safeParse(request.body ?? {}).data ?? { application: {}, board: {} }
    const mac = normalMac(request.device_id || body.mac_address || '')
    if (mac === null) throw macInvalid()
    await limit(request.ip, mac)
    const client_id = (request.client_id || body.uuid || '').slice(0, 200)
    if (client_id === '') throw clientIdMissing()
    return { mac, client_id, body }
  }

  /** @throws AppError `device.unknown` */
  async function findOrAdmit(mac: string): Promise<DeviceRow> {
    const known = await findDevice(db.primary, mac)
    if (known) return known
    if (settings.DEVICES_UNKNOWN === 'refuse') throw deviceUnknown({ mac })
    await db.primary
      .insertInto('devices_device')
      .columns(['id', 'type_id', 'mac', 'state', 'approval'])
      .expression(eb =>
        eb
          .selectFrom('devices_type')
          .where('is_default', '=', true)
          .select([
            eb.val(newId()).$castTo<string>().as('id'),
            'id as type_id',
            eb.val(mac).as('mac'),
            eb.val('activated').as('state'),
            eb.val(settings.DEVICES_UNKNOWN === 'approve' ? 'pending' : 'approved').as('approval'),
          ]),
      )
      .onConflict(conflict => conflict.doNothing())
      .execute()
    const made = await findDevice(db.primary, mac)
    if (!made) throw deviceUnknown({ mac })
    return made
  }

  function assertInService({ state, approval, mac }: DeviceRow) {
    if (state === 'retired') throw deviceRetired({ mac })
    if (approval === 'refused') throw deviceRefused({ mac })
  }

  return {
    /**
     * @throws AppError `device.mac_invalid`, `device.client_id_missing`, `device.unknown`, `device.refused`,
     *   `device.retired`, `rate.limited`
     */
    async startUp(request: StartUpRequest): Promise<StartUpAnswer> {
      const { mac, client_id, body } = await caller(request)
      const device = await findOrAdmit(mac)
      assertInService(device)
      const isOwn = device.owner_id !== null && device.client_id === client_id
      const isStranger = device.owner_id !== null && !isOwn
      const { version } = body.application
      const own = plainVersion(version ?? '') ?? '0.0.0'
      if (!isStranger) {
        if (device.state === 'produced') await markActivated(db.primary, device.id)
        await registry.touch(device.id, factsOf(body, request.ip))
      }
      const release = isStranger ? null : await rollout.releaseFor(device, own)
      return {
        server_time: { timestamp: clock.now(), timezone_offset: timezoneOffsetMinutes },
        firmware: release
          ? {
              version: release.version,
              url: `${request.origin}${release.path}`,
              ...(release.is_forced ? { force: 1 } : {}),
            }
          : { version: own, url: '' },
        websocket: {
          url: `${request.origin.replace(/^http/, 'ws')}/api/v1/devices/ws`,
          token: registry.tokenOf(device, client_id),
          // Said each time, since devices keep what they were last told.
          version: 1,
        },
        ...(isOwn ? {} : { activation: await activationOf(device, client_id, request) }),
      }
    },

    /**
     * Whether the device has an owner by now. With a proof, that is checked too.
     * @throws AppError as `startUp`, `device.proof_invalid`, `activation.stale`
     */
    async activate(request: Omit<StartUpRequest, 'origin' | 'locale'>): Promise<{ is_bound: boolean }> {
      const { mac, client_id } = await caller(request)
      const device = await findDevice(db.primary, mac)
      if (!device) throw challengeStale()
      assertInService(device)
      if (device.owner_id !== null && device.client_id === client_id) return { is_bound: true }
      if (device.approval === 'pending') return { is_bound: false }
      const activation = await activations.latest(device.id, client_id)
      if (!activation?.is_open || Date.parse(activation.expires_at) <= clock.now()) throw challengeStale()
      const proof = proofIn(request.body)
      if (proof) await activations.prove(activation, device, proof)
      return { is_bound: false }
    },
  }

  async function activationOf(device: DeviceRow, client_id: string, { locale }: StartUpRequest) {
    const timeout_ms = 30_000
    if (device.approval === 'pending') {
      const message = locale === 'en' ? 'Waiting for the operator' : '等待管理员批准'
      // Without a code: the device keeps asking, and has no digits to speak.
      return { message, challenge: device.id, timeout_ms }
    }
    const { code, challenge } = await activations.open(device.id, client_id)
    const message = locale === 'en' ? `Add this device with\n${code}` : `请添加设备，验证码\n${code}`
    return { message, code, challenge, timeout_ms }
  }
}

const findDevice = (db: Rows, mac: string): Promise<DeviceRow | undefined> =>
  db
    .selectFrom('devices_device as device')
    .leftJoin('devices_binding as binding', 'binding.device_id', 'device.id')
    .selectAll('device')
    .select('binding.owner_id')
    .where('device.mac', '=', mac)
    .executeTakeFirst()

const markActivated = (db: Rows, id: string) =>
  db
    .updateTable('devices_device')
    .set({ state: 'activated' })
    .where('id', '=', id)
    .where('state', '=', 'produced')
    .execute()

function factsOf({ application, board }: z.output<typeof StartUpBody>, ip: string) {
  const { type, name, ssid, rssi } = board
  return {
    ip,
    ...(application.version ? { firmware_version: application.version } : {}),
    ...((name ?? type) ? { board: name ?? type ?? '' } : {}),
    ...(ssid || rssi !== undefined || board.ip
      ? {
          network: {
            type: 'wifi',
            ...(ssid ? { ssid } : {}),
            ...(rssi === undefined ? {} : { rssi }),
            ...(board.ip ? { ip: board.ip } : {}),
          },
        }
      : {}),
  }
}

/** The proof in a body: some clients wrap it as `{Payload}`. Bodies of devices without a factory key are empty. */
function proofIn(body: unknown): Proof | null {
  const inner = z.object({ Payload: z.unknown() }).safeParse(body).data?.Payload ?? body
  return ProofBody.safeParse(inner).data ?? null
}
