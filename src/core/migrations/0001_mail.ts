import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_mail',
  async up(db) {
    await sql`
      CREATE TABLE core_mail (
        id uuid PRIMARY KEY,
        recipient text NOT NULL,
        subject text NOT NULL,
        body_text text NOT NULL,
        body_html text,
        state text NOT NULL CHECK (state IN ('stored', 'queued', 'failed')),
        error_code text,
        created_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    await sql`CREATE INDEX core_mail_created ON core_mail (created_at)`.execute(db)
  },
}
