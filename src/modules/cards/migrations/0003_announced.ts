import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0003_announced',
  async up(db) {
    // Others are told of a redemption in the transaction that takes it out of what is pending: so once, without a mark.
    await sql`ALTER TABLE cards_redemption DROP COLUMN announced_at`.execute(db)
  },
}
