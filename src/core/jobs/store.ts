import { type RawBuilder, sql } from 'kysely'
import type { Executor } from '#core/db/db.ts'
import type { JobRecord, JobState, JobView } from './jobs.ts'

/*
 * core_job is the truth about every job. The rows of graphile-worker are only alarm clocks for it: “look at job X at
 * time T”. One too many does no harm, since a job is claimed before it runs, and whatever makes a job wait sets a new
 * one in the same statement. That is what makes its unfenced completion safe.
 */

export type ClaimedJob = { id: string; payload: unknown; owner_id: string | null; attempts: number }

type NewJob = {
  id: string
  name: string
  payload: unknown
  owner_id: string | null
  key: string | null
  queue: string | null
  run_at: Date | null
  max_attempts: number
}

const viewColumns = sql`id, name, owner_id, state, progress, message, attempts, max_attempts, error_code, run_at,
  created_at, started_at, finished_at`

/** Attempts of an alarm, used up only by processes that die while they handle it. */
const alarmAttempts = 1000

/** Runs a statement that makes jobs wait, and sets their alarms in the same breath. */
const withAlarms = (change: RawBuilder<unknown>) => sql<JobView>`
  WITH waiting AS (${change})
  SELECT ${viewColumns}, (graphile_worker.add_job(
    identifier => name, payload => json_build_object('id', id), queue_name => queue, run_at => run_at,
    max_attempts => ${sql.lit(alarmAttempts)})).id AS alarm_id
  FROM waiting`

export async function insertJob(db: Executor, job: NewJob): Promise<string> {
  const { rows } = await withAlarms(sql`
    INSERT INTO core_job (id, name, payload, owner_id, key, queue, run_at, max_attempts)
    VALUES (${job.id}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb, ${job.owner_id}, ${job.key}, ${job.queue},
      coalesce(${job.run_at}::timestamptz, now()), ${job.max_attempts})
    ON CONFLICT (name, key) WHERE state = 'queued' AND key IS NOT NULL
    DO UPDATE SET payload = excluded.payload, run_at = excluded.run_at
    RETURNING *`).execute(db)
  return rows[0]?.id ?? job.id
}

/** Writes down a job that has had its last attempt elsewhere. */
export async function insertDead(
  db: Executor,
  job: Pick<NewJob, 'id' | 'name' | 'payload' | 'max_attempts'>,
  error: { code: string; detail: string },
): Promise<void> {
  await sql`
    INSERT INTO core_job (id, name, payload, state, attempts, max_attempts, error_code, error_detail, finished_at)
    VALUES (${job.id}, ${job.name}, ${JSON.stringify(job.payload)}::jsonb, 'dead', ${job.max_attempts},
      ${job.max_attempts}, ${error.code}, ${error.detail}, now())`.execute(db)
}

/** Takes a due job for a worker; null when it is not due, taken, cancelled or done: then the alarm was a stale one. */
export async function claimJob(
  db: Executor,
  id: string,
  worker: string,
): Promise<{ job: ClaimedJob; view: JobView } | null> {
  const { rows } = await sql<JobView & { payload: unknown }>`
    UPDATE core_job
    SET state = 'running', worker = ${worker}, attempts = attempts + 1, started_at = now(), progress = 0,
      message = NULL
    WHERE id = ${id} AND state IN ('queued', 'failed') AND run_at <= now()
    RETURNING ${viewColumns}, payload`.execute(db)
  const row = rows[0]
  if (!row) return null
  const { payload, ...view } = row
  return { job: { id, payload, owner_id: view.owner_id, attempts: view.attempts }, view }
}

/** Names one attempt. Writes that carry it do nothing once the job was given to somebody else. */
export type Fence = { id: string; worker: string; attempts: number }

const held = ({ id, worker, attempts }: Fence) =>
  sql`id = ${id} AND worker = ${worker} AND attempts = ${attempts} AND state = 'running'`

export async function saveProgress(
  db: Executor,
  fence: Fence,
  progress: number,
  message: string | null,
): Promise<{ view: JobView; is_cancel_requested: boolean } | null> {
  const { rows } = await sql<JobView & { is_cancel_requested: boolean }>`
    UPDATE core_job SET progress = ${progress}, message = ${message} WHERE ${held(fence)}
    RETURNING ${viewColumns}, is_cancel_requested`.execute(db)
  const row = rows[0]
  if (!row) return null
  const { is_cancel_requested, ...view } = row
  return { view, is_cancel_requested }
}

