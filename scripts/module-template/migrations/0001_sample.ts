import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_sample',
  async up(db) {
    await sql`
      CREATE TABLE sample_item (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        title text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    // A user's list, newest first.
    await sql`CREATE INDEX sample_item_user ON sample_item (user_id, id)`.execute(db)
  },
}
