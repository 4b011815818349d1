import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { createTestDb } from '#core/testing/database.ts'
import { defineJob, type JobContext, type JobDefinition, type JobState, type JobView } from './jobs.ts'
import { migration } from './migrations/0001_jobs.ts'
import { deleteOld } from './store.ts'
import { startProcess, type TestProcess } from './testing/harness.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
const processes: TestProcess[] = []

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [migration] }])
  await sql`CREATE TABLE test_effect (tag text NOT NULL, process text NOT NULL)`.execute(database.db.primary)
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map(process => process.stop(0)))
})
afterAll(() => database.drop())

async function start(definitions: readonly JobDefinition[] = [], options?: { concurrency?: number }) {
  const process = await startProcess(database.url, definitions, options)
  processes.push(process)
  return process
}

/** A job whose work the test decides on. Names differ, so that tests do not take each other's jobs. */
function job(
  run: (payload: { n: number }, context: JobContext) => Promise<void>,
  options: { attempts?: number; timeout_ms?: number; concurrency?: number } = {},
) {
  return defineJob({ name: `test.job_${newId()}`, schema: z.object({ n: z.int() }), ...options, run })
}

const untilState = ({ jobs }: TestProcess, id: string, state: JobState, timeout = 20_000) =>
  vi.waitFor(async () => expect((await jobs.get(id))?.state).toBe(state), { timeout, interval: 20 })

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test('runs a job and remembers how it went', async () => {
  const seen: number[] = []
  const add = job(async ({ n }) => void seen.push(n))
  const process = await start([add])
  const id = await process.jobs.add(process.db.primary, add, { n: 7 })
  await untilState(process, id, 'succeeded')
  expect(seen).toEqual([7])
  expect(await process.jobs.get(id)).toMatchObject({
    name: add.name,
    progress: 1,
    attempts: 1,
    error_code: null,
  })
  expect(await process.jobs.get(newId())).toBeNull()
  expect(await process.jobs.get('x')).toBeNull()
  await vi.waitFor(async () => {
    const text = await process.metrics.registry.metrics()
    expect(text).toContain(`jobs_completed_total{job="${add.name}",outcome="succeeded"} 1`)
    expect(text).toContain('jobs_duration_seconds')
    expect(text).toContain('jobs_queued')
  }, 20_000)
})

