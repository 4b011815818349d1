import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { isUniqueViolation } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import { checkSchema } from './properties.ts'
import type { DevicesTables, JsonObject } from './tables.ts'
import type { Batch, DeviceType } from './views.ts'

type Rows = Kysely<DevicesTables>

export const typeNotFound = defineError({
  code: 'device_type.not_found',
  status: 404,
  en: 'There is no such type of device.',
  'zh-CN': '没有这个设备类型。',
})
const typeKeyTaken = defineError({
  code: 'device_type.key_taken',
  status: 409,
  en: 'Another type has the key “{key}”.',
  'zh-CN': '标识“{key}”已被其他类型使用。',
})
const typeInUse = defineError({
  code: 'device_type.in_use',
  status: 409,
  en: 'There are devices, batches or firmware of this type, or it is what unlisted devices become. It cannot be deleted.',
  'zh-CN': '该类型下有设备、批次或固件，或是未登记设备的默认类型，不能删除。',
})
const serialsInvalid = defineError({
  code: 'device_batch.serials_invalid',
  status: 422,
  en: 'No device could have a serial number of this range.',
  'zh-CN': '没有设备能符合这个序列号范围。',
})
export const batchNotFound = defineError({
  code: 'device_batch.not_found',
  status: 404,
  en: 'There is no such production batch.',
  'zh-CN': '没有这个生产批次。',
})

export type TypeInput = {
  key: string
  name: string
  category: string
  description?: string | undefined
  properties_schema?: JsonObject | undefined
  capabilities?: string[] | undefined
}
export type BatchInput = {
  type_id: string
  name: string
  factory?: string | undefined
  produced_on?: string | null | undefined
  serial_from?: string | null | undefined
  serial_to?: string | null | undefined
  requires_proof?: boolean | undefined
  notes?: string | undefined
}
type Patch<T> = { [K in keyof T]?: T[K] | undefined }

export type Catalogue = ReturnType<typeof createCatalogue>

