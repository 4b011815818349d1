import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0002_email_links',
  async up(db) {
    await sql`ALTER TABLE identity_user ADD COLUMN email_verified_at timestamptz(3)`.execute(db)
    // The address that a link of purpose `email` confirms; null once another one was asked for instead.
    await sql`
      ALTER TABLE identity_one_time_token
        ADD COLUMN email text,
        DROP CONSTRAINT identity_one_time_token_purpose_check,
        ADD CONSTRAINT identity_one_time_token_purpose_check
          CHECK (purpose IN ('sign_in', 'password_reset', 'email'))`.execute(db)
  },
}
