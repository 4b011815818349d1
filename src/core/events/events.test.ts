import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql, type Transaction } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { systemClock } from '#core/clock.ts'
import { newId } from '#core/ids.ts'
import { migration as jobs } from '#core/jobs/migrations/0001_jobs.ts'
import { startProcess, type TestProcess } from '#core/jobs/testing/harness.ts'
import { silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import {
  batchConsumer,
  type ConsumerDefinition,
  consumer,
  createEvents,
  defineEvent,
  type EventsService,
} from './events.ts'
import { migration as events } from './migrations/0001_events.ts'
import { migration as byConsumer } from './migrations/0002_by_consumer.ts'
import { countDeliveries, deleteOld, insertDeliveries } from './store.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
const processes: TestProcess[] = []

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [jobs, events, byConsumer] }])
  await sql`CREATE TABLE test_effect (note text NOT NULL)`.execute(database.db.primary)
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map(process => process.stop(0)))
})
afterAll(() => database.drop())

/** A process that runs these consumers, and knows them when it publishes. */
async function start(
  consumers: readonly ConsumerDefinition[],
): Promise<TestProcess & { events: EventsService }> {
  const parts: { events?: EventsService } = {}
  const process = await startProcess(database.url, ({ db, jobs }) => {
    parts.events = createEvents({ db, jobs, clock: systemClock, log: silentLog, concurrency: 4 })
    parts.events.subscribe(consumers)
    return parts.events.retries(consumers)
  })
  const { events } = parts
  if (!events) throw new Error('unreachable')
  events.start(consumers)
  const stop = async (limit_ms?: number) => {
    await events.stop()
    await process.stop(limit_ms)
  }
  processes.push({ ...process, stop })
  return { ...process, stop, events }
}

const newEvent = () => defineEvent(`test.thing.happened_${newId()}`, z.object({ n: z.int() }))

const notes = async (prefix: string) => {
  const { rows } = await sql<{ note: string }>`
    SELECT note FROM test_effect WHERE starts_with(note, ${prefix}) ORDER BY note`.execute(
    database.db.primary,
  )
  return rows.map(row => row.note.slice(prefix.length))
}

const writes = (name: string, event: ReturnType<typeof newEvent>, prefix: string) =>
  consumer({
    name,
    event,
    async handle({ payload }, tx) {
      await sql`INSERT INTO test_effect (note) VALUES (${`${prefix}${name.slice(0, 6)} ${payload.n}`})`.execute(
        tx,
      )
    },
  })

