import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { isId } from '#core/ids.ts'
import type { Keys } from '#core/security/key-file.ts'
import { versionKey } from './firmware-version.ts'
import type { DevicesTables } from './tables.ts'

/** How long the address of a firmware file holds: longer than any download, short enough to be no public mirror. */
const addressLifeMs = 24 * 60 * 60_000

export type Rollout = ReturnType<typeof createRollout>

/** Which device gets which firmware, and where it fetches it. */
export function createRollout(deps: { db: Db; clock: Clock; keys: Pick<Keys, 'hmac'> }) {
  const db = deps.db.withTables<DevicesTables>()
  const sign = (key: Buffer, text: string) =>
    createHmac('sha256', key).update(`firmware file\0${text}`).digest('base64url').slice(0, 32)

  return {
    /** The newest release that has reached this device and suits it, or null when it has that already. */
    async releaseFor(
      device: { id: string; type_id: string },
      version: string,
    ): Promise<{ version: string; path: string; is_forced: boolean } | null> {
      const rows = await db.primary
        .selectFrom('devices_firmware as firmware')
        .leftJoin('devices_group_device as member', join =>
          join.onRef('member.group_id', '=', 'firmware.group_id').on('member.device_id', '=', device.id),
        )
        .select([
          'firmware.id',
          'firmware.version',
          'firmware.version_key',
          'firmware.min_version',
          'firmware.percent',
          'firmware.is_forced',
          'firmware.group_id',
          'member.device_id as member_id',
        ])
        .where('firmware.type_id', '=', device.type_id)
        .where('firmware.state', '=', 'rolling')
        .orderBy('firmware.version_key', 'desc')
        .execute()
      const present = versionKey(version)
      const found = rows.find(
        row =>
          (row.is_forced || row.version_key >= present) &&
          (row.min_version === null || versionKey(row.min_version) <= present) &&
          (row.group_id === null || row.member_id !== null) &&
          isReached(row.id, device.id, row.percent),
      )
      // One that is there already stands against older ones that are forced: the device would go to and fro.
      if (!found || found.version_key === present) return null
      const path = `/api/v1/devices/firmware-files/${fileToken(found.id)}`
      return { version: found.version, path, is_forced: found.is_forced }
    },

    /** The release that a file's address stands for, or null for a forged or old one. */
    releaseOf(token: string): string | null {
      const [id = '', expiry = '', signature = ''] = token.split('.')
      if (!isId(id) || !(Number.parseInt(expiry, 36) * 1000 > deps.clock.now())) return null
      const isSigned = deps.keys.hmac.some(({ key }) => {
        const expected = Buffer.from(sign(key, `${id}.${expiry}`))
        const given = Buffer.from(signature)
        return given.length === expected.length && timingSafeEqual(given, expected)
      })
      return isSigned ? id : null
    },
  }

  function fileToken(id: string): string {
    const [key] = deps.keys.hmac
    if (!key) throw new Error('There is no key to sign addresses with')
    // By the hour, so that a device that asks often is told the same address.
    const hour = 60 * 60_000
    const expires = (Math.floor(deps.clock.now() / hour) * hour + hour + addressLifeMs) / 1000
    const text = `${id}.${expires.toString(36)}`
    return `${text}.${sign(key.key, text)}`
  }
}

/**
 * Whether a release that is rolled out to `percent` of all devices has reached this one. The same answer each time; a
 * higher percentage only adds devices; and each release begins with others.
 */
export function isReached(release_id: string, device_id: string, percent: number): boolean {
  const digest = createHash('sha256').update(`${release_id} ${device_id}`).digest()
  return digest.readUInt32BE(0) % 10_000 < percent * 100
}
