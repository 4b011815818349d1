import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { consumer } from '#core/events/events.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import type { Attachments } from './attachments.ts'
import type { chatSettings } from './config.ts'
import { conversationStore } from './conversation-store.ts'
import type { Shares } from './shares.ts'
import type { ChatTables } from './tables.ts'

const day = 86_400_000
const hour = 3_600_000
const batch = 50
const lowestId = '00000000-0000-0000-0000-000000000000'

/** Removes for good what was deleted long enough ago, and temporary conversations that have fallen silent. */
export const purgeJob = (deps: { db: Db; settings: Settings<typeof chatSettings> }) =>
  defineJob({
    name: 'chat.purge_conversations',
    schema: z.object({}),
    async run(_payload, { signal, log }) {
      const { primary } = deps.db.withTables<ChatTables>()
      const deletedBefore = new Date(Date.now() - deps.settings.CHAT_DELETED_DAYS * day)
      const silentSince = new Date(Date.now() - deps.settings.CHAT_TEMPORARY_HOURS * hour)
      const removed = await inBatches(signal, () =>
        conversationStore.purge(primary, deletedBefore, silentSince, batch),
      )
      if (removed > 0) log.info({ conversations: removed }, 'removed for good')
    },
  })

/** Removes uploads that no message took within a day, and those whose messages are gone. */
export const sweepJob = (deps: { attachments: Pick<Attachments, 'removeUnused'> }) =>
  defineJob({
    name: 'chat.sweep_attachments',
    schema: z.object({}),
    async run(_payload, { signal, log }) {
      const before = new Date(Date.now() - day)
      const removed = await inBatches(signal, () => deps.attachments.removeUnused(before, batch))
      if (removed > 0) log.info({ files: removed }, 'removed for good')
    },
  })

/** Brings the owners' copies of share links under the present key, so that an old one can go. */
export const resealJob = (deps: { shares: Pick<Shares, 'reseal'> }) =>
  defineJob({
    name: 'chat.reseal_shares',
    schema: z.object({}),
    async run(_payload, { signal }) {
      let last: string | null = lowestId
      while (last !== null && !signal.aborted) last = await deps.shares.reseal(last, batch)
    },
  })

/** Erases what Chat holds of a user who was deleted, bit by bit. */
export const eraseJob = (deps: { db: Db; attachments: Attachments }) =>
  defineJob({
    name: 'chat.erase_user',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      const { primary } = deps.db.withTables<ChatTables>()
      await inBatches(signal, () => conversationStore.eraseOf(primary, user_id, batch))
      await inBatches(signal, () => deps.attachments.removeOf(user_id, batch))
      await primary.deleteFrom('chat_bot').where('owner_id', '=', user_id).execute()
      for (const table of ['chat_folder', 'chat_instruction', 'chat_memory_setting'] as const)
        await primary.deleteFrom(table).where('user_id', '=', user_id).execute()
    },
  })

export const eraseDeletedUsers = (deps: { jobs: Jobs; erase: ReturnType<typeof eraseJob> }) =>
  consumer({
    name: 'chat.erase_deleted_user',
    event: UserDeleted,
    async handle({ payload: { user_id } }, tx) {
      await deps.jobs.add(tx, deps.erase, { user_id })
    },
  })

/** Repeats `work` until it had less than a whole batch to do. Returns how much it did in all. */
async function inBatches(signal: AbortSignal, work: () => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    signal.throwIfAborted()
    const done = await work()
    total += done
    if (done < batch) return total
  }
}
