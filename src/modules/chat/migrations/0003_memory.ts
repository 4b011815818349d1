import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/** Facts that a bot keeps about a user. They go with the message, conversation or bot that they came from. */
export const migration: Migration = {
  name: '0003_memory',
  async up(db) {
    await sql`ALTER TABLE chat_bot DROP CONSTRAINT chat_bot_memory_check`.execute(db)
    await sql`
      ALTER TABLE chat_bot ADD CONSTRAINT chat_bot_memory_check
      CHECK (memory IN ('none', 'conversation', 'facts'))`.execute(db)
    await sql`ALTER TABLE chat_conversation ADD COLUMN memory_until_id uuid`.execute(db)
    await sql`
      CREATE TABLE chat_memory (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        bot_id uuid REFERENCES chat_bot ON DELETE CASCADE,
        conversation_id uuid NOT NULL REFERENCES chat_conversation ON DELETE CASCADE,
        message_id uuid NOT NULL REFERENCES chat_message ON DELETE CASCADE,
        content text NOT NULL,
        superseded_by uuid REFERENCES chat_memory ON DELETE SET NULL,
        superseded_at timestamptz(3),
        search tsvector NOT NULL DEFAULT '',
        created_at timestamptz(3) NOT NULL DEFAULT now()
      )`.execute(db)
    await sql`CREATE INDEX chat_memory_user ON chat_memory (user_id, id)`.execute(db)
    await sql`CREATE INDEX chat_memory_current ON chat_memory (user_id, bot_id, id) WHERE superseded_at IS NULL`.execute(
      db,
    )
    await sql`CREATE INDEX chat_memory_bot ON chat_memory (bot_id) WHERE bot_id IS NOT NULL`.execute(db)
    await sql`CREATE INDEX chat_memory_conversation ON chat_memory (conversation_id)`.execute(db)
    await sql`CREATE INDEX chat_memory_message ON chat_memory (message_id)`.execute(db)
    await sql`
      CREATE INDEX chat_memory_superseded_by ON chat_memory (superseded_by) WHERE superseded_by IS NOT NULL`.execute(
      db,
    )
    await sql`CREATE INDEX chat_memory_search ON chat_memory USING gin (search)`.execute(db)
    await sql`
      CREATE TABLE chat_memory_setting (
        user_id uuid PRIMARY KEY,
        is_enabled boolean NOT NULL,
        updated_at timestamptz(3) NOT NULL DEFAULT now()
      )`.execute(db)
  },
}
