import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { consumer } from '#core/events/events.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { assertAccess } from '../devices.ts'
import type { DevicesTables } from '../tables.ts'
import {
  type Stage,
  type StatisticsRow,
  stages,
  type TurnRecord,
  type TurnTables,
  turnStore,
} from './timeline.ts'

export type TurnView = Omit<TurnRecord, 'device_id' | 'user_id'>
export type StageTimes = Record<Stage, { p50_ms: number | null; p95_ms: number | null }>
export type Summary = { turns: number; aborted: number; failed: number; stages: StageTimes }
export type TurnStatistics = { days: (Summary & { day: string })[]; total: Summary }

const day_ms = 86_400_000
const nothing: Summary = {
  turns: 0,
  aborted: 0,
  failed: 0,
  stages: Object.fromEntries(stages.map(stage => [stage, { p50_ms: null, p95_ms: null }])) as StageTimes,
}

export type Turns = ReturnType<typeof createTurns>

/** What can be read of the exchanges with devices. Whoever has a device sees those under the present ownership. */
export function createTurns(deps: { db: Db; clock: Clock }) {
  const db = deps.db.withTables<TurnTables>()
  const devices = deps.db.withTables<DevicesTables>()

  async function statistics(
    { user_id, time_zone }: Actor,
    days: number,
    of: { device_id: string; user_id: string } | null,
  ): Promise<TurnStatistics> {
    const since = new Date(deps.clock.now() - days * day_ms).toISOString()
    const rows = await db.read(user_id, turns => turnStore.statistics(turns, { of, since, time_zone }))
    const total = rows.find(row => row.is_total)
    return {
      days: rows.filter(row => !row.is_total).map(row => ({ day: row.day ?? '', ...summary(row) })),
      total: total ? summary(total) : nothing,
    }
  }

  return {
    /** @throws AppError `device.not_found` */
    async list(
      actor: Actor,
      device_id: string,
      { limit, cursor }: { limit: number; cursor?: string | undefined },
    ): Promise<Page<TurnView>> {
      const { owner_id: user_id } = await assertAccess(devices.primary, actor.user_id, device_id)
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const found = await db.read(actor.user_id, rows =>
        turnStore.list(rows, { device_id, user_id, before, limit: limit + 1 }),
      )
      return pageFrom(found, limit, ({ id }) => [id])
    },
    /** @throws AppError `device.not_found` */
    async ofDevice(actor: Actor, device_id: string, days: number): Promise<TurnStatistics> {
      const { owner_id: user_id } = await assertAccess(devices.primary, actor.user_id, device_id)
      return statistics(actor, days, { device_id, user_id })
    },
    ofAll: (actor: Actor, days: number): Promise<TurnStatistics> => statistics(actor, days, null),
  }
}

const summary = (row: StatisticsRow): Summary => ({
  turns: row.turns,
  aborted: row.aborted,
  failed: row.failed,
  stages: Object.fromEntries(
    stages.map(stage => [stage, { p50_ms: row[`p50_${stage}`], p95_ms: row[`p95_${stage}`] }]),
  ) as StageTimes,
})

const eraseBatch = 1000

/** Erases the times of a deleted user's exchanges. */
export const eraseTurnsJob = ({ db }: { db: Db }) =>
  defineJob({
    name: 'devices.erase_turns',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      for (;;) {
        signal.throwIfAborted()
        const { numAffectedRows = 0n } = await sql`
          DELETE FROM devices_turn WHERE (id, started_at) IN (
            SELECT id, started_at FROM devices_turn WHERE user_id = ${user_id} LIMIT ${eraseBatch}
          )`.execute(db.primary)
        if (numAffectedRows < eraseBatch) return
      }
    },
  })

export const eraseDeletedUsersTurns = ({
  jobs,
  erase,
}: {
  jobs: Jobs
  erase: ReturnType<typeof eraseTurnsJob>
}) =>
  consumer({
    name: 'devices.erase_deleted_users_turns',
    event: UserDeleted,
    async handle({ payload: { user_id } }, tx) {
      await jobs.add(tx, erase, { user_id })
    },
  })