test('a job exists if and when the transaction that adds it commits', async () => {
  const seen: number[] = []
  const add = job(async ({ n }) => void seen.push(n))
  const process = await start([add])
  await expect(
    process.db.transaction(async tx => {
      await process.jobs.add(tx, add, { n: 1 })
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  const { rows } = await sql`SELECT id FROM core_job WHERE name = ${add.name}`.execute(process.db.primary)
  const alarms = await sql`SELECT id FROM graphile_worker.jobs WHERE task_identifier = ${add.name}`.execute(
    process.db.primary,
  )
  expect([...rows, ...alarms.rows]).toEqual([])

  const id = await process.db.transaction(async tx => {
    const added = await process.jobs.add(tx, add, { n: 2 })
    expect(await process.jobs.get(added)).toBeNull()
    return added
  })
  await untilState(process, id, 'succeeded')
  expect(seen).toEqual([2])
})

test('refuses a payload that does not fit', async () => {
  const process = await start()
  const strict = job(async () => undefined)
  await expect(process.jobs.add(process.db.primary, strict, { n: 1.5 })).rejects.toThrow()
})

test('two processes share the work, and each job runs once', async () => {
  const runs = new Map<number, number>()
  const count = job(async ({ n }) => void runs.set(n, (runs.get(n) ?? 0) + 1))
  const [first] = await Promise.all([start([count]), start([count])])
  await Promise.all(Array.from({ length: 200 }, (_, n) => first.jobs.add(first.db.primary, count, { n })))
  await vi.waitFor(() => expect(runs.size).toBe(200), { timeout: 30_000 })
  expect([...runs.values()].every(times => times === 1)).toBe(true)
})

test('tries again after a failure, and keeps what has failed for good until it is retried by hand', async () => {
  const refused = defineError({ code: 'test.refused', status: 500, en: 'No', 'zh-CN': '不' })
  let isBroken = true
  const attempts: number[] = []
  const again = Promise.withResolvers<void>()
  const flaky = job(
    async (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt === 1) throw new Error('call 13800138000 for more')
      await again.promise
      if (isBroken) throw refused()
    },
    { attempts: 2 },
  )
  const process = await start([flaky])
  const id = await process.jobs.add(process.db.primary, flaky, { n: 1 }, { owner_id: newId() })
  // Between two attempts it is seen for a second only, but its owner was told.
  await vi.waitFor(() => expect(attempts).toEqual([1, 2]), 20_000)
  const told = process.sent.map(({ data }) => (data as { job: JobView }).job)
  expect(told.find(({ state }) => state === 'failed')).toMatchObject({
    error_code: 'job.failed',
    attempts: 1,
  })
  const { items } = await process.jobs.list({ name: flaky.name, limit: 10 })
  expect(items[0]?.error_detail).toBe('call [redacted] for more')
  again.resolve()
  await untilState(process, id, 'dead')
  expect(await process.jobs.get(id)).toMatchObject({ error_code: 'test.refused', attempts: 2 })

  isBroken = false
  expect(await process.jobs.retry(id)).toBe(true)
  await untilState(process, id, 'succeeded')
  expect(attempts).toEqual([1, 2, 1, 2])
  expect(await process.jobs.retry(id)).toBe(false)
})

test('a job that takes too long is told to stop, even one that does not listen', async () => {
  const polite = job((_, { signal }) => untilAborted(signal), { attempts: 1, timeout_ms: 50 })
  const deaf = job(() => new Promise(() => undefined), { attempts: 1, timeout_ms: 50 })
  const process = await start([polite, deaf])
  const ids = await Promise.all(
    [polite, deaf].map(one => process.jobs.add(process.db.primary, one, { n: 1 })),
  )
  for (const id of ids) {
    await untilState(process, id, 'dead')
    expect((await process.jobs.get(id))?.error_code).toBe('job.timed_out')
  }
})

test('cancels a waiting job', async () => {
  const seen: number[] = []
  const later = job(async ({ n }) => void seen.push(n))
  const process = await start([later])
  const id = await process.jobs.add(
    process.db.primary,
    later,
    { n: 1 },
    { run_at: new Date(Date.now() + 3_600_000) },
  )
  expect(await process.jobs.cancel(id)).toBe(true)
  expect((await process.jobs.get(id))?.state).toBe('cancelled')
  expect(await process.jobs.cancel(id)).toBe(false)
  expect(await process.jobs.cancel(newId())).toBe(false)
  // Its time comes all the same.
  await sql`UPDATE core_job SET run_at = now() WHERE id = ${id}`.execute(process.db.primary)
  await sql`
    UPDATE graphile_worker._private_jobs SET run_at = now()
    WHERE task_id = (SELECT id FROM graphile_worker._private_tasks WHERE identifier = ${later.name})`.execute(
    process.db.primary,
  )
  await vi.waitFor(
    async () => {
      const { rows } =
        await sql`SELECT 1 FROM graphile_worker.jobs WHERE task_identifier = ${later.name}`.execute(
          process.db.primary,
        )
      expect(rows).toEqual([])
    },
    { timeout: 20_000 },
  )
  expect(seen).toEqual([])
})

test('cancels a running job in this process and in another', async () => {
  const started: string[] = []
  const long = job(async (_, { signal, job_id }) => {
    started.push(job_id)
    await untilAborted(signal)
  })
  const worker = await start([long])
  const other = await start()
  for (const canceller of [worker, other]) {
    const id = await other.jobs.add(other.db.primary, long, { n: 1 })
    await vi.waitFor(() => expect(started).toContain(id), 20_000)
    expect(await canceller.jobs.cancel(id)).toBe(true)
    await untilState(worker, id, 'cancelled')
  }
})

test('reports progress to the owner, the newest always, and not more often than it must', async () => {
  const owner_id = newId()
  const finish = Promise.withResolvers<void>()
  const long = job(async (_, { progress }) => {
    for (let step = 1; step <= 80; step++) await progress(step / 100, `step ${step}`)
    await finish.promise
  })
  const process = await start([long])
  const id = await process.jobs.add(process.db.primary, long, { n: 1 }, { owner_id })
  await vi.waitFor(
    async () => expect(await process.jobs.get(id)).toMatchObject({ progress: 0.8, message: 'step 80' }),
    20_000,
  )
  finish.resolve()
  await untilState(process, id, 'succeeded')
  await vi.waitFor(
    () => expect(process.sent.at(-1)?.data).toMatchObject({ job: { state: 'succeeded' } }),
    20_000,
  )
  expect(process.sent.every(({ channel }) => channel === `jobs.job.${id}`)).toBe(true)
  expect(process.sent.length).toBeLessThan(10)
  const silent = await process.jobs.add(process.db.primary, long, { n: 1 })
  await untilState(process, silent, 'succeeded')
  expect(process.sent.some(({ channel }) => channel.endsWith(silent))).toBe(false)
})

test('no more jobs of a kind run at once than it allows, over all processes', async () => {
  let active = 0
  let most = 0
  let done = 0
  const narrow = job(
    async () => {
      active++
      most = Math.max(most, active)
      await new Promise(resolve => setImmediate(resolve))
      await database.db.latency()
      active--
      done++
    },
    { concurrency: 2 },
  )
  const [first] = await Promise.all([start([narrow]), start([narrow])])
  await Promise.all(Array.from({ length: 30 }, (_, n) => first.jobs.add(first.db.primary, narrow, { n })))
  await vi.waitFor(() => expect(done).toBe(30), { timeout: 30_000 })
  expect(most).toBeLessThanOrEqual(2)
})

test('a key keeps one waiting job, with the newest payload, under parallel adds too', async () => {
  const seen: number[] = []
  const merged = job(async ({ n }) => void seen.push(n))
  const adder = await start()
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, n) => adder.jobs.add(adder.db.primary, merged, { n }, { key: 'one' })),
  )
  expect(new Set(ids).size).toBe(1)
  const id = await adder.jobs.add(adder.db.primary, merged, { n: 99 }, { key: 'one' })
  const process = await start([merged])
  await untilState(process, id, 'succeeded')
  expect(seen).toEqual([99])
  const next = await adder.jobs.add(adder.db.primary, merged, { n: 100 }, { key: 'one' })
  expect(next).not.toBe(id)
  await untilState(process, next, 'succeeded')
})