/** What is made: types of devices, and production batches. */
export function createCatalogue(deps: { db: Db }) {
  const db = deps.db.withTables<DevicesTables>()

  async function oneType(id: string): Promise<DeviceType> {
    const row = await typeRows(db.primary).where('type.id', '=', id).executeTakeFirst()
    if (!row) throw typeNotFound()
    return row
  }
  async function oneBatch(id: string): Promise<Batch> {
    const row = await batchRows(db.primary).where('batch.id', '=', id).executeTakeFirst()
    if (!row) throw batchNotFound()
    return row
  }

  return {
    /** All of them; there are few. */
    types: (): Promise<DeviceType[]> => typeRows(db.primary).orderBy('type.id').limit(500).execute(),

    /** @throws AppError `device_type.not_found` */
    type: oneType,

    /** @throws AppError `device_type.key_taken`, `device_type.schema_invalid` */
    async createType(input: TypeInput): Promise<DeviceType> {
      const { properties_schema = { type: 'object', properties: {}, additionalProperties: false } } = input
      checkSchema(properties_schema)
      const id = newId()
      await orTaken(input.key, () =>
        db.primary
          .insertInto('devices_type')
          .values({
            id,
            key: input.key,
            name: input.name,
            category: input.category,
            description: input.description ?? '',
            properties_schema: JSON.stringify(properties_schema),
            capabilities: JSON.stringify(input.capabilities ?? []),
          })
          .execute(),
      )
      return oneType(id)
    },

    /** @throws AppError `device_type.not_found`, `device_type.key_taken`, `device_type.schema_invalid` */
    async updateType(id: string, patch: Patch<TypeInput> & { is_default?: true | undefined }) {
      const { properties_schema, capabilities, is_default, ...rest } = patch
      if (properties_schema) checkSchema(properties_schema)
      await orTaken(patch.key ?? '', () =>
        db.transaction(async tx => {
          if (is_default)
            await tx
              .updateTable('devices_type')
              .set({ is_default: false })
              .where('is_default', '=', true)
              .where('id', '<>', id)
              .execute()
          await tx
            .updateTable('devices_type')
            .set({
              ...given(rest),
              ...(is_default ? { is_default } : {}),
              ...(properties_schema ? { properties_schema: JSON.stringify(properties_schema) } : {}),
              ...(capabilities ? { capabilities: JSON.stringify(capabilities) } : {}),
              updated_at: sql`now()`,
            })
            .where('id', '=', id)
            .execute()
        }),
      )
      return oneType(id)
    },

    /** @throws AppError `device_type.not_found`, `device_type.in_use` */
    async removeType(id: string): Promise<void> {
      const { is_default } = await oneType(id)
      if (is_default) throw typeInUse()
      try {
        await db.primary.deleteFrom('devices_type').where('id', '=', id).execute()
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === '23503') throw typeInUse()
        throw error
      }
    },

    /** Newest first. */
    async batches(query: { limit: number; cursor?: string | undefined }): Promise<Page<Batch>> {
      const [before] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await batchRows(db.primary)
        .$if(before !== null, some => some.where('batch.id', '<', before ?? ''))
        .orderBy('batch.id', 'desc')
        .limit(query.limit + 1)
        .execute()
      return pageFrom(rows, query.limit, row => [row.id])
    },

    /** @throws AppError `device_batch.not_found` */
    batch: oneBatch,

    /** @throws AppError `device_type.not_found`, `device_batch.serials_invalid` */
    async createBatch(input: BatchInput): Promise<Batch> {
      await oneType(input.type_id)
      checkSerials(input)
      const id = newId()
      await db.primary
        .insertInto('devices_batch')
        .values({
          id,
          type_id: input.type_id,
          name: input.name,
          factory: input.factory ?? '',
          produced_on: input.produced_on ?? null,
          serial_from: input.serial_from ?? null,
          serial_to: input.serial_to ?? null,
          requires_proof: input.requires_proof ?? false,
          notes: input.notes ?? '',
        })
        .execute()
      return oneBatch(id)
    },

    /** @throws AppError `device_batch.not_found`, `device_batch.serials_invalid` */
    async updateBatch(id: string, patch: Patch<Omit<BatchInput, 'type_id'>>): Promise<Batch> {
      const changes = given(patch)
      if (Object.keys(changes).length > 0)
        await db.transaction(async tx => {
          const serials = await tx
            .updateTable('devices_batch')
            .set(changes)
            .where('id', '=', id)
            .returning(['serial_from', 'serial_to'])
            .executeTakeFirst()
          if (serials && ('serial_from' in changes || 'serial_to' in changes)) checkSerials(serials)
        })
      return oneBatch(id)
    },
  }
}

/**
 * Ranges are of texts of one length, as factories count.
 * @throws AppError `device_batch.serials_invalid`
 */
function checkSerials({ serial_from, serial_to }: Pick<BatchInput, 'serial_from' | 'serial_to'>): void {
  if (!serial_from || !serial_to) return
  if (serial_from.length === serial_to.length && serial_from <= serial_to) return
  const detail = {
    en: 'Must be as long as the first serial number, and not come before it.',
    'zh-CN': '应与起始序列号长度相同，且不能排在它之前。',
  }
  throw serialsInvalid({}, { issues: [{ pointer: '/body/serial_to', detail }] })
}

/** @throws AppError `device_type.key_taken` */
async function orTaken(key: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isUniqueViolation(error, 'devices_type_key_key')) throw typeKeyTaken({ key })
    throw error
  }
}

/** Without what was left out. */
export const given = <T extends object>(patch: T) =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const typeRows = (db: Rows) =>
  db
    .selectFrom('devices_type as type')
    .selectAll('type')
    .select(
      sql<number>`(SELECT count(*) FROM devices_device device WHERE device.type_id = type.id)`.as('devices'),
    )

const batchRows = (db: Rows) =>
  db
    .selectFrom('devices_batch as batch')
    .innerJoin('devices_type as type', 'type.id', 'batch.type_id')
    .selectAll('batch')
    .select([
      'type.name as type_name',
      sql<number>`(SELECT count(*) FROM devices_device device WHERE device.batch_id = batch.id)`.as(
        'devices',
      ),
      sql<number>`(SELECT count(*) FROM devices_device device
        WHERE device.batch_id = batch.id AND device.first_online_at IS NOT NULL)`.as('activated'),
    ])
