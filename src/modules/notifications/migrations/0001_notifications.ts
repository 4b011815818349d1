import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_notifications',
  async up(db) {
    await sql`
      CREATE TABLE notifications_notification (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        kind text NOT NULL,
        data jsonb NOT NULL,
        texts jsonb NOT NULL,
        path text,
        key text,
        is_emailed boolean NOT NULL,
        emailed_at timestamptz,
        read_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    await sql`CREATE INDEX notifications_user ON notifications_notification (user_id, id)`.execute(db)
    await sql`
      CREATE INDEX notifications_unread ON notifications_notification (user_id, id) WHERE read_at IS NULL`.execute(
      db,
    )
    await sql`
      CREATE UNIQUE INDEX notifications_key ON notifications_notification (user_id, key)
      WHERE key IS NOT NULL`.execute(db)
    await sql`CREATE INDEX notifications_created ON notifications_notification (created_at)`.execute(db)
  },
}