export async function finishJob(
  db: Executor,
  fence: Fence,
  state: 'succeeded' | 'cancelled',
): Promise<JobView | undefined> {
  const { rows } = await sql<JobView>`
    UPDATE core_job
    SET state = ${state}, worker = NULL, finished_at = now(), error_code = NULL, error_detail = NULL,
      progress = CASE WHEN ${state} = 'succeeded' THEN 1 ELSE progress END
    WHERE ${held(fence)}
    RETURNING ${viewColumns}`.execute(db)
  return rows[0]
}

/** Records a failed attempt: the job waits for its next one, or is dead when that was the last. */
export async function failJob(
  db: Executor,
  fence: Fence,
  error: { code: string; detail: string; retry_in_ms: number },
): Promise<JobView | undefined> {
  const last = await sql<JobView>`
    UPDATE core_job
    SET state = CASE WHEN is_cancel_requested THEN 'cancelled' ELSE 'dead' END, worker = NULL, finished_at = now(),
      error_code = ${error.code}, error_detail = ${error.detail}
    WHERE ${held(fence)} AND (is_cancel_requested OR attempts >= max_attempts)
    RETURNING ${viewColumns}`.execute(db)
  if (last.rows[0]) return last.rows[0]
  const { rows } = await withAlarms(sql`
    UPDATE core_job
    SET state = 'failed', worker = NULL, error_code = ${error.code}, error_detail = ${error.detail},
      run_at = now() + make_interval(secs => ${error.retry_in_ms / 1000})
    WHERE ${held(fence)}
    RETURNING *`).execute(db)
  return rows[0]
}

/** Gives a running job back, as if this attempt had not been. */
export async function returnJob(db: Executor, fence: Fence): Promise<JobView | undefined> {
  const { rows } = await withAlarms(sql`
    UPDATE core_job
    SET state = 'queued', worker = NULL, key = NULL, run_at = now(), attempts = attempts - 1
    WHERE ${held(fence)}
    RETURNING *`).execute(db)
  return rows[0]
}

/** Cancels a waiting job at once, and asks the worker of a running one to stop. */
export async function cancelJob(db: Executor, id: string): Promise<JobView | undefined> {
  const { rows } = await sql<JobView>`
    UPDATE core_job
    SET is_cancel_requested = true,
      state = CASE WHEN state = 'running' THEN 'running' ELSE 'cancelled' END,
      finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END
    WHERE id = ${id} AND state IN ('queued', 'failed', 'running')
    RETURNING ${viewColumns}`.execute(db)
  return rows[0]
}

export async function retryJob(db: Executor, id: string): Promise<JobView | undefined> {
  const { rows } = await withAlarms(sql`
    UPDATE core_job
    SET state = 'queued', key = NULL, attempts = 0, is_cancel_requested = false, run_at = now(), progress = 0,
      message = NULL, error_code = NULL, error_detail = NULL, finished_at = NULL
    WHERE id = ${id} AND state IN ('failed', 'cancelled', 'dead')
    RETURNING *`).execute(db)
  return rows[0]
}

export async function findJob(db: Executor, id: string): Promise<JobView | null> {
  const { rows } = await sql<JobView>`SELECT ${viewColumns} FROM core_job WHERE id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** Newest first; ids are ordered by time. */
export async function listJobs(
  db: Executor,
  filter: { state?: JobState; name?: string; owner_id?: string; before?: string; limit: number },
): Promise<JobRecord[]> {
  const conditions = [
    filter.state && sql`state = ${filter.state}`,
    filter.name && sql`name = ${filter.name}`,
    filter.owner_id && sql`owner_id = ${filter.owner_id}`,
    filter.before && sql`id < ${filter.before}`,
  ].filter(condition => condition !== undefined && condition !== '')
  const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`
  const { rows } = await sql<JobRecord>`
    SELECT ${viewColumns}, error_detail FROM core_job ${where} ORDER BY id DESC LIMIT ${filter.limit}`.execute(
    db,
  )
  return rows
}

/** Jobs that wait, run or are dead, by state. */
type Unfinished = 'queued' | 'running' | 'failed' | 'dead'

export async function countJobs(db: Executor): Promise<{ state: Unfinished; count: number }[]> {
  const { rows } = await sql<{ state: Unfinished; count: number }>`
    SELECT state, count(*) AS count FROM core_job
    WHERE state IN ('queued', 'running', 'failed', 'dead') GROUP BY state`.execute(db)
  return rows
}

