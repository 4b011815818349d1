import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { typeNotFound } from './catalogue.ts'
import { defaultExpiryMs } from './commands.ts'
import { Command } from './contract.ts'
import { groupNotFound } from './groups.ts'
import type { Live } from './live.ts'
import type { DevicesTables } from './tables.ts'

export const Broadcast = z
  .object({
    id: z.uuid(),
    type_id: z.uuid().nullable(),
    type_name: z.string().nullable(),
    group_id: z.uuid().nullable(),
    group_name: z.string().nullable(),
    command: Command,
    total: z.int().nullable().describe('Devices that it is for; null until they are counted.'),
    sent: z.int().describe('Devices for which it is queued.'),
    is_done: z.boolean(),
    done: z.int().describe('Devices that have carried it out.'),
    failed: z.int(),
    job_id: z.uuid().nullable(),
    created_at: z.string(),
    expires_at: z.string(),
  })
  .meta({ id: 'DeviceBroadcast' })
export type Broadcast = z.output<typeof Broadcast>

const broadcastNotFound = defineError({
  code: 'device_broadcast.not_found',
  status: 404,
  en: 'There is no such broadcast.',
  'zh-CN': '没有这次群发。',
})

const batch = 1000
const lowestId = '00000000-0000-0000-0000-000000000000'
type Target = { type_id: string | null; group_id: string | null }

export type Broadcasts = ReturnType<typeof createBroadcasts>

/** One command to all devices of a type, of a group, or to all that there are. */
export function createBroadcasts(deps: { db: Db; clock: Clock; jobs: Jobs; live: Live }) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, live } = deps

  const job = defineJob({
    name: 'devices.broadcast_command',
    schema: z.object({ broadcast_id: z.uuid() }),
    timeout_ms: 60 * 60_000,
    async run({ broadcast_id }, { signal, progress }) {
      const target = await start(broadcast_id)
      if (!target) return
      const { total } = target
      let sent = 0
      for (;;) {
        signal.throwIfAborted()
        const ids = await sendBatch(broadcast_id)
        if (ids.length === 0) break
        sent += ids.length
        for (const id of ids) await live.socket(id, 'commands')
        await progress(Math.min(1, sent / Math.max(1, total)))
      }
    },
  })

  async function start(id: string): Promise<{ total: number } | null> {
    const row = await db.primary
      .selectFrom('devices_broadcast')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (!row || row.is_done) return null
    const { rows } = await sql<{ total: number }>`
      UPDATE devices_broadcast SET total = (SELECT count(*) FROM devices_device device WHERE ${reached(row)})
      WHERE id = ${id} RETURNING total`.execute(db.primary)
    return rows[0] ?? null
  }

  /** Queues the command for the next thousand, in one transaction with where it stopped; their ids. */
  const sendBatch = (id: string): Promise<string[]> =>
    db.transaction(async tx => {
      const row = await tx
        .selectFrom('devices_broadcast')
        .selectAll()
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      if (!row || row.is_done) return []
      const { rows } = await sql<{ id: string }>`
        SELECT id FROM devices_device device
        WHERE ${reached(row)} AND id > ${row.last_device_id ?? lowestId}
        ORDER BY id LIMIT ${batch}`.execute(tx)
      const ids = rows.map(device => device.id)
      const commands = ids.map(device_id => ({ id: newId(), device_id }))
      await sql`
        INSERT INTO devices_command (id, device_id, broadcast_id, command, state, created_by, expires_at)
        SELECT id, device_id, ${id}, ${JSON.stringify(row.command)}::jsonb, 'queued', ${row.created_by}::uuid,
          ${row.expires_at}::timestamptz
        FROM jsonb_to_recordset(${JSON.stringify(commands)}::jsonb) AS given (id uuid, device_id uuid)
        ON CONFLICT DO NOTHING`.execute(tx)
      await tx
        .updateTable('devices_broadcast')
        .set({
          sent: sql`sent + ${ids.length}`,
          last_device_id: ids.at(-1) ?? row.last_device_id,
          is_done: ids.length < batch,
        })
        .where('id', '=', id)
        .execute()
      return ids
    })

  async function one(id: string): Promise<Broadcast> {
    const row = await broadcastRows(db.primary).where('broadcast.id', '=', id).executeTakeFirst()
    if (!row) throw broadcastNotFound()
    return view(row)
  }

  return {
    job,

    /** @throws AppError `device_type.not_found`, `device_group.not_found` */
    async create(
      actor: Actor,
      input: {
        command: Command
        type_id?: string | undefined
        group_id?: string | undefined
        expires_in_s?: number | undefined
      },
    ): Promise<Broadcast> {
      const { type_id = null, group_id = null, command } = input
      await assertTarget(db.primary, { type_id, group_id })
      const id = newId()
      const life = input.expires_in_s === undefined ? defaultExpiryMs : input.expires_in_s * 1000
      await db.transaction(async tx => {
        await tx
          .insertInto('devices_broadcast')
          .values({
            id,
            type_id,
            group_id,
            command: JSON.stringify(command),
            expires_at: new Date(clock.now() + life).toISOString(),
            total: null,
            last_device_id: null,
            job_id: null,
            created_by: actor.user_id,
          })
          .execute()
        const job_id = await deps.jobs.add(tx, job, { broadcast_id: id }, { owner_id: actor.user_id })
        await tx.updateTable('devices_broadcast').set({ job_id }).where('id', '=', id).execute()
      })
      return one(id)
    },

    /** Newest first. */
    async list(query: { limit: number; cursor?: string | undefined }): Promise<Page<Broadcast>> {
      const [before] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await broadcastRows(db.primary)
        .$if(before !== null, some => some.where('broadcast.id', '<', before ?? ''))
        .orderBy('broadcast.id', 'desc')
        .limit(query.limit + 1)
        .execute()
      return pageFrom(rows.map(view), query.limit, row => [row.id])
    },

    /** @throws AppError `device_broadcast.not_found` */
    read: one,

    /** Stops it, and takes back what devices have not fetched yet. @throws AppError `device_broadcast.not_found` */
    async cancel(id: string): Promise<Broadcast> {
      await db.transaction(async tx => {
        await tx.updateTable('devices_broadcast').set({ is_done: true }).where('id', '=', id).execute()
        await tx
          .updateTable('devices_command')
          .set({ state: 'cancelled', finished_at: new Date(clock.now()).toISOString() })
          .where('broadcast_id', '=', id)
          .where('state', '=', 'queued')
          .execute()
      })
      return one(id)
    },
  }
}

