import { EventEmitter } from 'node:events'
import { Logger, runMigrations, runTaskList, type WorkerEvents, type WorkerPool } from 'graphile-worker'
import pg from 'pg'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import type { Log } from '#core/log.ts'
import type { JobDefinition, JobView } from './jobs.ts'
import type { Runner } from './runner.ts'
import { freeJobsOf, removeWorkers, returnJob, runningJobs, saveBeat } from './store.ts'

/**
 * The worker of this process: a pool of graphile-worker that says when a job is due, and the lease that keeps two
 * processes from running the same one. Each process writes a heartbeat. One that cannot stops its jobs after
 * `lease_ms`; the others take them over after `dead_ms`, so nothing runs twice at once while clocks tick alike, and
 * the jobs of a killed process run elsewhere within half a minute.
 */
export type Worker = { stop(limit_ms: number): Promise<void> }

const beat_ms = 3_000
const lease_ms = 15_000
const dead_ms = 20_000
/** How soon a job is found whose time has come (new ones are announced by NOTIFY at once). */
const poll_ms = 2_000

const Alarm = z.object({ id: z.uuid() })

/** graphile-worker makes and updates its own schema, `graphile_worker`. */
export async function migrateWorker(db: Db, log: Log): Promise<void> {
  await runMigrations({ connectionString: db.connection_string, maxPoolSize: 2, logger: graphileLogger(log) })
}

export function createWorker({
  db,
  log,
  runner,
  definitions,
  concurrency,
  publish,
}: {
  db: Db
  log: Log
  runner: Runner
  definitions: readonly JobDefinition[]
  concurrency: number
  publish: (view: JobView | undefined) => void
}): Worker {
  // Connections of its own: heartbeats must not wait behind the queries of requests.
  const pgPool = new pg.Pool({
    connectionString: db.connection_string,
    max: 4,
    application_name: 'banyan jobs',
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  })
  const onLost = (error: Error) => log.warn({ error }, 'a connection of the job worker was lost')
  pgPool.on('error', onLost)
  // One that is lost while lent out reports to itself, and an error event that nobody hears ends the process.
  pgPool.on('connect', client => client.on('error', onLost))

  const pools = new Map<string, { pool: WorkerPool; closed: Promise<void> }>()
  let current: WorkerPool | null = null
  let stopping = false
  let lastBeat = Date.now()
  let reopenTimer: NodeJS.Timeout | undefined
  let opening: PromiseWithResolvers<void> | undefined

  /** Jobs are claimed only under a live lease; after a suspended laptop wakes, the first beat comes first. */
  async function run(definition: JobDefinition, payload: unknown, worker: string) {
    const { id } = Alarm.parse(payload)
    if (Date.now() - lastBeat > lease_ms) await beat()
    await runner.run(definition, id, worker)
  }

  async function beat() {
    const ids = [...pools.keys()]
    const sent = Date.now()
    await saveBeat(db.primary, ids)
    lastBeat = sent
    for (const job of await runningJobs(db.primary, ids)) {
      if (job.is_cancel_requested) runner.stop(job.id, 'cancelled')
      // The database was away when it ended, so that its end is not recorded.
      if (job.is_old && !runner.isRunning(job)) publish(await returnJob(db.primary, job))
    }
    await db.transaction(async tx => {
      const dead = await removeWorkers(tx, { silent_ms: dead_ms })
      if (dead.length === 0) return
      const freed = await freeJobsOf(tx, dead)
      log.warn({ workers: dead.length, jobs: freed.length }, 'took over from processes that died')
    })
  }

  function openPool() {
    const ready = Promise.withResolvers<void>()
    let id = ''
    const tasks = Object.fromEntries(
      definitions.map(definition => [definition.name, (payload: unknown) => run(definition, payload, id)]),
    )
    const events: WorkerEvents = new EventEmitter()
    events.on('pool:gracefulShutdown', ({ workerPool }) => reopen(workerPool))
    const pool = runTaskList(
      {
        events,
        concurrency,
        pollInterval: poll_ms,
        noHandleSignals: true,
        logger: graphileLogger(log),
        preset: { plugins: [supervision(ready.promise)], worker: unbatched },
      },
      tasks,
      pgPool,
    )
    id = pool.id
    current = pool
    const closed = pool.promise
      .catch((error: unknown) => log.warn({ error }, 'a worker pool ended with an error'))
      .then(() => close(pool))
      .catch((error: unknown) =>
        log.warn({ error }, 'a worker pool left locks behind until it is found dead'),
      )
    pools.set(id, { pool, closed })
    return ready
  }

  /** graphile-worker shuts a pool down when the database fails it at a bad moment. Another takes its place. */
  function reopen(pool: WorkerPool) {
    if (stopping || pool !== current) return
    current = null
    log.warn({}, 'the worker pool is replaced')
    reopenTimer = setTimeout(() => void start(), poll_ms)
  }

  async function close(pool: WorkerPool) {
    pools.delete(pool.id)
    reopen(pool)
    await db.transaction(async tx => {
      await removeWorkers(tx, { ids: [pool.id] })
      await freeJobsOf(tx, [pool.id])
    })
  }

  /** A pool takes its first job after its first heartbeat, so that there is never a lock without one. */
  async function start() {
    const ready = openPool()
    opening = ready
    while (!stopping) {
      try {
        await beat()
        break
      } catch (error) {
        log.warn({ error }, 'the job worker cannot reach the database')
        await new Promise(resolve => setTimeout(resolve, poll_ms))
      }
    }
    ready.resolve()
  }

  let beating: Promise<void> = start()
  const beatTimer = setInterval(() => {
    beating = beating
      .then(() => (pools.size > 0 ? beat() : undefined))
      .catch((error: unknown) => log.warn({ error }, 'a heartbeat of the job worker failed'))
  }, beat_ms)
  const leaseTimer = setInterval(() => {
    if (Date.now() - lastBeat > lease_ms) runner.stopAll('lease_lost')
  }, poll_ms)

  return {
    async stop(limit_ms) {
      stopping = true
      clearTimeout(reopenTimer)
      opening?.resolve()
      const limit = setTimeout(() => runner.stopAll('stopping'), limit_ms)
      // Pools that were replaced are shutting down already.
      Promise.resolve(current?.gracefulShutdown()).catch(() => undefined)
      await Promise.all([...pools.values()].map(({ closed }) => closed))
      clearTimeout(limit)
      clearInterval(beatTimer)
      clearInterval(leaseTimer)
      await beating
      await pgPool.end()
    },
  }
}

/**
 * Jobs are completed one by one, yet through the batching of graphile-worker: only there is a failure handled, while
 * the direct way leaves a rejection that nobody handles, which would end the process.
 */
const unbatched: GraphileConfig.WorkerOptions = { completeJobBatchDelay: 0, failJobBatchDelay: 0 }

function supervision(ready: Promise<void>): GraphileConfig.Plugin {
  return {
    name: 'BanyanSupervision',
    version: '1.0.0',
    worker: {
      hooks: { startWorker: () => ready },
      middleware: {
        poolWorkerPrematureExit(_next, { workerPool }) {
          Promise.resolve(workerPool.gracefulShutdown()).catch(() => undefined)
        },
      },
    },
  }
}

function graphileLogger(log: Log): Logger {
  return new Logger(() => (level, message) => {
    if (level === 'error') log.error({}, message)
    else if (level === 'warning') log.warn({}, message)
    else log.debug({}, message)
  })
}
