import type { Db } from '#core/db/db.ts'
import { AppError, defineError } from '#core/errors.ts'
import { type Log, logContext, scrub } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { inSpan } from '#core/telemetry/tracing.ts'
import type { JobDefinition, JobView } from './jobs.ts'
import { type Run, type RunEnd, type StopReason, startRun, throttled } from './run.ts'
import { claimJob, type Fence, failJob, finishJob, returnJob, saveProgress } from './store.ts'

/** Runs claimed jobs in this process, and knows which those are. */
export type Runner = {
  /** Handles one alarm: claims the job, runs it, records how it ended. Does nothing when it cannot be claimed. */
  run(definition: JobDefinition, id: string, worker: string): Promise<void>
  stop(id: string, reason: StopReason): void
  stopAll(reason: StopReason): void
  /** True while this very attempt runs here. */
  isRunning(fence: Fence): boolean
}

const progressInterval_ms = 500
const longestBackoff_ms = 3_600_000

const timedOut = defineError({
  code: 'job.timed_out',
  status: 500,
  en: 'The job took longer than {seconds} s.',
  'zh-CN': '任务用时超过 {seconds} 秒。',
})

export function createRunner({
  db,
  log,
  metrics,
  publish,
}: {
  db: Db
  log: Log
  metrics?: Metrics
  publish: (view: JobView | undefined) => void
}): Runner {
  const running = new Map<string, { attempts: number; stop: Run['stop'] }>()
  const completed = metrics?.counter({
    name: 'jobs_completed_total',
    help: 'Attempts of jobs that ended, by how',
    labels: ['job', 'outcome'],
  })
  const durations = metrics?.histogram({
    name: 'jobs_duration_seconds',
    help: 'Duration of one attempt',
    labels: ['job'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10, 60, 300, 1800],
  })

  async function attempt(definition: JobDefinition, fence: Fence, payload: unknown): Promise<RunEnd> {
    const { id, attempts } = fence
    const progress = throttled(async ([fraction, message]: [number, string | null]) => {
      try {
        const saved = await saveProgress(db.primary, fence, fraction, message)
        if (!saved) return run.stop('lease_lost')
        if (saved.is_cancel_requested) run.stop('cancelled')
        publish(saved.view)
      } catch (error) {
        log.debug({ error, job: definition.name }, 'the progress of a job was not saved')
      }
    }, progressInterval_ms)
    const run = startRun(
      signal =>
        definition.run(definition.schema.parse(payload), {
          job_id: id,
          attempt: attempts,
          signal,
          log,
          async progress(fraction, message) {
            progress.report([Math.min(1, Math.max(0, fraction)), message?.slice(0, 500) ?? null])
          },
        }),
      definition.timeout_ms,
    )
    running.set(id, { attempts, stop: run.stop })
    const end = await run.ended
    await progress.close()
    return end
  }

  async function record(definition: JobDefinition, fence: Fence, end: RunEnd): Promise<string> {
    const finished = async (view: Promise<JobView | undefined>): Promise<string> => {
      const saved = await view
      publish(saved)
      return saved?.state ?? 'lost'
    }
    if (end.is_done) return finished(finishJob(db.primary, fence, 'succeeded'))
    if (end.reason === 'cancelled') return finished(finishJob(db.primary, fence, 'cancelled'))
    // Whoever has the job now says how it ends.
    if (end.reason === 'lease_lost') return 'lost'
    if (end.reason === 'stopping') {
      await finished(returnJob(db.primary, fence))
      return 'returned'
    }
    const error = end.reason === 'timed_out' ? timedOut({ seconds: definition.timeout_ms / 1000 }) : end.error
    log.warn({ error, job: definition.name, attempt: fence.attempts }, 'a job failed')
    return finished(
      failJob(db.primary, fence, {
        ...describe(error),
        retry_in_ms: backoff(fence.attempts),
      }),
    )
  }

  return {
    async run(definition, id, worker) {
      const claimed = await claimJob(db.primary, id, worker)
      if (!claimed) return
      const { job, view } = claimed
      const { attempts, owner_id } = job
      await logContext.run({ request_id: id, ...(owner_id ? { user_id: owner_id } : {}) }, async () => {
        publish(view)
        const started = performance.now()
        const fence = { id, worker, attempts }
        try {
          const end = await inSpan(`job ${definition.name}`, { 'job.id': id }, () =>
            attempt(definition, fence, job.payload),
          )
          // Before the end is known: who waits for it then looks at what came of it.
          if (owner_id) await db.wrote(owner_id)
          if (end.is_abandoned) {
            log.error({ job: definition.name, reason: end.reason }, 'a job did not stop when told to')
          }
          const outcome = await record(definition, fence, end)
          const seconds = (performance.now() - started) / 1000
          completed?.inc({ job: definition.name, outcome })
          durations?.observe({ job: definition.name }, seconds)
          log.debug({ job: definition.name, outcome, duration: seconds * 1000 }, 'a job ended')
        } finally {
          if (running.get(id)?.attempts === attempts) running.delete(id)
        }
      })
    },
    stop: (id, reason) => running.get(id)?.stop(reason),
    stopAll(reason) {
      for (const run of running.values()) run.stop(reason)
    },
    isRunning: ({ id, attempts }) => running.get(id)?.attempts === attempts,
  }
}

/** What is kept of an error. */
export const describe = (error: unknown): { code: string; detail: string } => ({
  code: error instanceof AppError ? error.code : 'job.failed',
  detail: scrub(error instanceof Error ? error.message : String(error)).slice(0, 1000),
})

/** Milliseconds until the next attempt: 1, 2, 4 … seconds, an hour at most, spread so that retries do not march in step. */
const backoff = (attempts: number): number =>
  Math.min(longestBackoff_ms, 1000 * 2 ** (attempts - 1)) * (0.75 + Math.random() / 2)
