import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { AppError, isAbort } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { createWriteMarks } from './write-marks.ts'

/** Reads that may lag behind what was committed. */
export type Reads<T> = {
  /**
   * Runs `work`, which only reads and may run twice, at the replica, or at the primary where there is none. For what
   * is heavy and decides nothing: lists, search, statistics, exports. Never for sign-in, permissions, quotas, and
   * never for what a cache keeps: after an invalidation the old rows would come back to stay.
   *
   * `reader` (a user id; null: nobody who wrote anything waits for it) sees everything that was committed before the
   * last `wrote` of that user, in any process. What others wrote is seen at most ten seconds late. A replica that is
   * away, lags more, or fails in the middle is no error: the primary answers.
   *
   * Not promised: that two reads see the same state, or the later one the newer; that processes hear of each other's
   * writes while Redis is away from the one that writes.
   */
  read<R>(reader: string | null, work: (rows: Kysely<T>) => Promise<R>): Promise<R>
  /**
   * From now on `read` shows this user everything that is committed. Called after every request of a user that is
   * not a GET, and after the jobs that a user owns; what else writes for a user who then looks calls it after its
   * commit, before it tells the user. Never fails.
   */
  wrote(userId: string): Promise<void>
}

export type Replica = Reads<unknown> & { stop(): Promise<void> }

/** Without a replica there is nothing to choose, and nothing to remember. */
export const withoutReplica = (primary: Kysely<unknown>): Reads<unknown> => ({
  read: (_, work) => work(primary),
  wrote: async () => {},
})

/** Beyond it, as far as is known, a replica is not asked. */
const mostLag_ms = 10_000
const watchInterval_ms = 500
const watchTimeout_ms = 2_000

/**
 * Chooses between primary and replica. While there are readers, it asks the primary for its write position and waits
 * until the replica has replayed it: then the replica has all that was committed before the question, and a user may
 * read there whose last write is older. So neither writing nor reading asks the primary anything, and a process
 * without Redis remembers a time per user, nothing else.
 */
export function createReplica(options: {
  primary: Kysely<unknown>
  replica: Kysely<unknown>
  connection_string: string
  replica_url: string
  redis: RedisLink | undefined
  /** Cuts the connections to the replica: what runs there fails, and is asked of the primary. */
  cut: () => void
  log: Log
  metrics: Metrics | undefined
}): Replica {
  const { primary, replica, log } = options
  const watch = createWatch(options)
  const marks = createWriteMarks(options.redis)
  const counter = options.metrics?.counter({
    name: 'db_reads_total',
    help: 'Reads that may lag, by the server that answered',
    labels: ['server'],
  })

  async function mayUseReplica(reader: string | null): Promise<boolean> {
    if (performance.now() - watch.fresh_at() > mostLag_ms) return false
    return reader === null || (await marks.lastWrite(reader)) <= watch.fresh_at()
  }

  return {
    async read(reader, work) {
      watch.start()
      if (await mayUseReplica(reader)) {
        try {
          const result = await work(replica)
          counter?.inc({ server: 'replica' })
          return result
        } catch (error) {
          if (isOfTheWork(error)) throw error
          log.warn({ error }, 'a read failed at the replica; the primary is asked')
        }
      }
      counter?.inc({ server: 'primary' })
      return work(primary)
    },
    wrote: marks.note,
    stop: watch.stop,
  }
}

/** Errors that the primary would answer, too. A query that took too long there would take as long here. */
const isOfTheWork = (error: unknown): boolean =>
  error instanceof AppError || isAbort(error) || (error instanceof pg.DatabaseError && error.code === '57014')

const position = `SELECT pg_current_wal_insert_lsn()::text AS lsn, pg_postmaster_start_time()::text AS server`

/**
 * A server that is no standby has everything if it is the primary itself: behind one address there may be a proxy
 * that leads to the primary while no standby is there. Another one (a standby that was promoted) has its own history.
 */
const hasReplayed = `
  SELECT CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)
    ELSE pg_postmaster_start_time()::text = $2 END AS has`

function createWatch({
  connection_string,
  replica_url,
  cut,
  log,
  metrics,
}: Pick<
  Parameters<typeof createReplica>[0],
  'connection_string' | 'replica_url' | 'cut' | 'log' | 'metrics'
>) {
  const primary = watchPool(connection_string)
  const replica = watchPool(replica_url)
  const stopping = new AbortController()
  /** The replica has all that was committed until then, in the time of `performance.now()`. */
  let fresh_at = Number.NEGATIVE_INFINITY
  let pending: { at: number; lsn: string; server: string } | null = null
  let running: Promise<void> | undefined
  let wasUsed = false

  metrics?.gauge({
    name: 'db_replica_lag_seconds',
    help: 'Age of the newest state that the replica is known to have; +Inf while it is away',
    collect: gauge => gauge.set((performance.now() - fresh_at) / 1000),
  })

  async function look() {
    if (!pending) {
      const at = performance.now()
      try {
        const { rows } = await primary.query(position)
        pending = { at, ...rows[0] }
      } catch {
        return // Without the primary nothing new is written; the replica grows too old by itself.
      }
    }
    try {
      const { rows } = await replica.query(hasReplayed, [pending?.lsn, pending?.server])
      if (!rows[0].has) return
      fresh_at = pending?.at ?? fresh_at
      pending = null
    } catch (error) {
      log.debug({ error }, 'the replica does not answer')
      fresh_at = Number.NEGATIVE_INFINITY
    }
  }

  function turn() {
    const isUsed = performance.now() - fresh_at <= mostLag_ms
    if (isUsed && !wasUsed) log.info({}, 'reads that may lag go to the replica')
    if (!isUsed && wasUsed) {
      log.warn({}, 'the replica is away or lags too much; all reads go to the primary')
      // Those under way, too: they may wait for a server that froze, or for a lock that its replay holds.
      cut()
    }
    wasUsed = isUsed
  }

  async function run() {
    const { signal } = stopping
    while (!signal.aborted) {
      await look()
      turn()
      await delay(watchInterval_ms, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  return {
    fresh_at: () => fresh_at,
    /** Begins with the first reader, so that commands which read nothing do not connect. */
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      await running
      await Promise.all([primary.end(), replica.end()])
    },
  }
}

/** A connection of its own, so that busy pools do not look like a server that is away. */
function watchPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: 1,
    connectionTimeoutMillis: watchTimeout_ms,
    query_timeout: watchTimeout_ms,
    application_name: 'banyan replica watch',
  })
  pool.on('error', () => undefined)
  pool.on('connect', client => client.on('error', () => undefined))
  return pool
}

/**
 * Sockets for a pool that can be cut all at once. A server that froze or fell off the network leaves its clients
 * waiting without end otherwise, and its pool full of them when it is back.
 */
export function cuttableSockets(): { stream: () => Socket; cut: () => void } {
  const open = new Set<Socket>()
  return {
    stream() {
      const socket = new Socket()
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}
