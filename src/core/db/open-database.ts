import pg from 'pg'
import { ConfigError, type Settings } from '#core/config.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import type { coreSettings } from '#core/settings.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { createDb, type Db } from './db.ts'
import { connectEmbedded, startEmbeddedPostgres } from './embedded.ts'

export type OpenDatabase = { db: Db; stop(): Promise<void> }

/** Any fixed number: it names the lock that counts the serving processes of one database. */
const servingLock = 7_226_927

/**
 * The database: the external one of `DATABASE_URL`, or the embedded one, started here. Commands that do not serve
 * join the embedded server that is running.
 * @throws {ConfigError} when another process serves the same database and no `REDIS_URL` connects the two: live
 *   updates would reach only the half of the users that is connected to the same process.
 */
export async function openDatabase(options: {
  settings: Settings<typeof coreSettings>
  dataDir: string
  log: Log
  metrics: Metrics
  redis: RedisLink | undefined
  serving: boolean
}): Promise<OpenDatabase> {
  const { settings, serving } = options
  const { connectionString, stopServer } = await findServer(options)
  const db = createDb({
    connection_string: connectionString,
    replica_url: settings.DATABASE_REPLICA_URL || undefined,
    redis: options.redis,
    pool_size: settings.DATABASE_POOL_SIZE,
    statement_timeout_ms: settings.DATABASE_STATEMENT_TIMEOUT_MS,
    slow_query_ms: settings.DATABASE_SLOW_QUERY_MS,
    log: options.log.child('db'),
    metrics: options.metrics,
  })
  const stop = async () => {
    await db.stop()
    await stopServer()
  }
  try {
    const mark = serving ? await markServing(connectionString, settings.REDIS_URL !== '') : undefined
    return {
      db,
      async stop() {
        await mark?.end()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function findServer({ settings, dataDir, log, serving }: Parameters<typeof openDatabase>[0]) {
  const external = settings.DATABASE_URL || (serving ? null : await connectEmbedded(dataDir))
  if (external) return { connectionString: external, stopServer: async () => {} }
  const embedded = await startEmbeddedPostgres({ dataDir, log: log.child('postgres') })
  return { connectionString: embedded.connection_string, stopServer: () => embedded.stop() }
}

/** Holds a lock for as long as this process serves: shared among processes with Redis, exclusive without. */
async function markServing(connectionString: string, shared: boolean): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'banyan serving',
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
    throw new ConfigError(
      `The database of DATABASE_URL cannot be reached (${reason}). Check that it runs and that the address is right.`,
    )
  }
  const { rows } = await client.query(
    shared ? 'SELECT pg_try_advisory_lock_shared($1) AS held' : 'SELECT pg_try_advisory_lock($1) AS held',
    [servingLock],
  )
  if (!rows[0].held) {
    await client.end()
    throw new ConfigError(
      'Another Banyan already serves this database. Stop it, or set REDIS_URL for both: without Redis, live updates would reach only the users of one of them.',
    )
  }
  return client
}