test('lists in pages, by state, name and owner', async () => {
  const process = await start()
  const idle = job(async () => undefined)
  const owner_id = newId()
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    ids.unshift(await process.jobs.add(process.db.primary, idle, { n }, n % 2 ? { owner_id } : {}))
  }
  const first = await process.jobs.list({ name: idle.name, limit: 3 })
  const second = await process.jobs.list({ name: idle.name, limit: 3, cursor: first.next_cursor ?? '' })
  // Ids of one millisecond have no order.
  expect([...first.items, ...second.items].map(item => item.id)).toEqual(ids.sort().reverse())
  expect(second.next_cursor).toBeNull()
  expect((await process.jobs.list({ owner_id, state: 'queued', limit: 10 })).items).toHaveLength(2)
  expect((await process.jobs.list({ owner_id, state: 'dead', limit: 10 })).items).toEqual([])
})

test('a stop lets running jobs finish, and gives back those that do not', async () => {
  const started: number[] = []
  const quick = Promise.withResolvers<void>()
  const work = job(async ({ n }, { signal, attempt }) => {
    started.push(n)
    if (n === 1) return quick.promise
    if (started.filter(other => other === 2).length === 1) await untilAborted(signal)
    expect(attempt).toBe(1)
  })
  const process = await startProcess(database.url, [work])
  const finishes = await process.jobs.add(process.db.primary, work, { n: 1 })
  const lasts = await process.jobs.add(process.db.primary, work, { n: 2 })
  await vi.waitFor(() => expect(started).toHaveLength(2), 20_000)
  const stopped = process.jobs.stop(300)
  quick.resolve()
  await stopped
  expect((await process.jobs.get(finishes))?.state).toBe('succeeded')
  expect(await process.jobs.get(lasts)).toMatchObject({ state: 'queued', attempts: 0 })
  const locks = await sql`SELECT 1 FROM graphile_worker.jobs WHERE locked_by IS NOT NULL`.execute(
    process.db.primary,
  )
  expect(locks.rows).toEqual([])
  await process.db.stop()

  const next = await start([work])
  await untilState(next, lasts, 'succeeded')
})

