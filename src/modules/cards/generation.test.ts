import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Clock } from '#core/clock.ts'
import { newId } from '#core/ids.ts'
import type { JobContext } from '#core/jobs/jobs.ts'
import { createSecrets } from '#core/security/secrets.ts'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import { batchStore } from './batch-store.ts'
import { BatchInput, secretContext } from './batches.ts'
import { codeHashers, codeOf, newBatchSecret } from './codes.ts'
import { TemplateContent } from './contract.ts'
import { generationJob } from './generation.ts'
import type { CardsTables } from './tables.ts'
import { templateStore } from './template-store.ts'
import { anyTemplate, cardsClient } from './testing.ts'

const secrets = createSecrets([{ id: 'k', key: Buffer.alloc(32, 1) }])
const hashers = codeHashers([{ id: 'k', key: Buffer.alloc(32, 2) }])
const clock: Clock = { now: () => Date.now() }

let banyan: Installation
beforeAll(async () => {
  banyan = await createInstallation()
})
afterAll(() => banyan.drop())

const rows = () => banyan.db.withTables<CardsTables>().primary

/** The next life of the same installation, and its administrator's client. */
async function live() {
  const { url, headers } = await banyan.live()
  return cardsClient({ fetch: (path, init) => fetch(new URL(path, url), init) }, { headers })
}

async function cardsOf(batchId: string) {
  const { rows: found } = await sql<{ cards: number; codes: number; last: number }>`
    SELECT count(*) AS cards, count(DISTINCT code_hash) AS codes, max(number) AS last
    FROM cards_card WHERE batch_id = ${batchId}`.execute(rows())
  return found[0]
}

/** Meanwhile no generation gets past this card: its place is taken by one that never comes to be. */
const keptBefore = (batch_id: string, number: number, work: () => Promise<void>): Promise<void> =>
  banyan.db.withTables<CardsTables>().transaction(async tx => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(tx)
    // Without the foreign key, whose lock of the batch its generation would wait for.
    await sql`SET LOCAL session_replication_role = replica`.execute(tx)
    const code_hash = randomBytes(16)
    await tx.insertInto('cards_card').values({ batch_id, number, code_hash, last4: '0000' }).execute()
    await work()
    await tx.deleteFrom('cards_card').where('code_hash', '=', code_hash).execute()
  })

test('kill -9 in the middle, twice: the batch ends with exactly its cards', async () => {
  const quantity = 60_000
  let cards = await live()
  const { id } = await cards.batch({ quantity })
  let before = 0
  for (const place of [20_000, 40_000]) {
    await keptBefore(id, place, async () => {
      if (before === 0) await cards.call('POST', `/batches/${id}/generate`)
      else cards = await live()
      before = await vi.waitFor(
        async () => {
          const { generated } = await cards.find(id)
          expect(generated).toBeGreaterThan(before)
          return generated
        },
        { timeout: 60_000, interval: 20 },
      )
      await banyan.kill()
    })
    expect((await cardsOf(id))?.last).toBeLessThan(place)
    // What the dead process left is taken over now instead of after 20 s of silence.
    await sql`UPDATE core_worker SET beat_at = beat_at - interval '1 hour'`.execute(rows())
  }
  cards = await live()
  await vi.waitFor(async () => expect((await cards.find(id)).state).toBe('ready'), {
    timeout: 90_000,
    interval: 200,
  })
  expect(await cardsOf(id)).toEqual({ cards: quantity, codes: quantity, last: quantity })
}, 300_000)

/** A batch that waits for its job, made without one. */
async function generatingBatch(quantity: number): Promise<{ id: string; secret: Buffer }> {
  const [template_id, id] = [newId(), newId()]
  const tx = rows()
  await templateStore.insert(tx, { id: template_id, category: anyTemplate.category })
  const content = TemplateContent.parse(anyTemplate)
  await templateStore.insertVersion(tx, {
    ...content,
    template_id,
    version: 1,
    file_ids: [],
    created_by: newId(),
  })
  await batchStore.insert(tx, {
    ...BatchInput.parse({ name: 'any', quantity }),
    id,
    template_id,
    template_version: 1,
    expires_at: null,
    created_by: newId(),
  })
  const secret = newBatchSecret()
  await batchStore.change(rows(), id, {
    state: 'generating',
    hash_key_id: 'k',
    secret: secrets.encrypt(secret.toString('base64url'), secretContext(id)),
  })
  return { id, secret }
}

const context: Pick<JobContext, 'signal' | 'progress'> = {
  signal: new AbortController().signal,
  progress: async () => {},
}

test('codes that meet are passed over, and can be made again', async () => {
  // Card 4 has the first code of card 3, and card 5 that of card 4; 4000 has that of 1, far away.
  const twins = new Map([
    [4, 3],
    [5, 4],
    [4000, 1],
  ])
  const makeCode: typeof codeOf = (secret, number, attempt) =>
    codeOf(secret, attempt === 0 ? (twins.get(number) ?? number) : number, attempt)
  const { id, secret } = await generatingBatch(4100)
  const updated = vi.fn(async () => {})
  const job = generationJob({ db: banyan.db, clock, secrets, hashers, live: { updated }, makeCode })
  await job.run({ batch_id: id }, context as JobContext)
  expect(await cardsOf(id)).toEqual({ cards: 4100, codes: 4100, last: 4100 })
  expect(updated).toHaveBeenLastCalledWith(expect.objectContaining({ state: 'ready', generated: 4100 }))

  const attempts = await batchStore.attempts(rows(), id)
  expect(attempts.get(4)).toBe(1)
  expect(attempts.get(4000)).toBe(1)
  const stored = await rows().selectFrom('cards_card').selectAll().where('batch_id', '=', id).execute()
  for (const { number, attempt, code_hash, last4 } of stored) {
    const code = makeCode(secret, number, attempt)
    expect(hashers[0]?.hash(code).equals(code_hash)).toBe(true)
    expect(code.slice(-4)).toBe(last4)
  }

  // A second batch whose every first code is taken.
  const second = await generatingBatch(10)
  const borrowed: typeof codeOf = (own, number, attempt) =>
    attempt === 0 ? makeCode(secret, number, attempts.get(number) ?? 0) : codeOf(own, number, attempt)
  await generationJob({
    db: banyan.db,
    clock,
    secrets,
    hashers,
    live: { updated },
    makeCode: borrowed,
  }).run({ batch_id: second.id }, context as JobContext)
  expect(await cardsOf(second.id)).toEqual({ cards: 10, codes: 10, last: 10 })
  expect((await batchStore.attempts(rows(), second.id)).size).toBe(10)
}, 180_000)

test('two runs of one job at once store each card once', async () => {
  const { id } = await generatingBatch(9000)
  const job = generationJob({ db: banyan.db, clock, secrets, hashers, live: { updated: async () => {} } })
  await Promise.all([1, 2, 3].map(() => job.run({ batch_id: id }, context as JobContext)))
  expect(await cardsOf(id)).toEqual({ cards: 9000, codes: 9000, last: 9000 })
}, 180_000)

test('a batch whose key is gone says so', async () => {
  const { id } = await generatingBatch(1)
  const job = generationJob({
    db: banyan.db,
    clock,
    secrets,
    hashers: codeHashers([{ id: 'other', key: Buffer.alloc(32, 3) }]),
    live: { updated: async () => {} },
  })
  await expect(job.run({ batch_id: id }, context as JobContext)).rejects.toMatchObject({
    code: 'batch.key_missing',
  })
}, 180_000)
