import type { Db } from '#core/db/db.ts'
import { isId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import { batchStore } from './batch-store.ts'
import type { Batch } from './batches.ts'
import type { CardsTables } from './tables.ts'

/** What is said on `cards.batch.{id}`, while cards are made several times a second. */
export type BatchNews = { type: 'batch.updated'; batch: Batch }

export const batchChannel = (db: Db): ChannelDefinition => ({
  pattern: 'cards.batch.:id',
  authorize: async (actor, { id = '' }) =>
    actor.permissions.has('cards.batches.manage') &&
    isId(id) &&
    (await batchStore.find(db.withTables<CardsTables>().primary, id)) !== undefined,
})

export type BatchLive = ReturnType<typeof createBatchLive>

/** Called after the commit. A message that is lost on the way is no error: the page reads the batch again. */
export const createBatchLive = ({ realtime, log }: { realtime: Realtime; log: Log }) => ({
  async updated(batch: Batch): Promise<void> {
    const news: BatchNews = { type: 'batch.updated', batch }
    try {
      await realtime.publish(`cards.batch.${batch.id}`, news)
    } catch (error) {
      log.warn({ error }, 'a live update was lost')
    }
  },
})
