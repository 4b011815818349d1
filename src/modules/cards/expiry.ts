import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import { redemptionStore } from './redemption-store.ts'
import type { RedemptionTables } from './redemption-tables.ts'

const cardsAtOnce = 5000

/**
 * Marks what is left of batches whose time is over, a few thousand cards at a time; after a crash it goes on where it
 * was. Redeeming does not wait for it: a card ends at the moment its batch does.
 */
export const expireJob = ({
  db,
  clock,
  settleSoon,
}: {
  db: Db<RedemptionTables>
  clock: Clock
  settleSoon: () => void
}): JobDefinition<Record<string, never>> =>
  defineJob({
    name: 'cards.expire_cards',
    schema: z.object({}) as z.ZodType<Record<string, never>>,
    timeout_ms: 3_600_000,
    concurrency: 1,
    async run(_, { signal, log }) {
      for (;;) {
        signal.throwIfAborted()
        const step = await db.transaction(tx => expireSome(tx, new Date(clock.now()).toISOString()))
        if (step === null) return
        if (!step.isFinished) continue
        settleSoon()
        log.info({ batch_id: step.batch_id, cards: step.expired }, 'the rest of a batch has expired')
      }
    },
  })

type Transaction = Parameters<typeof redemptionStore.lock>[0]

/** A stretch of the oldest batch that has ended and is not done; null when there is none. */
async function expireSome(tx: Transaction, at: string) {
  const { rows } = await sql<{ batch_id: string; quantity: number; next_number: number; expired: number }>`
    SELECT batch.id AS batch_id, batch.quantity, coalesce(done.next_number, 1) AS next_number,
      coalesce(done.expired, 0) AS expired
    FROM cards_batch batch LEFT JOIN cards_expiry done ON done.batch_id = batch.id
    WHERE batch.expires_at <= ${at}::timestamptz AND batch.state IN ('released', 'frozen')
      AND done.finished_at IS NULL
    ORDER BY batch.id LIMIT 1 FOR UPDATE OF batch`.execute(tx)
  const [batch] = rows
  if (!batch) return null
  const { batch_id, quantity } = batch
  const end = batch.next_number + cardsAtOnce
  const changed = await tx
    .updateTable('cards_card')
    .set({ state: 'expired' })
    .where('batch_id', '=', batch_id)
    .where('number', '>=', batch.next_number)
    .where('number', '<', end)
    .where('state', '=', 'issued')
    .executeTakeFirst()
  const expired = batch.expired + Number(changed.numUpdatedRows)
  const isFinished = end > quantity
  const progress = { next_number: end, expired, finished_at: isFinished ? at : null }
  await tx
    .insertInto('cards_expiry')
    .values({ batch_id, ...progress })
    .onConflict(conflict => conflict.column('batch_id').doUpdateSet(progress))
    .execute()
  if (isFinished && expired > 0)
    await redemptionStore.log(tx, {
      id: newId(),
      at,
      action: 'expired',
      batch_id,
      number: null,
      cards: expired,
    })
  return { batch_id, expired, isFinished }
}
