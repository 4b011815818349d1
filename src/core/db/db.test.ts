import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { createLog, silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { coreMigrations } from './core-migrations.ts'
import { createDb, type Db, databaseErrorCode, isUniqueViolation } from './db.ts'
import { migrate } from './migrate.ts'
import { dropOldPartitions, makePartitions } from './partitions.ts'

type Tables = { counter: { id: string; value: number } }

let db: Db<Tables>
let url: string
let drop: () => Promise<void>

beforeAll(async () => {
  const test = await createTestDb()
  db = test.db.withTables<Tables>()
  url = test.url
  drop = test.drop
  await sql`CREATE TABLE counter (id text PRIMARY KEY, value bigint NOT NULL)`.execute(db.primary)
})
afterAll(() => drop())

test('numbers, times, dates and documents arrive as the wire wants them', async () => {
  const { rows } = await sql`
    SELECT count(*) AS count, 12.5::numeric AS price, '2026-11-21 08:00:00.5+08'::timestamptz AS at,
      '2026-11-21'::date AS day, ${JSON.stringify({ a: 1 })}::jsonb AS doc, ${newId()}::uuid IS NOT NULL AS ok`.execute(
    db.primary,
  )
  expect(rows).toEqual([
    { count: 1, price: 12.5, at: '2026-11-21T00:00:00.500Z', day: '2026-11-21', doc: { a: 1 }, ok: true },
  ])
})

test('without a replica, reads that may lag are asked of the primary itself', async () => {
  expect(await db.read('somebody', async rows => rows)).toBe(db.primary)
})

test('queries with values run as named prepared statements', async () => {
  await db.primary.selectFrom('counter').select('value').where('id', '=', 'prepared').execute()
  const { rows } = await sql<{
    n: number
  }>`SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%"counter"%'`.execute(db.primary)
  expect(rows[0]?.n).toBeGreaterThan(0)
})

test('parallel serializable transactions are retried until each has counted', async () => {
  await db.primary.insertInto('counter').values({ id: 'serial', value: 0 }).execute()
  const increment = () =>
    db.transaction(
      async tx => {
        const { value } = await tx
          .selectFrom('counter')
          .select('value')
          .where('id', '=', 'serial')
          .executeTakeFirstOrThrow()
        await tx
          .updateTable('counter')
          .set({ value: value + 1 })
          .where('id', '=', 'serial')
          .execute()
      },
      { isolation: 'serializable' },
    )
  await Promise.all([increment(), increment(), increment()])
  const row = await db.primary
    .selectFrom('counter')
    .select('value')
    .where('id', '=', 'serial')
    .executeTakeFirstOrThrow()
  expect(row.value).toBe(3)
})

test('a failed transaction leaves nothing behind, and says why', async () => {
  const failed = db.transaction(async tx => {
    await tx.insertInto('counter').values({ id: 'twice', value: 1 }).execute()
    await tx.insertInto('counter').values({ id: 'twice', value: 2 }).execute()
  })
  await expect(failed).rejects.toSatisfy(
    error => isUniqueViolation(error, 'counter_pkey') && databaseErrorCode(error) === '23505',
  )
  expect(await db.primary.selectFrom('counter').selectAll().where('id', '=', 'twice').execute()).toEqual([])
})

test('what is to follow a transaction waits for its commit, however the transaction is typed', async () => {
  const seen: (number | undefined)[] = []
  const look = async () =>
    (await db.primary.selectFrom('counter').select('value').where('id', '=', 'after').executeTakeFirst())
      ?.value
  const followed = new Promise<void>((resolve, reject) => {
    db.transaction(async tx => {
      const same = tx.withTables<Tables>()
      db.afterCommit(same, () =>
        look().then(value => {
          seen.push(value)
          resolve()
        }, reject),
      )
      await same.insertInto('counter').values({ id: 'after', value: 8 }).execute()
      expect(await look()).toBeUndefined()
    }).catch(reject)
  })
  await followed
  expect(seen).toEqual([8])
  await expect(
    db.transaction(async tx => {
      db.afterCommit(tx.withTables<Tables>(), () => seen.push(9))
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  expect(seen).toEqual([8])
})

test('slow queries are logged with their text and without their values', async () => {
  const lines: string[] = []
  const slow = createDb({
    connection_string: url,
    pool_size: 2,
    statement_timeout_ms: 5000,
    slow_query_ms: 1,
    log: createLog('info', line => lines.push(line)),
  })
  await sql`SELECT pg_sleep(0.02), ${'a secret value'}::text`.execute(slow.primary)
  await slow.stop()
  expect(lines.join()).toContain('pg_sleep')
  expect(lines.join()).not.toContain('a secret value')
})

test('a statement that runs too long is cut off', async () => {
  const strict = createDb({
    connection_string: url,
    pool_size: 2,
    statement_timeout_ms: 100,
    slow_query_ms: 0,
    log: silentLog,
  })
  await expect(sql`SELECT pg_sleep(30)`.execute(strict.primary)).rejects.toSatisfy(
    error => databaseErrorCode(error) === '57014',
  )
  await strict.stop()
})

test('processes that migrate at once run each step once, and a newer database is refused', async () => {
  let runs = 0
  const set = {
    module: 'example',
    migrations: [
      {
        name: '0001_example',
        async up() {
          runs++
        },
      },
    ],
  }
  await Promise.all([
    migrate(db.withTables<unknown>(), [set], silentLog),
    migrate(db.withTables<unknown>(), [set], silentLog),
    migrate(db.withTables<unknown>(), [set], silentLog),
  ])
  expect(runs).toBe(1)
  await expect(
    migrate(db.withTables<unknown>(), [{ module: 'example', migrations: [] }, coreMigrations], silentLog),
  ).rejects.toThrow('newer version')
})

test('month partitions are made ahead and dropped after their retention', async () => {
  await sql`CREATE TABLE log_line (at timestamptz NOT NULL, text text) PARTITION BY RANGE (at)`.execute(
    db.primary,
  )
  await makePartitions(db.primary, 'log_line', new Date('2026-01-15T00:00:00Z'))
  await makePartitions(db.primary, 'log_line', new Date('2026-03-31T23:59:59Z'))
  await makePartitions(db.primary, 'log_line', new Date('2026-03-31T23:59:59Z'))
  await sql`INSERT INTO log_line VALUES ('2026-01-31 23:59:59.999+00', 'a'), ('2026-05-01 00:00+00', 'b')`.execute(
    db.primary,
  )
  const dropped = await dropOldPartitions(
    db.primary,
    { table: 'log_line', retention_months: 2 },
    new Date('2026-04-01T00:00:00Z'),
  )
  expect(dropped).toEqual(['log_line_p202601'])
  expect((await sql`SELECT text FROM log_line`.execute(db.primary)).rows).toEqual([{ text: 'b' }])
})

test('a connection that is cut in the middle of a transaction fails that transaction only', async () => {
  const cut = db.transaction(async tx => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tx)
    await sql`SELECT pg_terminate_backend(${rows[0]?.pid ?? 0})`.execute(db.primary)
    // The socket's end has to arrive while no query is under way: that is when nobody else listens for it.
    await expect
      .poll(
        () =>
          sql`SELECT 1`.execute(tx).then(
            () => 'alive',
            () => 'cut',
          ),
        { timeout: 20_000 },
      )
      .toBe('cut')
    throw new Error('the end')
  })
  await expect(cut).rejects.toThrow()
  expect((await sql<{ one: number }>`SELECT 1 AS one`.execute(db.primary)).rows).toEqual([{ one: 1 }])
})
