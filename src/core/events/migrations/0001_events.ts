import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_events',
  async up(db) {
    await sql`
      CREATE TABLE core_event_delivery (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        payload jsonb NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        run_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    // Rows live for milliseconds: what they leave behind must go before it slows down the search for the next one.
    await sql`
      ALTER TABLE core_event_delivery
      SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, fillfactor = 90)`.execute(
      db,
    )
    await sql`CREATE INDEX core_event_delivery_due ON core_event_delivery (run_at, id)`.execute(db)

    await sql`
      CREATE TABLE core_event_receipt (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, event_id)
      )`.execute(db)
    await sql`CREATE INDEX core_event_receipt_created ON core_event_receipt (created_at)`.execute(db)
  },
}
