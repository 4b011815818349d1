import { type Kysely, sql } from 'kysely'
import type { Db } from '#core/db/db.ts'
import { isUniqueViolation } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { given } from './catalogue.ts'
import type { DevicesTables } from './tables.ts'
import type { Group } from './views.ts'

export const groupNotFound = defineError({
  code: 'device_group.not_found',
  status: 404,
  en: 'There is no such group of devices.',
  'zh-CN': '没有这个设备组。',
})
const groupNameTaken = defineError({
  code: 'device_group.name_taken',
  status: 409,
  en: 'There is a group “{name}” already.',
  'zh-CN': '已有名为“{name}”的设备组。',
})
const groupInUse = defineError({
  code: 'device_group.in_use',
  status: 409,
  en: 'Firmware is rolled out to this group. Change that first.',
  'zh-CN': '有固件正在向该组发布，请先修改发布范围。',
})

export type Groups = ReturnType<typeof createGroups>

/** Devices that operators treat alike: testers, a shop, a region. */
export function createGroups(deps: { db: Db }) {
  const db = deps.db.withTables<DevicesTables>()

  async function one(id: string): Promise<Group> {
    const row = await groupRows(db.primary).where('group.id', '=', id).executeTakeFirst()
    if (!row) throw groupNotFound()
    return row
  }

  return {
    /** All of them, by name. */
    list: (): Promise<Group[]> => groupRows(db.primary).orderBy('name').limit(500).execute(),

    /** @throws AppError `device_group.name_taken` */
    async create({
      name,
      description = '',
    }: {
      name: string
      description?: string | undefined
    }): Promise<Group> {
      const id = newId()
      await orTaken(name, () =>
        db.primary.insertInto('devices_group').values({ id, name, description }).execute(),
      )
      return one(id)
    },

    /** @throws AppError `device_group.not_found`, `device_group.name_taken` */
    async update(
      id: string,
      patch: { name?: string | undefined; description?: string | undefined },
    ): Promise<Group> {
      const changes = given(patch)
      if (Object.keys(changes).length > 0)
        await orTaken(patch.name ?? '', () =>
          db.primary.updateTable('devices_group').set(changes).where('id', '=', id).execute(),
        )
      return one(id)
    },

    /** @throws AppError `device_group.not_found`, `device_group.in_use` */
    async remove(id: string): Promise<void> {
      await one(id)
      try {
        await db.primary.deleteFrom('devices_group').where('id', '=', id).execute()
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === '23503') throw groupInUse()
        throw error
      }
    },

    /** Puts devices in and takes others out; ids that no device has are passed over. @throws AppError `device_group.not_found` */
    async change(
      id: string,
      { add = [], remove = [] }: { add?: string[]; remove?: string[] },
    ): Promise<Group> {
      await one(id)
      await db.transaction(async tx => {
        await sql`
          INSERT INTO devices_group_device (group_id, device_id)
          SELECT ${id}, id FROM devices_device WHERE id = ANY(${add}::uuid[])
          ON CONFLICT DO NOTHING`.execute(tx)
        await sql`
          DELETE FROM devices_group_device
          WHERE group_id = ${id} AND device_id = ANY(${remove}::uuid[])`.execute(tx)
      })
      return one(id)
    },
  }
}

/** @throws AppError `device_group.name_taken` */
async function orTaken(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isUniqueViolation(error)) throw groupNameTaken({ name })
    throw error
  }
}

const groupRows = (db: Kysely<DevicesTables>) =>
  db
    .selectFrom('devices_group as group')
    .selectAll('group')
    .select(
      sql<number>`(SELECT count(*) FROM devices_group_device member WHERE member.group_id = "group".id)`.as(
        'devices',
      ),
    )
