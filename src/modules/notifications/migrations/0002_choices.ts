import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0002_choices',
  async up(db) {
    // Who has no row has chosen nothing: e-mails are sent.
    await sql`
      CREATE TABLE notifications_choice (
        user_id uuid PRIMARY KEY,
        by_email boolean NOT NULL
      )`.execute(db)
  },
}
