import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import {
  type Command,
  type CommandView,
  commandNotFound,
  commandNotOpen,
  commandsTooMany,
} from './contract.ts'
import type { Live } from './live.ts'
import type { DevicesTables, JsonObject } from './tables.ts'

type Rows = Kysely<DevicesTables>

/** Open ones per device: more would not be worked off in one conversation. */
const maxOpen = 50
const maxResultBytes = 8192
const dayMs = 86_400_000

export const defaultExpiryMs = 7 * dayMs
export const maxExpiryMs = 30 * dayMs

/** What a device is to do, as its connection takes it. */
export type PendingCommand = { id: string; command: Command; expires_at: string }

const columns = [
  'id',
  'device_id',
  'command',
  'state',
  'result',
  'created_by',
  'created_at',
  'expires_at',
  'sent_at',
  'finished_at',
] as const

export type Commands = ReturnType<typeof createCommands>

/**
 * Commands wait for the device, whose connection is open only while somebody talks to it: they go out at once when it
 * is, and else at the beginning of the next conversation. They may arrive twice, when an acknowledgement was lost.
 */
export function createCommands(deps: { db: Db; clock: Clock; live: Live }) {
  const db = deps.db.withTables<DevicesTables>()
  const { live, clock } = deps
  const iso = (at = clock.now()) => new Date(at).toISOString()
  const open = ['queued', 'sent'] as const

  return {
    /** @throws AppError `device.too_many_commands` */
    async send(input: {
      device_id: string
      binding_id: string | null
      created_by: string | null
      command: Command
      expires_in_ms?: number
    }): Promise<CommandView> {
      const { device_id, binding_id, created_by, command, expires_in_ms = defaultExpiryMs } = input
      const now = clock.now()
      const row = await db.transaction(async tx => {
        await lockQueue(tx, device_id)
        const { count } = await tx
          .selectFrom('devices_command')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('device_id', '=', device_id)
          .where('state', 'in', open)
          .where('expires_at', '>', iso(now))
          .executeTakeFirstOrThrow()
        if (count >= maxOpen) throw commandsTooMany({ limit: maxOpen })
        return tx
          .insertInto('devices_command')
          .values({
            id: newId(),
            device_id,
            binding_id,
            broadcast_id: null,
            command: JSON.stringify(command),
            state: 'queued',
            created_by,
            result: null,
            expires_at: iso(now + Math.min(expires_in_ms, maxExpiryMs)),
            sent_at: null,
            finished_at: null,
          })
          .returning(columns)
          .executeTakeFirstOrThrow()
      })
      await live.socket(device_id, 'commands')
      await live.device(device_id, 'commands.updated')
      return commandView(row, now)
    },

    /** What waits for a device, oldest first; those sent but not acknowledged come again. */
    async pendingCommands(device_id: string): Promise<PendingCommand[]> {
      const rows = await db.primary
        .selectFrom('devices_command')
        .select(['id', 'command', 'expires_at'])
        .where('device_id', '=', device_id)
        .where('state', 'in', open)
        .where('expires_at', '>', iso())
        .orderBy('id')
        .limit(100)
        .execute()
      return rows.map(row => ({ ...row, command: row.command as Command }))
    },

    /** Notes that a command goes to the device now. False when it was taken back meanwhile, or its time is over. */
    async markSent(device_id: string, command_id: string): Promise<boolean> {
      const { numUpdatedRows } = await db.primary
        .updateTable('devices_command')
        .set({ state: 'sent', sent_at: iso() })
        .where('id', '=', command_id)
        .where('device_id', '=', device_id)
        .where('state', 'in', open)
        .where('expires_at', '>', iso())
        .executeTakeFirst()
      if (numUpdatedRows === 0n) return false
      await live.device(device_id, 'commands.updated')
      return true
    },

    /** Notes how a command of this device ended. A second answer, and one for another's command, changes nothing. */
    async acknowledgeCommand(answer: {
      device_id: string
      command_id: string
      is_done: boolean
      result?: JsonObject
    }): Promise<void> {
      const { device_id, command_id, is_done } = answer
      const json = JSON.stringify(answer.result ?? {})
      const result = Buffer.byteLength(json) > maxResultBytes ? '{"is_cut_off":true}' : json
      await db.primary
        .updateTable('devices_command')
        .set({ state: is_done ? 'done' : 'failed', result, finished_at: iso() })
        .where('id', '=', command_id)
        .where('device_id', '=', device_id)
        .where('state', 'in', open)
        .execute()
      await live.device(device_id, 'commands.updated')
    },

    /** Newest first: what was given under one ownership, or (`is_operators`) by operators. */
    async list(
      device_id: string,
      filter: { binding_id?: string; is_operators?: true; limit: number; cursor?: string | undefined },
    ): Promise<Page<CommandView>> {
      const [before] = decodeCursor(filter.cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await db.primary
        .selectFrom('devices_command')
        .select(columns)
        .where('device_id', '=', device_id)
        .$if(filter.binding_id !== undefined, query =>
          query.where('binding_id', '=', filter.binding_id ?? null),
        )
        .$if(filter.is_operators === true, query => query.where('binding_id', 'is', null))
        .$if(before !== null, query => query.where('id', '<', before ?? ''))
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
        .execute()
      const now = clock.now()
      return pageFrom(
        rows.map(row => commandView(row, now)),
        filter.limit,
        row => [row.id],
      )
    },

    /** @throws AppError `command.not_found`, `command.not_open` */
    async cancel(device_id: string, command_id: string, binding_id?: string): Promise<void> {
      const row = await db.primary
        .selectFrom('devices_command')
        .select(['id', 'binding_id'])
        .where('id', '=', command_id)
        .where('device_id', '=', device_id)
        .executeTakeFirst()
      if (!row || (binding_id !== undefined && row.binding_id !== binding_id)) throw commandNotFound()
      const { numUpdatedRows } = await db.primary
        .updateTable('devices_command')
        .set({ state: 'cancelled', finished_at: iso() })
        .where('id', '=', command_id)
        .where('state', '=', 'queued')
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw commandNotOpen()
      await live.device(device_id, 'commands.updated')
    },

    /** Ends commands whose time is over, up to `limit`; returns how many. */
    async expire(limit: number): Promise<number> {
      const { rows } = await sql<{ id: string }>`
        UPDATE devices_command SET state = 'expired', finished_at = ${iso()} WHERE id IN (
          SELECT id FROM devices_command
          WHERE state IN ('queued', 'sent') AND expires_at <= ${iso()}
          ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ) RETURNING id`.execute(db.primary)
      return rows.length
    },

    /** Removes ended commands that are older than `before`, up to `limit`; returns how many. */
    async removeEnded(before: Date, limit: number): Promise<number> {
      const { rows } = await sql<{ id: string }>`
        DELETE FROM devices_command WHERE id IN (
          SELECT id FROM devices_command
          WHERE finished_at IS NOT NULL AND finished_at < ${before.toISOString()}
          ORDER BY finished_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ) RETURNING id`.execute(db.primary)
      return rows.length
    },
  }
}

/** Those who send to one device wait for each other, so that together they do not pass the limit. */
const lockQueue = (tx: Rows, device_id: string) =>
  sql`SELECT pg_advisory_xact_lock(hashtextextended(${`devices_command ${device_id}`}, 0))`.execute(tx)

type CommandRow = Omit<CommandView, 'command'> & { command: JsonObject }

/** What nobody has swept yet is shown as what it is. */
const commandView = (row: CommandRow, now: number): CommandView => ({
  ...row,
  command: row.command as Command,
  state:
    (row.state === 'queued' || row.state === 'sent') && Date.parse(row.expires_at) <= now
      ? 'expired'
      : row.state,
})
