import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0004_schema_order',
  async up(db) {
    // The form of a category has its fields in the order of the schema, and jsonb does not keep that.
    await sql`ALTER TABLE cards_category ALTER COLUMN schema TYPE json`.execute(db)
  },
}
