import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0002_by_consumer',
  async up(db) {
    // The next ones of one consumer are found without those of others, and in order: else all that wait are sorted.
    await sql`
      CREATE INDEX core_event_delivery_consumer ON core_event_delivery (consumer, run_at, id)`.execute(db)
  },
}
