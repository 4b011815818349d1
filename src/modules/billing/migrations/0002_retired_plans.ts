import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0002_retired_plans',
  async up(db) {
    await sql`ALTER TABLE billing_plan ADD COLUMN retired_at timestamptz`.execute(db)
    // Days that an administrator gave by hand; null for those that came by themselves.
    await sql`ALTER TABLE billing_grant ADD COLUMN granted_by uuid`.execute(db)
    // Who is on a plan.
    await sql`
      CREATE INDEX billing_subscription_plan ON billing_subscription (plan_id, user_id)
      WHERE NOT is_over`.execute(db)
  },
}
