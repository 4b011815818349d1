import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createCron } from './cron.ts'
import { type CronDefinition, defineJob } from './jobs.ts'
import { migration } from './migrations/0001_jobs.ts'
import { startProcess, type TestProcess } from './testing/harness.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let process: TestProcess

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [migration] }])
  process = await startProcess(database.url)
})
afterAll(async () => {
  await process.stop(0)
  await database.drop()
})

const daily = (): CronDefinition => {
  const name = `test.cron_${newId()}`
  return {
    name,
    schedule: '0 3 * * *',
    job: defineJob({ name, schema: z.object({}), run: async () => undefined }),
  }
}

/** Starts as many processes at once at a point in time, lets them tick, and stops them. */
async function tickAt(time: string, crons: readonly CronDefinition[], processes = 1) {
  const { db, jobs } = process
  const tickers = Array.from({ length: processes }, () =>
    createCron({ db, jobs, clock: { now: () => Date.parse(time) }, log: silentLog }, crons),
  )
  await Promise.all(tickers.map(ticker => ticker.start()))
  await Promise.all(tickers.map(ticker => ticker.stop()))
}

async function added({ name }: CronDefinition): Promise<number> {
  const { rows } = await sql`SELECT id FROM core_job WHERE name = ${name}`.execute(process.db.primary)
  return rows.length
}

test('a new schedule waits for its first tick', async () => {
  const cron = daily()
  await tickAt('2026-11-21T00:00:00Z', [cron])
  expect(await added(cron)).toBe(0)
})

test('a tick adds one job, however many processes there are', async () => {
  const cron = daily()
  await tickAt('2026-11-20T18:59:00Z', [cron], 4)
  expect(await added(cron)).toBe(0)
  // 03:00 in Shanghai
  await tickAt('2026-11-20T19:00:00Z', [cron], 8)
  expect(await added(cron)).toBe(1)
  await tickAt('2026-11-21T18:59:59Z', [cron], 4)
  expect(await added(cron)).toBe(1)
})

test('ticks that nobody was there for are made up for once', async () => {
  const cron = daily()
  await tickAt('2026-11-01T00:00:00Z', [cron])
  await tickAt('2026-11-21T00:00:00Z', [cron], 4)
  expect(await added(cron)).toBe(1)
})

test('refuses what can never work before anything starts', () => {
  const { db, jobs } = process
  const parts = { db, jobs, clock: { now: () => 0 }, log: silentLog }
  expect(() => createCron(parts, [{ ...daily(), schedule: 'daily' }])).toThrow('five fields')
  expect(() => createCron(parts, [{ ...daily(), time_zone: 'Mars/Olympus' }])).toThrow(RangeError)
  const twin = daily()
  expect(() => createCron(parts, [twin, twin])).toThrow('same name')
})
