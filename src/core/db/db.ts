import {
  Kysely,
  PostgresDialect,
  type QueryExecutor,
  type QueryExecutorProvider,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import { isAbort } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { withPreparedStatements } from './prepared.ts'
import { createReplica, cuttableSockets, type Reads, type Replica, withoutReplica } from './replica.ts'

/** Anything that can run a query: a Kysely or a transaction, typed with whatever tables. */
export type Executor = QueryExecutorProvider

export type Db<T = unknown> = Reads<T> & {
  /** For writes, and for reads that must not lag; those that may go through `read`. */
  primary: Kysely<T>
  /**
   * BEGIN … COMMIT. Runs `work` again, up to five times, when the database reports a serialization failure or a
   * deadlock, so `work` must have no effects outside the transaction.
   */
  transaction<R>(
    work: (tx: Transaction<T>) => Promise<R>,
    options?: { isolation?: 'read committed' | 'repeatable read' | 'serializable' },
  ): Promise<R>
  /** Calls `run` once the transaction has committed, never when it is rolled back; at once outside of one. */
  afterCommit(executor: Executor, run: () => void): void
  /** The same connections, typed with a module's tables. */
  withTables<M>(): Db<M>
  /** The primary's pool, for what needs a connection of its own (LISTEN, the job worker). */
  pool: pg.Pool
  connection_string: string
  /** Milliseconds of one round trip to the primary, as measured now. */
  latency(): Promise<number>
  stop(): Promise<void>
}

export type DbOptions = {
  connection_string: string
  replica_url?: string
  /** By which the processes tell each other who has written. */
  redis?: RedisLink | undefined
  pool_size: number
  statement_timeout_ms: number
  /** Queries slower than this are logged with their text, never their values. 0: none. */
  slow_query_ms: number
  log: Log
  metrics?: Metrics
}

/*
 * int8 and numeric as JavaScript numbers: counters and money here stay below 2^53. Times as ISO 8601 text, so that
 * a row needs no conversion on its way to the wire.
 */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') return pg.types.getTypeParser(oid, format)
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC) return Number
    if (oid === pg.types.builtins.TIMESTAMPTZ) return isoTime
    if (oid === pg.types.builtins.DATE) return (value: string) => value
    return pg.types.getTypeParser(oid, format)
  },
}

/** `2026-11-21 08:00:00.123+00` (sessions run in UTC) to `2026-11-21T08:00:00.123Z`. */
function isoTime(value: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(value)
  if (!match) return value
  return `${match[1]}T${match[2]}.${(match[3] ?? '').slice(0, 3).padEnd(3, '0')}Z`
}

/** Opens the pools. Nothing connects until the first query. */
export function createDb(options: DbOptions): Db {
  const pool = openPool(options, options.connection_string, 'primary')
  const primary = kyselyOver(pool, options)
  const replica = options.replica_url ? openReplica(options, primary, options.replica_url) : undefined
  const { read, wrote } = replica ?? withoutReplica(primary)
  /** What is to be done after the transactions that are under way; a transaction typed anew is another object. */
  const afterwards = new WeakMap<QueryExecutor, (() => void)[]>()
  const db: Db = {
    primary,
    read,
    wrote,
    transaction: (work, { isolation } = {}) =>
      retried(async () => {
        const builder = primary.transaction()
        const after: (() => void)[] = []
        const result = await (isolation ? builder.setIsolationLevel(isolation) : builder).execute(tx => {
          afterwards.set(tx.getExecutor(), after)
          return work(tx)
        })
        for (const run of after) run()
        return result
      }),
    afterCommit(executor, run) {
      const after = afterwards.get(executor.getExecutor())
      if (after) after.push(run)
      else run()
    },
    withTables: <M>() => db as unknown as Db<M>,
    pool,
    connection_string: options.connection_string,
    async latency() {
      const started = performance.now()
      await pool.query('SELECT 1')
      return performance.now() - started
    },
    async stop() {
      await pool.end()
      await replica?.stop()
    },
  }
  return db
}

function openReplica(options: DbOptions, primary: Kysely<unknown>, replica_url: string): Replica {
  const { stream, cut } = cuttableSockets()
  // The primary answers while the replica does not: nobody shall wait for it long.
  const pool = openPool(options, replica_url, 'replica', { stream, connectionTimeoutMillis: 2_000 })
  const { connection_string, redis, log, metrics } = options
  const replica = createReplica({
    primary,
    replica: kyselyOver(pool, options),
    connection_string,
    replica_url,
    redis,
    cut,
    log,
    metrics,
  })
  return {
    ...replica,
    async stop() {
      await replica.stop()
      await pool.end()
    },
  }
}

function openPool(
  options: DbOptions,
  connectionString: string,
  name: string,
  more: pg.PoolConfig = {},
): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: options.pool_size,
    statement_timeout: options.statement_timeout_ms,
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'banyan',
    options: '-c TimeZone=UTC',
    types,
    ...more,
  })
  // A connection that the server closes must not end the process, be it idle in the pool or between two queries of a
  // transaction; the next query fails or opens another. While the pool ends, the server may be the faster to close.
  pool.on('error', () => undefined)
  pool.on('connect', client =>
    client.on('error', error => {
      if (!pool.ending) options.log.warn({ error }, 'a database connection was lost')
    }),
  )
  if (options.metrics) {
    const connections = options.metrics.gauge({
      name: `db_pool_${name}_connections`,
      help: `Connections of the ${name} pool`,
      labels: ['state'],
      collect(gauge) {
        gauge.set({ state: 'total' }, pool.totalCount)
        gauge.set({ state: 'idle' }, pool.idleCount)
        gauge.set({ state: 'waiting' }, pool.waitingCount)
      },
    })
    connections.set({ state: 'waiting' }, 0)
  }
  return pool
}

function kyselyOver(pool: pg.Pool, { slow_query_ms, log }: DbOptions): Kysely<unknown> {
  return new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: withPreparedStatements(pool) }),
    log: event => {
      if (event.level === 'error') {
        if (!isAbort(event.error)) log.debug({ error: event.error, query: event.query.sql }, 'a query failed')
      } else if (slow_query_ms > 0 && event.queryDurationMillis >= slow_query_ms) {
        log.warn({ duration: event.queryDurationMillis, query: event.query.sql.slice(0, 2000) }, 'slow query')
      }
    },
  })
}

const serializationFailure = '40001'
const deadlockDetected = '40P01'

async function retried<R>(attempt: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const code = databaseErrorCode(error)
      if (tries >= 5 || (code !== serializationFailure && code !== deadlockDetected)) throw error
      await new Promise(resolve => setTimeout(resolve, 2 ** tries * 2 * (0.5 + Math.random())))
    }
  }
}

/** The SQLSTATE of a database error, or undefined for any other error. */
export function databaseErrorCode(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** True when a write failed because the row exists already; `constraint` narrows it to one constraint or index. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  )
}
