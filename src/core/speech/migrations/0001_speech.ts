import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_speech',
  async up(db) {
    // Read by id; a row lives for a day.
    await sql`
      CREATE TABLE speech_transcription (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        job_id uuid NOT NULL,
        engine text NOT NULL,
        language text,
        seconds real NOT NULL,
        state text NOT NULL CHECK (state IN ('queued', 'done', 'failed')),
        text text,
        error_code text,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
      )`.execute(db)
    await sql`CREATE INDEX speech_transcription_expires ON speech_transcription (expires_at)`.execute(db)
  },
}
