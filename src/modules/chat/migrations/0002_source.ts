import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/** Where an imported conversation came from, so that the same file never brings it twice. */
export const migration: Migration = {
  name: '0002_source',
  async up(db) {
    await sql`ALTER TABLE chat_conversation ADD COLUMN source_id text`.execute(db)
    await sql`
      CREATE UNIQUE INDEX chat_conversation_source ON chat_conversation (user_id, source_id)
      WHERE source_id IS NOT NULL`.execute(db)
  },
}
