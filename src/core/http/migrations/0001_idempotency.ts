import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_idempotency',
  async up(db) {
    await sql`
      CREATE TABLE core_idempotency (
        scope text NOT NULL,
        key text NOT NULL,
        body_hash text NOT NULL,
        -- Names the attempt that holds the key.
        token uuid NOT NULL,
        is_done boolean NOT NULL DEFAULT false,
        lease_until timestamptz NOT NULL,
        status int,
        headers jsonb,
        body text,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (scope, key)
      )`.execute(db)
    await sql`CREATE UNIQUE INDEX core_idempotency_token ON core_idempotency (token)`.execute(db)
    await sql`CREATE INDEX core_idempotency_expires_at ON core_idempotency (expires_at)`.execute(db)
  },
}
