import { sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { type ConsumerDefinition, consumer } from '#core/events/events.ts'
import { defineJob, type JobDefinition, type Jobs } from '#core/jobs/jobs.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { lockChains } from './usage-sealing.ts'

export type EraseJob = JobDefinition<{ user_id: string }>

const rowsAtOnce = 500

/**
 * Erases what redeeming holds of a user. Cards stay redeemed and the log keeps its rows, without anybody's name; its
 * chain still proves them, since that covers people only by a salted digest, and the salt goes too. The id of an
 * administrator who undid something stays: it leads to a nameless row of identity.
 */
export const eraseJob = ({ db }: { db: Db<RedemptionTables> }): EraseJob =>
  defineJob({
    name: 'cards.erase_user',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      await db.primary.deleteFrom('cards_guard').where('scope', '=', `user:${user_id}`).execute()
      for (const step of [eraseLedger, eraseLog])
        for (let erased = rowsAtOnce; erased >= rowsAtOnce; ) {
          signal.throwIfAborted()
          erased = await step(db, user_id)
        }
    },
  })

export const eraseDeletedUsers = ({ jobs, erase }: { jobs: Jobs; erase: EraseJob }): ConsumerDefinition =>
  consumer({
    name: 'cards.erase_deleted_user',
    event: UserDeleted,
    async handle({ payload: { user_id } }, tx) {
      await jobs.add(tx, erase, { user_id })
    },
  })

const eraseLedger = (db: Db<RedemptionTables>, userId: string): Promise<number> =>
  db.transaction(async tx => {
    const { rows } = await sql<{ id: string }>`
      WITH erased AS (
        SELECT id, batch_id, number FROM cards_redemption WHERE user_id = ${userId} LIMIT ${rowsAtOnce} FOR UPDATE
      ),
      cards AS (
        UPDATE cards_card card SET redeemed_by = NULL FROM erased
        WHERE card.batch_id = erased.batch_id AND card.number = erased.number AND card.redeemed_by = ${userId}
      )
      UPDATE cards_redemption SET user_id = NULL WHERE id IN (SELECT id FROM erased) RETURNING id`.execute(tx)
    return rows.length
  })

const eraseLog = (db: Db<RedemptionTables>, userId: string): Promise<number> =>
  db.transaction(async tx => {
    // No row may move from one table to the other meanwhile.
    await lockChains(tx)
    await sql`UPDATE cards_usage_pending SET user_id = NULL, ip = NULL, region = NULL, note = NULL
      WHERE user_id = ${userId}`.execute(tx)
    const { numAffectedRows } = await sql`
      UPDATE cards_usage SET user_id = NULL, acting_user_id = NULL, ip = NULL, region = NULL, note = NULL, salt = NULL
      WHERE (batch_id, seq) IN (
        SELECT batch_id, seq FROM cards_usage WHERE user_id = ${userId} LIMIT ${rowsAtOnce})`.execute(tx)
    return Number(numAffectedRows ?? 0)
  })