test('goes on when the database cuts its connections', async () => {
  const hold = Promise.withResolvers<void>()
  const seen: number[] = []
  const work = job(async ({ n }) => {
    seen.push(n)
    if (n === 1) await hold.promise
  })
  const process = await start([work])
  await process.jobs.add(process.db.primary, work, { n: 1 })
  await vi.waitFor(() => expect(seen).toEqual([1]), 20_000)
  await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'banyan jobs'`.execute(database.db.primary)
  hold.resolve()
  const id = await vi.waitFor(() => process.jobs.add(process.db.primary, work, { n: 2 }), 20_000)
  await untilState(process, id, 'succeeded')
})

test('goes on when the database fails it at the end of a job', async () => {
  const seen: number[] = []
  const work = job(async ({ n }) => void seen.push(n))
  const { primary } = database.db
  await sql`
    CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`.execute(
    primary,
  )
  const process = await start([work], { concurrency: 1 })
  await sql`
    CREATE TRIGGER test_refuse BEFORE DELETE ON graphile_worker._private_jobs
    FOR EACH ROW EXECUTE FUNCTION test_refuse()`.execute(primary)
  const first = await process.jobs.add(primary, work, { n: 1 })
  await untilState(process, first, 'succeeded')
  await sql`DROP TRIGGER test_refuse ON graphile_worker._private_jobs`.execute(primary)
  const second = await process.jobs.add(primary, work, { n: 2 })
  await untilState(process, second, 'succeeded')
  expect(seen).toEqual([1, 2])
  // The pool that was replaced leaves when it has shut down.
  await vi.waitFor(async () => {
    const { rows } = await sql`SELECT id FROM core_worker`.execute(primary)
    expect(rows).toHaveLength(1)
  }, 20_000)
})

/** A process that never ends its jobs, which are called after it. */
function spawnDoomed(name: string) {
  const script = fileURLToPath(new URL('testing/doomed-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, database.url, name], { stdio: 'inherit' })
  const exited = new Promise(resolve => child.once('exit', resolve))
  const schema = z.object({ tag: z.string() })
  const run = async ({ tag }: { tag: string }) => {
    await sql`INSERT INTO test_effect (tag, process) VALUES (${tag}, 'survivor')`.execute(database.db.primary)
  }
  const hang = defineJob({ name: `${name}.hang`, schema, run })
  const hangAlone = defineJob({ name: `${name}.hang_alone`, schema, concurrency: 1, run })
  return { child, exited, hang, hangAlone }
}

const effects = async () => {
  const { rows } = await sql<{ tag: string }>`
    SELECT tag || ' ' || process AS tag FROM test_effect ORDER BY 1`.execute(database.db.primary)
  return rows.map(row => row.tag)
}
const untilEffects = (expected: string[]) =>
  vi.waitFor(async () => expect(await effects()).toEqual(expected), { timeout: 40_000 })

test('jobs of a killed process, and of one that hangs, run elsewhere', { timeout: 120_000 }, async () => {
  const killed = spawnDoomed('killed')
  const frozen = spawnDoomed('frozen')
  try {
    const { jobs, db } = await start()
    const lost = await jobs.add(db.primary, killed.hang, { tag: 'lost' })
    const alone = await jobs.add(db.primary, killed.hangAlone, { tag: 'lost alone' })
    const waiting = await jobs.add(db.primary, killed.hangAlone, { tag: 'lost waiting' })
    const lastTry = await jobs.add(db.primary, { ...killed.hang, attempts: 1 }, { tag: 'lost once' })
    const late = await jobs.add(db.primary, frozen.hang, { tag: 'late' })
    await untilEffects(['late doomed', 'lost alone doomed', 'lost doomed', 'lost once doomed'])
    killed.child.kill('SIGKILL')
    frozen.child.kill('SIGSTOP')
    await killed.exited

    const survivor = await start([killed.hang, killed.hangAlone, frozen.hang])
    for (const id of [lost, alone, waiting, late]) await untilState(survivor, id, 'succeeded', 30_000)
    expect(await jobs.get(lost)).toMatchObject({ attempts: 2 })
    expect(await jobs.get(lastTry)).toMatchObject({ state: 'dead', error_code: 'job.process_lost' })

    // Back again, it stops what is no longer its own, and does not touch how that ended.
    frozen.child.kill('SIGCONT')
    await untilEffects([
      'late doomed',
      'late survivor',
      'late told to stop',
      'lost alone doomed',
      'lost alone survivor',
      'lost doomed',
      'lost once doomed',
      'lost survivor',
      'lost waiting survivor',
    ])
    expect(await jobs.get(late)).toMatchObject({ state: 'succeeded', attempts: 2 })
  } finally {
    killed.child.kill('SIGKILL')
    frozen.child.kill('SIGKILL')
    await Promise.all([killed.exited, frozen.exited])
  }
})

test('forgets what ended long ago, the dead last', async () => {
  const { db } = await start()
  const ended = async (state: string, days: number, owner_id: string | null = null) => {
    const id = newId()
    await sql`
      INSERT INTO core_job (id, name, payload, owner_id, state, max_attempts, finished_at)
      VALUES (${id}, 'test.old', '{}', ${owner_id}, ${state}, 1, now() - make_interval(days => ${days}::int))`.execute(
      db.primary,
    )
    return id
  }
  const kept = [await ended('succeeded', 0), await ended('succeeded', 20, newId()), await ended('dead', 80)]
  const gone = [await ended('succeeded', 2), await ended('cancelled', 31, newId()), await ended('dead', 91)]
  while ((await deleteOld(db.primary, 2)) > 0);
  const { rows } = await sql<{
    id: string
  }>`SELECT id FROM core_job WHERE id = ANY(${[...kept, ...gone]}::uuid[])`.execute(db.primary)
  expect(new Set(rows.map(row => row.id))).toEqual(new Set(kept))
})
