import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/** The library of music and dances that devices play. */
export const migration: Migration = {
  name: '0003_media',
  async up(db) {
    await sql`
      CREATE TABLE devices_media (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('music', 'dance')),
        title text NOT NULL,
        artist text NOT NULL DEFAULT '',
        style text NOT NULL DEFAULT '',
        description text NOT NULL DEFAULT '',
        duration_ms integer,
        template_id uuid,
        media_type text NOT NULL,
        size bigint NOT NULL,
        storage_key text NOT NULL,
        search tsvector NOT NULL DEFAULT '',
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        updated_at timestamptz(3) NOT NULL DEFAULT now()
      )`.execute(db)
    await sql`CREATE INDEX devices_media_kind ON devices_media (kind, id)`.execute(db)
    await sql`CREATE INDEX devices_media_search ON devices_media USING gin (search)`.execute(db)
  },
}
