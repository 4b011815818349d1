import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db, Executor } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import { isId, newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { coreSettings } from '#core/settings.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { type CronTicker, createCron } from './cron.ts'
import { createRunner, describe } from './runner.ts'
import {
  cancelJob,
  countJobs,
  deleteOld,
  findJob,
  insertDead,
  insertJob,
  listJobs,
  retryJob,
} from './store.ts'
import { createWorker, migrateWorker, type Worker } from './worker.ts'

export const JobState = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead'])
export type JobState = z.output<typeof JobState>

/** What may be known of a job. `failed` waits for its next attempt; `dead` has none left, and may be retried by hand. */
export const JobView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    owner_id: z.uuid().nullable(),
    state: JobState,
    progress: z.number().describe('From 0 to 1.'),
    message: z.string().nullable(),
    attempts: z.int(),
    max_attempts: z.int(),
    error_code: z.string().nullable(),
    run_at: z.string().describe('When it is due, or was.'),
    created_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'Job' })
export type JobView = z.output<typeof JobView>

/** A job as administrators see it. */
export const JobRecord = JobView.extend({ error_detail: z.string().nullable() }).meta({ id: 'JobRecord' })
export type JobRecord = z.output<typeof JobRecord>

export type JobContext = {
  job_id: string
  /** 1 on the first attempt. */
  attempt: number
  /** Aborts on cancel, time-out, shutdown and when this process lost the job to another. End soon after. */
  signal: AbortSignal
  log: Log
  /** Tells how far it is, from 0 to 1. Cheap to call often: it is written and sent twice a second at most. */
  progress(fraction: number, message?: string): Promise<void>
}

export type JobDefinition<T = unknown> = {
  /** `module.verb_noun` */
  name: string
  schema: z.ZodType<T>
  attempts: number
  timeout_ms: number
  concurrency: number | null
  run(payload: T, context: JobContext): Promise<void>
}

/** Locks of graphile-worker lapse after four hours; no attempt may last as long. */
const longestTimeout_ms = 3 * 60 * 60_000

/**
 * Declares a job. It runs at least once: effects must be idempotent, since a process may die between an effect and
 * the note that it happened.
 *
 * - `attempts` (5): tries before it is dead, 1, 2, 4 … seconds apart, an hour at most. A process that dies uses up one.
 * - `timeout_ms` (10 minutes): for one attempt, three hours at most.
 * - `concurrency`: at most so many run at once over all processes. Unlimited by default.
 */
export function defineJob<T>(job: {
  name: string
  schema: z.ZodType<T>
  attempts?: number
  timeout_ms?: number
  concurrency?: number
  run(payload: T, context: JobContext): Promise<void>
}): JobDefinition<T> {
  const { attempts = 5, timeout_ms = 600_000, concurrency = null } = job
  if (timeout_ms > longestTimeout_ms) throw new Error(`${job.name}: a job may take three hours at most`)
  return { name: job.name, schema: job.schema, attempts, timeout_ms, concurrency, run: job.run }
}

export type CronDefinition = {
  /** `module.verb_noun`: what the last tick is remembered under. */
  name: string
  /** Five fields: minute, hour, day of month, month, day of week. */
  schedule: string
  /** Default: Asia/Shanghai. */
  time_zone?: string
  job: JobDefinition<Record<string, never>>
}

export type JobFilter = {
  state?: JobState
  name?: string
  owner_id?: string
  limit: number
  cursor?: string
}

export type Jobs = {
  /**
   * Adds a job inside the caller's transaction: it exists if and when that commits, and a rollback takes it back.
   * While a job of the same name and `key` waits to start, adding it again only gives that one the new payload and
   * time, and returns its id. Jobs with an `owner_id` are shown live to that user on `jobs.job.{id}`.
   * @throws {z.ZodError} when the payload does not fit the job's schema.
   */
  add<T>(
    tx: Executor,
    job: JobDefinition<T>,
    payload: T,
    options?: { owner_id?: string; key?: string; run_at?: Date },
  ): Promise<string>
  /** Writes down, as dead, what was tried in vain elsewhere, so that administrators see it and may retry it as a job. */
  bury(tx: Executor, name: string, payload: unknown, attempts: number, error: unknown): Promise<void>
  get(id: string): Promise<JobView | null>
  /** Newest first. */
  list(filter: JobFilter): Promise<Page<JobRecord>>
  /** Cancels a waiting job, or tells a running one to stop, wherever it runs. False when it had ended already. */
  cancel(id: string): Promise<boolean>
  /** Puts a dead, failed or cancelled job back in the queue with all its attempts. False when it is none of these. */
  retry(id: string): Promise<boolean>
  /** How many wait, run, have failed for now or are dead. */
  counts(): Promise<Record<'queued' | 'running' | 'failed' | 'dead', number>>
}

