import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0001_billing',
  async up(db) {
    await sql`
      CREATE TABLE billing_plan (
        id text PRIMARY KEY,
        names jsonb NOT NULL,
        entitlements jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    await sql`
      INSERT INTO billing_plan (id, names) VALUES
        ('free', '{"zh-CN": "免费版", "en": "Free"}'),
        ('vip', '{"zh-CN": "VIP 会员", "en": "VIP"}')`.execute(db)

    await sql`
      CREATE TABLE billing_subscription (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        plan_id text NOT NULL REFERENCES billing_plan,
        from_at timestamptz NOT NULL,
        until_at timestamptz,
        is_over boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (until_at >= from_at)
      )`.execute(db)
    await sql`
      CREATE INDEX billing_subscription_user ON billing_subscription (user_id, from_at) WHERE NOT is_over`.execute(
      db,
    )
    await sql`CREATE INDEX billing_subscription_end ON billing_subscription (until_at) WHERE NOT is_over`.execute(
      db,
    )

    await sql`
      CREATE TABLE billing_override (
        user_id uuid PRIMARY KEY,
        entitlements jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)

    await sql`
      CREATE TABLE billing_grant (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        plan_id text NOT NULL REFERENCES billing_plan,
        days integer NOT NULL CHECK (days > 0),
        reason text NOT NULL,
        key text NOT NULL,
        until_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (user_id, key)
      )`.execute(db)
  },
}
