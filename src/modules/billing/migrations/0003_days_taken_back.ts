import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0003_days_taken_back',
  async up(db) {
    await sql`ALTER TABLE billing_grant ADD COLUMN taken_back_at timestamptz`.execute(db)
  },
}