test('every consumer hears of what was committed, and only of that', async () => {
  const event = newEvent()
  const prefix = newId()
  const { db, events } = await start([
    writes(`test.a_${newId()}`, event, prefix),
    writes(`test.b_${newId()}`, event, prefix),
  ])
  await expect(
    db.transaction(async tx => {
      await events.publish(tx, event, { n: 1 })
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  await db.transaction(tx => events.publish(tx, event, { n: 2 }))
  await vi.waitFor(async () => expect(await notes(prefix)).toEqual(['test.a 2', 'test.b 2']), {
    timeout: 20_000,
  })
  await vi.waitFor(async () => expect(await countDeliveries(db.primary)).toBe(0), { timeout: 20_000 })
})

test('two processes at once deliver each of many events once', async () => {
  const event = newEvent()
  const prefix = newId()
  const consumers = [writes(`test.a_${newId()}`, event, prefix), writes(`test.b_${newId()}`, event, prefix)]
  const [{ db, events }] = await Promise.all([start(consumers), start(consumers)])
  const numbers = Array.from({ length: 200 }, (_, n) => n)
  await Promise.all(numbers.map(n => db.transaction(tx => events.publish(tx, event, { n }))))
  await vi.waitFor(async () => expect(await countDeliveries(db.primary)).toBe(0), { timeout: 20_000 })
  expect(await notes(prefix)).toEqual(numbers.flatMap(n => [`test.a ${n}`, `test.b ${n}`]).sort())
})

test('a wave is handled together; a bad one among them keeps nobody waiting', {
  timeout: 90_000,
}, async () => {
  const event = newEvent()
  const prefix = newId()
  const waves: number[] = []
  let isMended = false
  const many = batchConsumer({
    name: `test.many_${newId()}`,
    event,
    async handle(occurrences, tx) {
      waves.push(occurrences.length)
      for (const { payload } of occurrences) {
        await sql`INSERT INTO test_effect (note) VALUES (${`${prefix}${payload.n}`})`.execute(tx)
        if (payload.n === 13 && !isMended) throw new Error('not 13')
      }
    },
  })
  const { db, events } = await start([many])
  const numbers = Array.from({ length: 250 }, (_, n) => ({ n }))
  await db.transaction(tx => events.publishAll(tx, event, numbers))
  const others = numbers.filter(({ n }) => n !== 13).map(({ n }) => String(n))
  await vi.waitFor(async () => expect(await notes(prefix)).toEqual(others.sort()), { timeout: 20_000 })
  expect(Math.max(...waves)).toBe(200)
  isMended = true
  // The pauses between its tries have grown meanwhile.
  await vi.waitFor(async () => expect(await countDeliveries(db.primary)).toBe(0), { timeout: 50_000 })
  expect(await notes(prefix)).toEqual(numbers.map(({ n }) => String(n)).sort())
})

test('a handler that takes long keeps nobody waiting: not the events of other processes', async () => {
  const [event, other] = [newEvent(), newEvent()]
  const prefix = newId()
  let end = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const taken: number[] = []
  const long = batchConsumer({
    name: `test.long_${newId()}`,
    event,
    async handle(occurrences) {
      taken.push(occurrences.length)
      await ended
    },
  })
  const swift = writes(`test.a_${newId()}`, other, prefix)
  const { db, events } = await start([long, swift])
  try {
    await events.publishAll(db.primary, event, [{ n: 1 }, { n: 2 }])
    await vi.waitFor(() => expect(taken).toEqual([2]), { timeout: 20_000 })
    for (const n of [3, 4]) {
      // As another process does, of whose events this one is not told.
      const now = new Date().toISOString()
      await insertDeliveries(db.primary, [swift.name], now, [{ id: newId(), payload: { n } }])
      await vi.waitFor(async () => expect(await notes(prefix)).toContain(`test.a ${n}`), { timeout: 20_000 })
    }
  } finally {
    end()
  }
  await vi.waitFor(async () => expect(await countDeliveries(db.primary)).toBe(0), { timeout: 20_000 })
  expect(taken).toEqual([2])
})

test.each([
  ['several at once', batchConsumer, 12_000, 0.1],
  ['one by one', consumer<{ n: number }>, 6_000, 0.01],
])(
  'a long queue of one consumer, handled %s, keeps no other waiting until it is empty',
  async (_, declare, length, seconds) => {
    const [event, other] = [newEvent(), newEvent()]
    const prefix = newId()
    const name = `test.many_${newId()}`
    const slow = declare({
      name,
      event,
      async handle(_occurrences: unknown, tx: Transaction<unknown>) {
        await sql`SELECT pg_sleep(${seconds})`.execute(tx)
      },
    })
    const left = () => countDeliveries(database.db.primary)
    const swift = writes(`test.a_${newId()}`, other, prefix)
    const waiting = Array.from({ length }, () => ({ id: newId(), payload: { n: 1 } }))
    await insertDeliveries(database.db.primary, [name], new Date().toISOString(), waiting)
    const { db, events } = await start([slow, swift])
    await vi.waitFor(async () => expect(await left()).toBeLessThan(length), { timeout: 20_000 })
    await events.publish(db.primary, other, { n: 3 })
    await vi.waitFor(async () => expect(await notes(prefix)).toEqual(['test.a 3']), { timeout: 30_000 })
    expect(await left()).toBeGreaterThan(length / 2)
    // Thinking the table empty, the planner would look through the sub-query once for each row.
    await sql`ANALYZE core_event_delivery`.execute(db.primary)
    await sql`DELETE FROM core_event_delivery WHERE consumer = ${name} AND id IN (
    SELECT id FROM core_event_delivery FOR UPDATE SKIP LOCKED)`.execute(db.primary)
    await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 20_000 })
  },
)

test('what a killed process was handling is handled by another, once', async () => {
  const event = newEvent()
  const prefix = newId()
  const name = `test.a_${newId()}`
  await database.db.transaction(tx =>
    insertDeliveries(tx, [name], new Date().toISOString(), [{ id: newId(), payload: { n: 7 } }]),
  )
  const doomed = spawn(process.execPath, [
    fileURLToPath(new URL('testing/doomed-consumer.ts', import.meta.url)),
    database.url,
    name,
    `${prefix}half`,
  ])
  await once(doomed.stdout, 'data')
  const { db } = await start([writes(name, event, prefix)])
  doomed.kill('SIGKILL')
  await vi.waitFor(async () => expect(await notes(prefix)).toEqual(['test.a 7']), { timeout: 20_000 })
  expect(await countDeliveries(db.primary)).toBe(0)
})

test('an event that fails again and again becomes a dead job, and can be handled after all', async () => {
  const event = newEvent()
  const prefix = newId()
  const name = `test.stuck_${newId()}`
  let isMended = false
  const stuck = consumer({
    name,
    event,
    async handle({ payload }, tx) {
      if (!isMended) throw new Error('never')
      await sql`INSERT INTO test_effect (note) VALUES (${`${prefix}${payload.n}`})`.execute(tx)
    },
  })
  const { db, events, jobs } = await start([stuck])
  await events.publish(db.primary, event, { n: 3 })
  // All tries but the last are over; it is due now.
  await vi.waitFor(async () => {
    const { rows } = await sql`
      UPDATE core_event_delivery SET attempts = 11, run_at = now() WHERE consumer = ${name} AND attempts > 0
      RETURNING id`.execute(db.primary)
    expect(rows).toHaveLength(1)
  }, 20_000)
  const find = async () => (await jobs.list({ name, limit: 10 })).items
  await vi.waitFor(async () => expect(await find()).toMatchObject([{ state: 'dead' }]), { timeout: 20_000 })
  const [job] = await find()
  expect(job?.error_detail).toBe('never')
  isMended = true
  expect(await jobs.retry(job?.id ?? '')).toBe(true)
  await vi.waitFor(async () => expect((await find())[0]?.state).toBe('succeeded'), { timeout: 20_000 })
  expect(await notes(prefix)).toEqual(['3'])
})

test('receipts and letters to nobody are forgotten after a while', async () => {
  const { primary } = database.db
  await sql`
    INSERT INTO core_event_receipt (consumer, event_id, created_at)
    VALUES ('test', ${newId()}, now()), ('test', ${newId()}, now() - interval '31 days')`.execute(primary)
  await sql`
    INSERT INTO core_event_delivery (consumer, event_id, occurred_at, payload, run_at)
    VALUES ('test.gone', ${newId()}, now(), '{}', now()),
      ('test.gone', ${newId()}, now(), '{}', now() - interval '31 days')`.execute(primary)
  while ((await deleteOld(primary, 1)) > 0);
  expect(
    (await sql`SELECT 1 FROM core_event_receipt WHERE consumer = 'test'`.execute(primary)).rows,
  ).toHaveLength(1)
  expect(await countDeliveries(primary)).toBe(1)
  await sql`DELETE FROM core_event_delivery`.execute(primary)
})

test('a handler that fails leaves nothing behind, and is tried again', async () => {
  const event = newEvent()
  const prefix = newId()
  let tries = 0
  const flaky = consumer({
    name: `test.flaky_${newId()}`,
    event,
    async handle({ payload, occurred_at }, tx) {
      expect(Date.parse(occurred_at)).toBeGreaterThan(0)
      await sql`INSERT INTO test_effect (note) VALUES (${`${prefix}${payload.n}`})`.execute(tx)
      if (++tries === 1) throw new Error('not today')
    },
  })
  const { db, events } = await start([flaky])
  await events.publish(db.primary, event, { n: 5 })
  await vi.waitFor(async () => expect(await notes(prefix)).toEqual(['5']), { timeout: 20_000 })
  expect(tries).toBe(2)
})

test('publishing to nobody writes nothing, and a payload must fit', async () => {
  const { db, events } = await start([])
  const event = newEvent()
  await events.publish(db.primary, event, { n: 1 })
  expect(await countDeliveries(db.primary)).toBe(0)
  await expect(events.publish(db.primary, event, { n: 0.5 })).rejects.toThrow(z.ZodError)
})
