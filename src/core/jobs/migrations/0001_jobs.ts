import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_jobs',
  async up(db) {
    await sql`
      CREATE TABLE core_job (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        payload jsonb NOT NULL,
        owner_id uuid,
        key text,
        queue text,
        state text NOT NULL DEFAULT 'queued'
          CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')),
        progress real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
        message text,
        attempts integer NOT NULL DEFAULT 0,
        max_attempts integer NOT NULL,
        error_code text,
        error_detail text,
        worker text,
        is_cancel_requested boolean NOT NULL DEFAULT false,
        run_at timestamptz NOT NULL DEFAULT now(),
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz
      )`.execute(db)
    // At most one waiting job per key; a job that has started no longer stands in the way of the next.
    await sql`
      CREATE UNIQUE INDEX core_job_key ON core_job (name, key)
      WHERE state = 'queued' AND key IS NOT NULL`.execute(db)
    await sql`CREATE INDEX core_job_owner ON core_job (owner_id, id) WHERE owner_id IS NOT NULL`.execute(db)
    await sql`CREATE INDEX core_job_state ON core_job (state, id)`.execute(db)
    await sql`CREATE INDEX core_job_worker ON core_job (worker) WHERE state = 'running'`.execute(db)
    await sql`
      CREATE INDEX core_job_finished ON core_job (finished_at) WHERE finished_at IS NOT NULL`.execute(db)

    await sql`
      CREATE TABLE core_worker (
        id text PRIMARY KEY,
        beat_at timestamptz NOT NULL
      )`.execute(db)

    await sql`
      CREATE TABLE core_cron (
        name text PRIMARY KEY,
        last_tick timestamptz NOT NULL
      )`.execute(db)
  },
}
