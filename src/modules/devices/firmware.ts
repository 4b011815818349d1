import { createHash } from 'node:crypto'
import { type Readable, Transform } from 'node:stream'
import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { isUniqueViolation } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { ByteRange, Storage, StoredFile } from '#core/storage/storage.ts'
import { given, typeNotFound } from './catalogue.ts'
import type { Rollout } from './firmware-rollout.ts'
import { versionKey, versionPattern } from './firmware-version.ts'
import { groupNotFound } from './groups.ts'
import type { DevicesTables } from './tables.ts'

export const Firmware = z
  .object({
    id: z.uuid(),
    type_id: z.uuid(),
    type_name: z.string(),
    version: z.string(),
    min_version: z.string().nullable().describe('Only devices that have at least this version get it.'),
    notes: z.string(),
    file_name: z.string(),
    size: z.int().describe('Bytes.'),
    sha256: z.string(),
    state: z.enum(['draft', 'rolling', 'paused', 'withdrawn']),
    percent: z.int().describe('Of the devices, those that get it. The same ones as it grows.'),
    group_id: z.uuid().nullable().describe('Only devices of this group get it.'),
    group_name: z.string().nullable(),
    is_forced: z.boolean().describe('Installed over newer versions as well.'),
    installed: z.int().describe('Devices that say they run it.'),
    eligible: z.int().describe('Devices of the type.'),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'DeviceFirmware' })
export type Firmware = z.output<typeof Firmware>

const firmwareNotFound = defineError({
  code: 'firmware.not_found',
  status: 404,
  en: 'There is no such firmware.',
  'zh-CN': '没有这个固件。',
})
const versionMalformed = defineError({
  code: 'firmware.version_malformed',
  status: 422,
  en: 'A version is digits and dots, such as 2.1.10, with four parts at most: devices cannot read anything else.',
  'zh-CN': '版本号只能由数字和点组成，例如 2.1.10，最多四段：设备无法识别其他写法。',
})
const versionTaken = defineError({
  code: 'firmware.version_taken',
  status: 409,
  en: 'There is firmware {version} for this type already.',
  'zh-CN': '该类型已有 {version} 版固件。',
})
const firmwareEmpty = defineError({
  code: 'firmware.empty',
  status: 422,
  en: 'The file is empty.',
  'zh-CN': '文件是空的。',
})
const stateRefused = defineError({
  code: 'firmware.state_refused',
  status: 409,
  en: 'Firmware that was withdrawn stays withdrawn. Upload a new version.',
  'zh-CN': '已撤回的固件不能重新发布，请上传新版本。',
})
const firmwareLive = defineError({
  code: 'firmware.live',
  status: 409,
  en: 'Withdraw this firmware before you delete it.',
  'zh-CN': '请先撤回该固件，再删除。',
})

export type Releases = ReturnType<typeof createReleases>

