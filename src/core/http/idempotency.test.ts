import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Db } from '#core/db/db.ts'
import { newToken } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { type Begun, createIdempotency, type Idempotency } from './idempotency.ts'
import { migration } from './migrations/0001_idempotency.ts'

let db: Db
let drop: () => Promise<void>
let idempotency: Idempotency
let key: string
/** Stands for the real encryption, which has tests of its own: what is stored must not be the text itself. */
const secrets = {
  encrypt: (text: string, context: string) => Buffer.from(`${context}|${text}`).toString('base64'),
  decrypt(text: string, context: string) {
    const clear = Buffer.from(text, 'base64').toString()
    if (!clear.startsWith(`${context}|`)) throw new Error('wrong context')
    return clear.slice(context.length + 1)
  },
}
const create = (lease_ms?: number) =>
  createIdempotency({ db, log: silentLog, secrets, ...(lease_ms ? { lease_ms } : {}) })

beforeAll(async () => {
  ;({ db, drop } = await createTestDb([{ module: 'core', migrations: [migration] }]))
  idempotency = create()
})
afterAll(async () => {
  await idempotency.stop()
  await drop()
})
beforeEach(() => {
  key = newToken(8)
})

const request = (bodyHash = 'hash') => ({ scope: 'user POST /things', key, bodyHash })
const answer = {
  status: 201,
  headers: { 'content-type': 'application/json' },
  body: '{"token":"only once 中文"}',
}

async function proceed(store: Idempotency = idempotency, bodyHash = 'hash'): Promise<string> {
  const begun = await store.begin(request(bodyHash))
  if (begun.kind !== 'proceed') throw new Error('expected to proceed')
  return begun.token
}

test('the same key and body get the same answer', async () => {
  await idempotency.complete(await proceed(), answer)
  for (let i = 0; i < 2; i++)
    expect(await idempotency.begin(request())).toEqual({ kind: 'replay', ...answer })
})

test('an answer without a body is repeated without one', async () => {
  await idempotency.complete(await proceed(), { status: 204, headers: {}, body: null })
  expect(await idempotency.begin(request())).toEqual({ kind: 'replay', status: 204, headers: {}, body: null })
})

test('another body is refused, running or done', async () => {
  const token = await proceed()
  await expect(idempotency.begin(request('other'))).rejects.toMatchObject({ code: 'idempotency.key_reused' })
  await idempotency.complete(token, answer)
  await expect(idempotency.begin(request('other'))).rejects.toMatchObject({ status: 422 })
})

test('another scope is another key', async () => {
  await idempotency.complete(await proceed(), answer)
  expect(await idempotency.begin({ ...request(), scope: 'someone else' })).toMatchObject({ kind: 'proceed' })
})

test('while the first request runs, the second is told so', async () => {
  const token = await proceed()
  await expect(idempotency.begin(request())).rejects.toMatchObject({
    code: 'idempotency.in_progress',
    status: 409,
  })
  await idempotency.abandon(token)
  await proceed()
})

test('of many at once exactly one proceeds, and all others see its answer or that it runs', async () => {
  const stores = Array.from({ length: 4 }, () => create())
  for (let round = 0; round < 10; round++) {
    key = newToken(8)
    let effects = 0
    const one = async (store: Idempotency): Promise<Begun['kind'] | 'refused'> => {
      try {
        const begun = await store.begin(request())
        if (begun.kind === 'replay') {
          expect(begun.body).toBe(answer.body)
          return 'replay'
        }
        effects += 1
        await store.complete(begun.token, answer)
        return 'proceed'
      } catch (error) {
        expect(error).toMatchObject({ code: 'idempotency.in_progress' })
        return 'refused'
      }
    }
    await Promise.all(Array.from({ length: 20 }, (_, i) => one(stores[i % 4] ?? idempotency)))
    expect(effects).toBe(1)
    expect(await one(idempotency)).toBe('replay')
  }
  for (const store of stores) await store.stop()
})

test('of many who race with abandoned attempts, never two run at the same time', async () => {
  let inside = 0
  let proceeded = 0
  const attempt = async () => {
    try {
      const begun = await idempotency.begin(request())
      if (begun.kind === 'replay') return
      proceeded += 1
      expect(++inside).toBe(1)
      await new Promise(setImmediate)
      inside -= 1
      await idempotency.abandon(begun.token)
    } catch (error) {
      expect(error).toMatchObject({ code: 'idempotency.in_progress' })
    }
  }
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 10 }, attempt))
  expect(proceeded).toBeGreaterThanOrEqual(10)
})

test('a crashed request frees its key when the lease lapses; the dead one can no longer answer', async () => {
  const crashed = create(100)
  const token = await proceed(crashed)
  await crashed.stop()
  const second = await vi.waitFor(() => proceed(), 20_000)
  await crashed.complete(token, { ...answer, body: 'of the dead' })
  await crashed.abandon(token)
  await idempotency.complete(second, answer)
  expect(await idempotency.begin(request())).toMatchObject({ kind: 'replay', body: answer.body })
})

test('a request that runs longer than the lease keeps its key', async () => {
  const slow = create(300)
  const token = await proceed(slow)
  const leaseOf = async () => {
    const { rows } = await sql<{ lease_until: string }>`
      SELECT lease_until FROM core_idempotency WHERE token = ${token}`.execute(db.primary)
    return rows[0]?.lease_until ?? ''
  }
  const first = await leaseOf()
  await vi.waitFor(async () => expect((await leaseOf()) > first).toBe(true), 20_000)
  await slow.complete(token, answer)
  await slow.stop()
})

test('what is stored is encrypted', async () => {
  await idempotency.complete(await proceed(), answer)
  const { rows } = await sql<{ body: string }>`
    SELECT body FROM core_idempotency WHERE key = ${key}`.execute(db.primary)
  expect(rows[0]?.body).toBeTruthy()
  expect(rows[0]?.body).not.toContain('only once')
})

test('an answer too large to keep is not carried out twice', async () => {
  await idempotency.complete(await proceed(), { ...answer, body: 'x'.repeat(1024 * 1024 + 1) })
  await expect(idempotency.begin(request())).rejects.toMatchObject({ code: 'idempotency.not_replayable' })
})

test('keys are checked', async () => {
  for (const bad of ['', 'x'.repeat(256), '中文', 'a\nb', 'a\u0000']) {
    await expect(idempotency.begin({ ...request(), key: bad })).rejects.toMatchObject({ status: 400 })
  }
})

test('after a day the key is free, and the row goes', async () => {
  await idempotency.complete(await proceed(), answer)
  const age = () => sql`UPDATE core_idempotency SET expires_at = now() WHERE key = ${key}`.execute(db.primary)
  await age()
  await idempotency.complete(await proceed(idempotency, 'another body'), answer)
  await age()
  expect(await idempotency.cleanUp()).toBe(1)
  expect(await idempotency.cleanUp()).toBe(0)
})