export async function saveBeat(db: Executor, workers: readonly string[]): Promise<void> {
  await sql`
    INSERT INTO core_worker (id, beat_at) SELECT unnest(${workers}::text[]), now()
    ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at`.execute(db)
}

/** What the database says that these workers run. `is_old`: claimed more than half a minute ago. */
export async function runningJobs(
  db: Executor,
  workers: readonly string[],
): Promise<(Fence & { is_cancel_requested: boolean; is_old: boolean })[]> {
  const { rows } = await sql<Fence & { is_cancel_requested: boolean; is_old: boolean }>`
    SELECT id, worker, attempts, is_cancel_requested, started_at < now() - interval '30 seconds' AS is_old
    FROM core_job WHERE state = 'running' AND worker = ANY(${workers}::text[])`.execute(db)
  return rows
}

/** Removes the workers without a heartbeat since `silent_ms`, or the given ones, and returns who they were. */
export async function removeWorkers(
  tx: Executor,
  which: { silent_ms: number } | { ids: readonly string[] },
): Promise<string[]> {
  const condition =
    'ids' in which
      ? sql`id = ANY(${which.ids}::text[])`
      : sql`beat_at < now() - make_interval(secs => ${which.silent_ms / 1000})`
  const { rows } = await sql<{ id: string }>`DELETE FROM core_worker WHERE ${condition} RETURNING id`.execute(
    tx,
  )
  return rows.map(row => row.id)
}

/**
 * Frees what removed workers held: their jobs go back to the queue (or are dead when that was the last attempt), and
 * the locks of graphile-worker go, those on named queues included.
 */
export async function freeJobsOf(tx: Executor, workers: readonly string[]): Promise<JobView[]> {
  await sql`SELECT graphile_worker.force_unlock_workers(${workers}::text[])`.execute(tx)
  const ended = await sql<JobView>`
    UPDATE core_job
    SET state = CASE WHEN is_cancel_requested THEN 'cancelled' ELSE 'dead' END, worker = NULL, finished_at = now(),
      error_code = 'job.process_lost', error_detail = NULL
    WHERE state = 'running' AND worker = ANY(${workers}::text[]) AND (is_cancel_requested OR attempts >= max_attempts)
    RETURNING ${viewColumns}`.execute(tx)
  const returned = await withAlarms(sql`
    UPDATE core_job SET state = 'queued', worker = NULL, key = NULL, run_at = now()
    WHERE state = 'running' AND worker = ANY(${workers}::text[])
    RETURNING *`).execute(tx)
  return [...ended.rows, ...returned.rows]
}

/** Makes schedules known, new ones without a tick. Returns the last tick of each. */
export async function rememberCrons(
  db: Executor,
  names: readonly string[],
  now: Date,
): Promise<Map<string, number>> {
  const { rows } = await sql<{ name: string; last_tick: string }>`
    WITH added AS (
      INSERT INTO core_cron (name, last_tick) SELECT unnest(${names}::text[]), ${now} ON CONFLICT (name) DO NOTHING)
    SELECT name, last_tick FROM core_cron WHERE name = ANY(${names}::text[])`.execute(db)
  return new Map(rows.map(({ name, last_tick }) => [name, Date.parse(last_tick)]))
}

/** True for the one process that is the first to record this tick. */
export async function takeTick(tx: Executor, name: string, tick: Date): Promise<boolean> {
  const { rows } = await sql`
    UPDATE core_cron SET last_tick = ${tick} WHERE name = ${name} AND last_tick < ${tick} RETURNING name`.execute(
    tx,
  )
  return rows.length > 0
}

/** Days that finished jobs are kept. The dead wait for an administrator; the rest is history. */
const retention = { owned: 30, unowned: 1, dead: 90 }

/** Deletes up to `limit` rows that are past their retention. Returns how many went. */
export async function deleteOld(db: Executor, limit: number): Promise<number> {
  const jobs = await sql`
    DELETE FROM core_job WHERE id IN (
      SELECT id FROM core_job
      WHERE finished_at < now() - make_interval(days => ${retention.unowned})
        AND finished_at < now() - make_interval(days => CASE
          WHEN state = 'dead' THEN ${retention.dead}::int
          WHEN owner_id IS NOT NULL THEN ${retention.owned}::int
          ELSE ${retention.unowned}::int END)
      LIMIT ${limit})`.execute(db)
  return Number(jobs.numAffectedRows ?? 0)
}
