import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import type { Secrets } from '#core/security/secrets.ts'
import { batchStore } from './batch-store.ts'
import { secretContext } from './batches.ts'
import type { Exports } from './export/exports.ts'
import type { Files } from './files.ts'
import type { CardsTables } from './tables.ts'

const resealBatch = 100
const lowestId = '00000000-0000-0000-0000-000000000000'

/** Brings the secrets of batches under the present key, so that an old one can go. */
export const resealJob = (deps: { db: Db; secrets: Secrets }) =>
  defineJob({
    name: 'cards.reseal_secrets',
    schema: z.object({}),
    async run(_, { signal }) {
      const { secrets } = deps
      const { primary } = deps.db.withTables<CardsTables>()
      for (let after = lowestId; !signal.aborted; ) {
        const rows = await batchStore.secrets(primary, after, resealBatch)
        for (const { id, secret } of rows) {
          if (!secrets.needsRotation(secret)) continue
          const context = secretContext(id)
          const fresh = secrets.encrypt(secrets.decrypt(secret, context), context)
          await batchStore.reseal(primary, id, secret, fresh)
        }
        const last = rows.at(-1)
        if (!last || rows.length < resealBatch) return
        after = last.id
      }
    },
  })

/** Removes uploads that no template took. */
export const sweepJob = (deps: { clock: Clock; files: Files }) =>
  defineJob({
    name: 'cards.sweep_files',
    schema: z.object({}),
    async run(_, { signal, log }) {
      const { files, clock } = deps
      let removed = 0
      for (let done = files.sweepBatch; done === files.sweepBatch && !signal.aborted; removed += done)
        done = await files.sweep(clock.now())
      if (removed > 0) log.info({ files: removed }, 'removed for good')
    },
  })

/** Marks exports as cut whose process is gone. */
export const giveUpJob = (deps: { exports: Exports }) =>
  defineJob({
    name: 'cards.give_up_exports',
    schema: z.object({}),
    async run(_, { log }) {
      const cut = await deps.exports.giveUpSilent()
      if (cut > 0) log.info({ exports: cut }, 'exports that nobody writes any more')
    },
  })
