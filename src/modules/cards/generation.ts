import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import type { Secrets } from '#core/security/secrets.ts'
import { batchStore, type NamedBatch, type NewCards } from './batch-store.ts'
import { secretContext, view } from './batches.ts'
import { type CodeHasher, codeOf } from './codes.ts'
import { batchKeyMissing, batchSecretDestroyed } from './errors.ts'
import type { BatchLive } from './live.ts'
import type { CardsTables } from './tables.ts'

type Rows = Kysely<CardsTables>
type Chunk = NewCards & { to: number }

/** Cards that are stored at a time, and that are made before others get their turn: some 10 ms. */
const chunkSize = 2000
const sliceSize = 1000
const newsInterval_ms = 500
/** 75 bits do not meet by chance; a number that takes more attempts means that the secret is broken. */
const mostAttempts = 100

/**
 * Makes the cards of a batch, chunk by chunk. Each chunk and how far the batch has come are one transaction, so a
 * process that dies leaves no gap and the next one goes on from there; two that run at once cannot both store a chunk.
 * A code that exists already, here or in another batch, is passed over for the next attempt of the same number, which
 * is kept with the card.
 */
export const generationJob = (deps: {
  db: Db
  clock: Clock
  secrets: Secrets
  hashers: readonly CodeHasher[]
  live: BatchLive
  /** Another function than `codeOf`, so that a test can make codes meet. */
  makeCode?: typeof codeOf
}) => {
  const { clock, live, makeCode = codeOf } = deps
  const db = deps.db.withTables<CardsTables>()
  return defineJob({
    name: 'cards.generate_batch',
    schema: z.object({ batch_id: z.uuid() }),
    attempts: 20,
    timeout_ms: 3 * 60 * 60_000,
    async run({ batch_id }, { signal, progress }) {
      const batch = await batchStore.find(db.primary, batch_id)
      if (batch?.state !== 'generating') return
      const { secret, hasher } = openBatch(deps, batch)
      const { quantity } = batch
      let told = 0
      let next: Chunk | null = await chunkFrom(batch.generated + 1)
      while (next) {
        const chunk: Chunk = next
        signal.throwIfAborted()
        const storing = db.transaction(tx => store(tx, chunk))
        // The database stores this chunk while we make the next; a failure is thrown where it is awaited.
        storing.catch(() => undefined)
        next = chunk.to < quantity ? await chunkFrom(chunk.to + 1) : null
        if (!(await storing)) return
        await progress(chunk.to / quantity)
        if (next && clock.now() - told < newsInterval_ms) continue
        told = clock.now()
        const now = await batchStore.find(db.primary, batch_id)
        if (now) await live.updated(view(now))
      }

      async function chunkFrom(from: number): Promise<Chunk> {
        const to = Math.min(from + chunkSize - 1, quantity)
        const count = to - from + 1
        // Two values instead of thousands: what lives while a chunk is stored is collected late.
        const hashes = Buffer.allocUnsafe(count * 16)
        const last4 = Buffer.allocUnsafe(count * 4)
        for (let number = from; number <= to; number++) {
          if ((number - from) % sliceSize === 0) await nextTurn()
          const code = makeCode(secret, number, 0)
          hasher.write(code, hashes, (number - from) * 16)
          last4.write(code.slice(-4), (number - from) * 4, 'latin1')
        }
        return { from, to, count, hashes, last4 }
      }

      /** False when the batch is not ours to fill any more. */
      async function store(tx: Rows, chunk: Chunk): Promise<boolean> {
        const { from, to } = chunk
        const updated_at = new Date(clock.now()).toISOString()
        if (!(await batchStore.advance(tx, batch_id, from - 1, to, updated_at))) return false
        const stored = await batchStore.insertCards(tx, batch_id, chunk)
        if (stored === to - from + 1) return true
        for (const number of await batchStore.missing(tx, batch_id, from, to)) await storeAgain(tx, number)
        return true
      }

      async function storeAgain(tx: Rows, number: number): Promise<void> {
        for (let attempt = 1; attempt <= mostAttempts; attempt++) {
          const code = makeCode(secret, number, attempt)
          const code_hash = hasher.hash(code)
          if (
            await batchStore.insertCard(tx, { batch_id, number, attempt, code_hash, last4: code.slice(-4) })
          )
            return
        }
        throw new Error(`No free code for card ${number} of batch ${batch_id} in ${mostAttempts} attempts`)
      }
    },
  })
}

/**
 * The secret of a batch, and the hasher of the key that it was begun with.
 * @throws AppError `batch.secret_destroyed`, `batch.key_missing`
 */
export function openBatch(
  { secrets, hashers }: { secrets: Secrets; hashers: readonly CodeHasher[] },
  batch: Pick<NamedBatch, 'id' | 'secret' | 'hash_key_id'>,
): { secret: Buffer; hasher: CodeHasher } {
  if (batch.secret === null) throw batchSecretDestroyed()
  const hasher = hashers.find(({ key_id }) => key_id === batch.hash_key_id)
  if (!hasher) throw batchKeyMissing({ key_id: batch.hash_key_id })
  return { secret: Buffer.from(secrets.decrypt(batch.secret, secretContext(batch.id)), 'base64url'), hasher }
}
