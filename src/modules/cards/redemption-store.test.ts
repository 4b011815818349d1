import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { scopesOf } from './redemption-limits.ts'
import { type Attempt, redemptionStore as store } from './redemption-store.ts'
import { released, rowsOf } from './redemption-testing.ts'

const quantity = 1000
const settings = {
  CARDS_FAILURES_PER_USER: 5,
  CARDS_FAILURES_PER_ADDRESS: 30,
  CARDS_FAILURES_PER_MINUTE: 300,
  CARDS_LOCKOUT_MINUTES: 60,
}

let app: TestApp

beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())

const hashesOf = async (batchId: string) =>
  (
    await rowsOf(app)
      .selectFrom('cards_card')
      .select('code_hash')
      .where('batch_id', '=', batchId)
      .orderBy('number')
      .execute()
  ).map(({ code_hash }) => code_hash)

/** One attempt, as the module makes it on a server with two keys. */
function attemptOf(hash: Buffer, user = newId()) {
  const attempt: Attempt = {
    id: newId(),
    hashes: [createHash('sha256').update(hash).digest().subarray(0, 16), hash],
    user_id: user,
    at: new Date().toISOString(),
    ip: '192.0.2.1',
    region: null,
  }
  return { ...attempt, ...scopesOf(user, attempt.ip, Date.now()) }
}

test('statements of two processes for the same cards do not wait for each other, and each card is won once', async () => {
  const { batch } = await released(app, { quantity })
  const hashes = await hashesOf(batch.id)
  const won: number[] = []
  for (let from = 0; from < quantity; from += 50) {
    const some = hashes.slice(from, from + 50)
    const [one, two] = await Promise.all(
      [some, some.toReversed()].map(each =>
        store.take(
          rowsOf(app),
          each.map(hash => attemptOf(hash)),
          settings,
        ),
      ),
    )
    won.push((one?.size ?? 0) + (two?.size ?? 0))
  }
  expect(won).toEqual(won.map(() => 50))
})

test('in one statement each attempt stands for itself: who has to wait, what is frozen, ended or void, a code twice', async () => {
  const [good, frozen, ended, ending] = await Promise.all([1, 2, 3, 4].map(() => released(app)))
  const hashOf = async (each: typeof good) => (await hashesOf(each?.batch.id ?? ''))[0] ?? Buffer.alloc(16)
  await frozen?.operator.cards.call('POST', `/batches/${frozen.batch.id}/freeze`)
  await ended?.operator.cards.call('POST', `/batches/${ended.batch.id}/void`)
  await rowsOf(app)
    .updateTable('cards_batch')
    .set({ expires_at: new Date(Date.now() - 1000).toISOString() })
    .where('id', '=', ending?.batch.id ?? '')
    .execute()
  const waiting = newId()
  await rowsOf(app)
    .insertInto('cards_guard')
    .values({
      scope: `user:${waiting}`,
      failures: 9,
      last_failed_at: new Date().toISOString(),
      blocked_until: new Date(Date.now() + 60_000).toISOString(),
    })
    .execute()
  const hash = await hashOf(good)
  const attempts = [
    attemptOf(hash, waiting),
    attemptOf(await hashOf(frozen)),
    attemptOf(await hashOf(ended)),
    attemptOf(await hashOf(ending)),
    attemptOf(hash),
    attemptOf(hash),
  ]
  const items = await store.take(rowsOf(app), attempts, settings)
  expect(items.size).toBe(1)
  expect(attempts.slice(4).filter(({ id }) => items.has(id))).toHaveLength(1)
})