/** Firmware that operators upload and roll out. */
export function createReleases(deps: { db: Db; storage: Storage; rollout: Rollout }) {
  const { storage, rollout } = deps
  const db = deps.db.withTables<DevicesTables>()

  async function one(id: string): Promise<Firmware> {
    const row = await firmwareRows(db.primary).where('firmware.id', '=', id).executeTakeFirst()
    if (!row) throw firmwareNotFound()
    return row
  }

  return {
    /** Newest first. */
    async list(query: {
      type_id?: string | undefined
      limit: number
      cursor?: string | undefined
    }): Promise<Page<Firmware>> {
      const [before] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await firmwareRows(db.primary)
        .$if(query.type_id !== undefined, some => some.where('firmware.type_id', '=', query.type_id ?? ''))
        .$if(before !== null, some => some.where('firmware.id', '<', before ?? ''))
        .orderBy('firmware.id', 'desc')
        .limit(query.limit + 1)
        .execute()
      return pageFrom(rows, query.limit, row => [row.id])
    },

    /** @throws AppError `firmware.not_found` */
    read: one,

    /**
     * Stores a file as a draft, which no device gets yet.
     * @throws AppError `device_type.not_found`, `firmware.version_malformed`, `firmware.version_taken`,
     *   `firmware.empty`, `storage.too_large`
     */
    async upload(
      actor: Actor,
      input: { type_id: string; version: string },
      file: { name: string; content: Readable; max_bytes: number; signal: AbortSignal },
    ): Promise<Firmware> {
      const { type_id, version } = input
      if (!versionPattern.test(version)) throw versionMalformed()
      const type = await db.primary
        .selectFrom('devices_type')
        .select('id')
        .where('id', '=', type_id)
        .executeTakeFirst()
      if (!type) throw typeNotFound()
      const id = newId()
      const storage_key = `devices/firmware/${id}`
      const hash = createHash('sha256')
      const hashed = file.content.pipe(
        new Transform({
          transform(chunk: Buffer, _encoding, done) {
            hash.update(chunk)
            done(null, chunk)
          },
        }),
      )
      file.content.once('error', error => hashed.destroy(error))
      const { size } = await storage.put(storage_key, hashed, {
        media_type: 'application/octet-stream',
        max_bytes: file.max_bytes,
        signal: file.signal,
      })
      try {
        if (size === 0) throw firmwareEmpty()
        await db.primary
          .insertInto('devices_firmware')
          .values({
            id,
            type_id,
            version,
            version_key: versionKey(version),
            min_version: null,
            file_name: file.name.slice(0, 200),
            size,
            sha256: hash.digest('hex'),
            storage_key,
            group_id: null,
            created_by: actor.user_id,
          })
          .execute()
      } catch (error) {
        await storage.delete(storage_key)
        if (isUniqueViolation(error)) throw versionTaken({ version })
        throw error
      }
      return one(id)
    },

    /**
     * Rolls firmware out, further or less far, stops it, or takes it back. Devices hear of it when they start up.
     * @throws AppError `firmware.not_found`, `firmware.state_refused`, `firmware.version_malformed`,
     *   `device_group.not_found`
     */
    async update(
      id: string,
      patch: {
        state?: 'rolling' | 'paused' | 'withdrawn' | undefined
        percent?: number | undefined
        group_id?: string | null | undefined
        is_forced?: boolean | undefined
        min_version?: string | null | undefined
        notes?: string | undefined
      },
    ): Promise<Firmware> {
      const { state } = await one(id)
      if (state === 'withdrawn' && patch.state !== undefined && patch.state !== 'withdrawn')
        throw stateRefused()
      if (patch.min_version && !versionPattern.test(patch.min_version)) throw versionMalformed()
      if (patch.group_id) {
        const group = await db.primary
          .selectFrom('devices_group')
          .select('id')
          .where('id', '=', patch.group_id)
          .executeTakeFirst()
        if (!group) throw groupNotFound()
      }
      await db.primary
        .updateTable('devices_firmware')
        .set({ ...given(patch), updated_at: sql`now()` })
        .where('id', '=', id)
        .execute()
      return one(id)
    },

    /** @throws AppError `firmware.not_found`, `firmware.live` */
    async remove(id: string): Promise<void> {
      const { state } = await one(id)
      if (state === 'rolling' || state === 'paused') throw firmwareLive()
      const gone = await db.primary
        .deleteFrom('devices_firmware')
        .where('id', '=', id)
        .returning('storage_key')
        .executeTakeFirst()
      if (gone) await storage.delete(gone.storage_key)
    },

    /**
     * The file behind an address that a device was given.
     * @throws AppError `firmware.not_found` for forged, old and withdrawn ones, `storage.range_invalid`
     */
    async open(
      token: string,
      range?: ByteRange,
    ): Promise<{ file: StoredFile; file_name: string; sha256: string }> {
      const id = rollout.releaseOf(token)
      const row = id
        ? await db.primary
            .selectFrom('devices_firmware')
            .select(['storage_key', 'file_name', 'sha256'])
            .where('id', '=', id)
            .where('state', '<>', 'withdrawn')
            .executeTakeFirst()
        : undefined
      const file = row ? await storage.get(row.storage_key, range) : null
      if (!row || !file) throw firmwareNotFound()
      return { file, file_name: row.file_name, sha256: row.sha256 }
    },

    /** The size of that file, for ranges that count from its end. @throws AppError `firmware.not_found` */
    async sizeOf(token: string): Promise<number> {
      const id = rollout.releaseOf(token)
      if (!id) throw firmwareNotFound()
      return (await one(id)).size
    },
  }
}

const firmwareRows = (db: Kysely<DevicesTables>) =>
  db
    .selectFrom('devices_firmware as firmware')
    .innerJoin('devices_type as type', 'type.id', 'firmware.type_id')
    .leftJoin('devices_group as group', 'group.id', 'firmware.group_id')
    .select([
      'firmware.id',
      'firmware.type_id',
      'type.name as type_name',
      'firmware.version',
      'firmware.min_version',
      'firmware.notes',
      'firmware.file_name',
      'firmware.size',
      'firmware.sha256',
      'firmware.state',
      'firmware.percent',
      'firmware.group_id',
      'group.name as group_name',
      'firmware.is_forced',
      'firmware.created_at',
      'firmware.updated_at',
      sql<number>`(SELECT count(*) FROM devices_device device
        WHERE device.type_id = firmware.type_id AND device.firmware_version = firmware.version)`.as(
        'installed',
      ),
      sql<number>`(SELECT count(*) FROM devices_device device
        WHERE device.type_id = firmware.type_id AND device.state IN ('activated', 'bound'))`.as('eligible'),
    ])
