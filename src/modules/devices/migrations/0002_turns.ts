import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { makePartitions } from '#core/db/partitions.ts'

export const migration: Migration = {
  name: '0002_turns',
  async up(db) {
    await sql`
      CREATE TABLE devices_turn (
        id uuid NOT NULL,
        device_id uuid NOT NULL,
        user_id uuid NOT NULL,
        bot_id uuid,
        conversation_id uuid,
        source text NOT NULL CHECK (source IN ('voice', 'text')),
        outcome text NOT NULL CHECK (outcome IN ('done', 'aborted', 'failed')),
        error_code text,
        started_at timestamptz(3) NOT NULL,
        silence_ms integer,
        text_ms integer,
        first_token_ms integer,
        first_sentence_ms integer,
        first_audio_ms integer,
        abort_ms integer,
        end_ms integer NOT NULL,
        spoken_ms integer NOT NULL,
        PRIMARY KEY (id, started_at)
      ) PARTITION BY RANGE (started_at)`.execute(db)
    // A device's turns, newest first, and its last conversation.
    await sql`CREATE INDEX devices_turn_device ON devices_turn (device_id, id DESC)`.execute(db)
    // All turns of some days, for the operators' chart.
    await sql`CREATE INDEX devices_turn_started ON devices_turn (started_at)`.execute(db)
    // What is erased with a user.
    await sql`CREATE INDEX devices_turn_user ON devices_turn (user_id)`.execute(db)
    await makePartitions(db, 'devices_turn')
  },
}
