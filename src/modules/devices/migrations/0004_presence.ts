import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/** Comings and goings of a device are numbered, so that one that is noted late undoes none that came after it. */
export const migration: Migration = {
  name: '0004_presence',
  async up(db) {
    await sql`ALTER TABLE devices_device ADD COLUMN presence_epoch integer NOT NULL DEFAULT 0`.execute(db)
  },
}
