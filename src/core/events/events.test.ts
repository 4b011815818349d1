import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { systemClock } from '#core/clock.ts'
import { newId } from '#core/ids.ts'
import { migration } from '#core/jobs/migrations/0001_jobs.ts'
import { startProcess, type TestProcess } from '#core/jobs/testing/harness.ts'
import { createTestDb } from '#core/testing/database.ts'
import { type ConsumerDefinition, consumer, createEvents, defineEvent, type EventsService } from './events.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
const processes: TestProcess[] = []

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [migration] }])
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
    parts.events = createEvents({ db, jobs, clock: systemClock })
    return parts.events.subscribe(consumers)
  })
  processes.push(process)
  if (!parts.events) throw new Error('unreachable')
  return { ...process, events: parts.events }
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
    timeout: 10_000,
  })
  const { rows } = await sql`SELECT 1 FROM core_job WHERE state <> 'succeeded'`.execute(db.primary)
  expect(rows).toEqual([])
})

test('an event that comes again has no further effect', async () => {
  const event = newEvent()
  const prefix = newId()
  const name = `test.a_${newId()}`
  const { db, events, jobs } = await start([writes(name, event, prefix)])
  await events.publish(db.primary, event, { n: 1 })
  await vi.waitFor(async () => expect(await notes(prefix)).toHaveLength(1), { timeout: 10_000 })
  const { rows } = await sql<{ payload: unknown }>`SELECT payload FROM core_job WHERE name = ${name}`.execute(
    db.primary,
  )
  const again = {
    name,
    schema: z.unknown(),
    attempts: 1,
    timeout_ms: 1000,
    concurrency: null,
    run: async () => undefined,
  }
  const ids = await Promise.all(
    Array.from({ length: 10 }, () => jobs.add(db.primary, again, rows[0]?.payload)),
  )
  for (const id of ids) {
    await vi.waitFor(async () => expect((await jobs.get(id))?.state).toBe('succeeded'), { timeout: 10_000 })
  }
  expect(await notes(prefix)).toHaveLength(1)
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
  await vi.waitFor(async () => expect(await notes(prefix)).toEqual(['5']), { timeout: 10_000 })
  expect(tries).toBe(2)
})

test('publishing to nobody writes nothing, and a payload must fit', async () => {
  const { db, events } = await start([])
  const event = newEvent()
  const count = async () => (await sql`SELECT 1 FROM core_job`.execute(db.primary)).rows.length
  const before = await count()
  await events.publish(db.primary, event, { n: 1 })
  expect(await count()).toBe(before)
  await expect(events.publish(db.primary, event, { n: 0.5 })).rejects.toThrow(z.ZodError)
})