const reached = ({ type_id, group_id }: Target) => sql<boolean>`
  device.state IN ('activated', 'bound') AND device.approval = 'approved'
  AND (${type_id}::uuid IS NULL OR device.type_id = ${type_id}::uuid)
  AND (${group_id}::uuid IS NULL OR EXISTS (
    SELECT FROM devices_group_device member
    WHERE member.group_id = ${group_id}::uuid AND member.device_id = device.id))`

async function assertTarget(db: Kysely<DevicesTables>, { type_id, group_id }: Target) {
  const exists = (table: 'devices_type' | 'devices_group', id: string) =>
    db.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst()
  if (type_id && !(await exists('devices_type', type_id))) throw typeNotFound()
  if (group_id && !(await exists('devices_group', group_id))) throw groupNotFound()
}

const broadcastRows = (db: Kysely<DevicesTables>) =>
  db
    .selectFrom('devices_broadcast as broadcast')
    .leftJoin('devices_type as type', 'type.id', 'broadcast.type_id')
    .leftJoin('devices_group as group', 'group.id', 'broadcast.group_id')
    .select([
      'broadcast.id',
      'broadcast.type_id',
      'type.name as type_name',
      'broadcast.group_id',
      'group.name as group_name',
      'broadcast.command',
      'broadcast.total',
      'broadcast.sent',
      'broadcast.is_done',
      'broadcast.job_id',
      'broadcast.created_at',
      'broadcast.expires_at',
      sql<number>`(SELECT count(*) FROM devices_command command
        WHERE command.broadcast_id = broadcast.id AND command.state = 'done')`.as('done'),
      sql<number>`(SELECT count(*) FROM devices_command command
        WHERE command.broadcast_id = broadcast.id AND command.state = 'failed')`.as('failed'),
    ])

type BroadcastRow = Awaited<ReturnType<ReturnType<typeof broadcastRows>['execute']>>[number]

const view = (row: BroadcastRow): Broadcast => ({ ...row, command: row.command as Command })