export type JobsService = Jobs & {
  /** Makes the tables of the queue; needed before the first `add` in any process. Safe to run at once in several. */
  migrate(): Promise<void>
  /** Begins to work, on these jobs only. Throws for malformed schedules and names given twice. */
  start(work: { jobs: readonly JobDefinition[]; cron: readonly CronDefinition[] }): Promise<void>
  /**
   * Takes no further jobs; those that run may finish within `limit_ms` and are given back to the queue after it.
   */
  stop(limit_ms?: number): Promise<void>
}

export const jobNotFound = defineError({
  code: 'job.not_found',
  status: 404,
  en: 'There is no such job.',
  'zh-CN': '没有这个任务。',
})
export const jobEnded = defineError({
  code: 'job.ended',
  status: 409,
  en: 'The job has ended already.',
  'zh-CN': '任务已经结束。',
})
export const jobNotRetryable = defineError({
  code: 'job.not_retryable',
  status: 409,
  en: 'The job waits, runs or has succeeded, so there is nothing to retry.',
  'zh-CN': '任务正在等待、运行或已成功，无需重试。',
})

const deleteBatch = 1000

export function createJobs(options: {
  db: Db
  log: Log
  clock: Clock
  realtime: Pick<Realtime, 'publish'>
  metrics?: Metrics
  settings: Pick<Settings<typeof coreSettings>, 'JOBS_CONCURRENCY' | 'SHUTDOWN_TIMEOUT_MS'>
}): JobsService {
  const { db, clock, metrics, settings } = options
  const log = options.log.child('jobs')
  let worker: Worker | null = null
  let cron: CronTicker | null = null

  const publish = (view: JobView | undefined) => {
    if (!view?.owner_id) return
    options.realtime
      .publish(`jobs.job.${view.id}`, { type: 'job.updated', job: view })
      .catch((error: unknown) => log.debug({ error }, 'the state of a job was not sent'))
  }
  const runner = createRunner({ db, log, metrics, publish })

  metrics?.gauge({
    name: 'jobs_queued',
    help: 'Jobs in the database that wait, run, have failed for now or are dead',
    labels: ['state'],
    async collect(gauge) {
      gauge.reset()
      for (const { state, count } of await db.read(null, countJobs)) gauge.set({ state }, count)
    },
  })

  const cleanUp = defineJob({
    name: 'core.clean_jobs',
    schema: z.object({}),
    async run(_, { signal }) {
      while (!signal.aborted && (await deleteOld(db.primary, deleteBatch)) > 0);
    },
  })

  const jobs: JobsService = {
    async add(tx, job, payload, { owner_id, key, run_at } = {}) {
      const { name, concurrency } = job
      return insertJob(tx, {
        id: newId(),
        name,
        payload: job.schema.parse(payload),
        owner_id: owner_id ?? null,
        key: key ?? null,
        // Jobs of one named queue run one after another, so n queues let n run at once.
        queue: concurrency === null ? null : `${name}/${Math.floor(Math.random() * concurrency)}`,
        run_at: run_at ?? null,
        max_attempts: job.attempts,
      })
    },
    bury: (tx, name, payload, max_attempts, error) =>
      insertDead(tx, { id: newId(), name, payload, max_attempts }, describe(error)),
    get: async id => (isId(id) ? findJob(db.primary, id) : null),
    async list({ cursor, limit, ...filter }) {
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? []
      const rows = await listJobs(db.primary, { ...filter, before, limit: limit + 1 })
      return pageFrom(rows, limit, row => [row.id])
    },
    async cancel(id) {
      const view = isId(id) ? await cancelJob(db.primary, id) : undefined
      // Another process hears of it at its next heartbeat.
      runner.stop(id, 'cancelled')
      if (view?.state === 'cancelled') publish(view)
      return view !== undefined
    },
    async retry(id) {
      const view = isId(id) ? await retryJob(db.primary, id) : undefined
      publish(view)
      return view !== undefined
    },
    async counts() {
      const counts = { queued: 0, running: 0, failed: 0, dead: 0 }
      for (const { state, count } of await db.read(null, countJobs)) counts[state] = count
      return counts
    },
    migrate: () => migrateWorker(db, log),
    async start(work) {
      const all = [...work.jobs, cleanUp]
      const names = new Set(all.map(definition => definition.name))
      if (names.size < all.length) throw new Error('Two jobs have the same name')
      cron = createCron({ db, jobs, clock, log }, [
        ...work.cron,
        { name: 'core.clean_jobs', schedule: '17 4 * * *', job: cleanUp },
      ])
      worker = createWorker({
        db,
        log,
        runner,
        definitions: all,
        concurrency: settings.JOBS_CONCURRENCY,
        publish,
      })
      await cron.start()
    },
    async stop(limit_ms = settings.SHUTDOWN_TIMEOUT_MS / 3) {
      await cron?.stop()
      await worker?.stop(limit_ms)
    },
  }
  return jobs
}
