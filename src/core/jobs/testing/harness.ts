import { systemClock } from '#core/clock.ts'
import { createDb, type Db } from '#core/db/db.ts'
import { type Log, silentLog } from '#core/log.ts'
import { createMetrics, type Metrics } from '#core/telemetry/metrics.ts'
import { createJobs, type JobDefinition, type JobsService } from '../jobs.ts'

export type TestProcess = {
  db: Db
  jobs: JobsService
  metrics: Metrics
  /** What was sent live, oldest first. */
  sent: { channel: string; data: object }[]
  stop(limit_ms?: number): Promise<void>
}

/** What one process has of the job system, on a database that others may share. */
export async function startProcess(
  url: string,
  work: readonly JobDefinition[] | ((parts: { db: Db; jobs: JobsService }) => readonly JobDefinition[]) = [],
  { concurrency = 5, log = silentLog }: { concurrency?: number; log?: Log } = {},
): Promise<TestProcess> {
  const db = createDb({
    connection_string: url,
    pool_size: 10,
    statement_timeout_ms: 30_000,
    slow_query_ms: 0,
    log,
  })
  const metrics = createMetrics()
  const sent: TestProcess['sent'] = []
  const jobs = createJobs({
    db,
    log,
    clock: systemClock,
    metrics,
    realtime: { publish: async (channel, data) => void sent.push({ channel, data }) },
    settings: { JOBS_CONCURRENCY: concurrency, SHUTDOWN_TIMEOUT_MS: 10_000 },
  })
  await jobs.migrate()
  await jobs.start({ jobs: typeof work === 'function' ? work({ db, jobs }) : work, cron: [] })
  return {
    db,
    jobs,
    metrics,
    sent,
    async stop(limit_ms) {
      await jobs.stop(limit_ms)
      await db.stop()
    },
  }
}
