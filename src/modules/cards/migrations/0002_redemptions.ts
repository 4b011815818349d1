import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { makePartitions } from '#core/db/partitions.ts'

export const migration: Migration = {
  name: '0002_redemptions',
  async up(db) {
    await sql`
      CREATE TABLE cards_redemption (
        id uuid PRIMARY KEY,
        batch_id uuid NOT NULL,
        number int NOT NULL,
        template_id uuid NOT NULL,
        template_version int NOT NULL,
        user_id uuid,
        redeemed_at timestamptz NOT NULL,
        announced_at timestamptz,
        undone_at timestamptz
      ) WITH (fillfactor = 90)`.execute(db)
    // A card belongs to one redemption at most that still holds.
    await sql`CREATE UNIQUE INDEX cards_redemption_card ON cards_redemption (batch_id, number)
      WHERE undone_at IS NULL`.execute(db)
    // A user's collection, newest first.
    await sql`CREATE INDEX cards_redemption_user ON cards_redemption (user_id, id)
      WHERE user_id IS NOT NULL`.execute(db)

    // What has happened to cards and is not in the log yet: written with the thing itself, emptied by a job.
    await sql`
      CREATE TABLE cards_usage_pending (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        action text NOT NULL,
        batch_id uuid NOT NULL,
        number int,
        redemption_id uuid,
        reason text,
        cards int NOT NULL DEFAULT 1,
        user_id uuid,
        acting_user_id uuid,
        ip text,
        region text,
        note text
      )`.execute(db)

    await sql`
      CREATE TABLE cards_usage (
        batch_id uuid NOT NULL,
        seq bigint NOT NULL,
        at timestamptz NOT NULL,
        id uuid NOT NULL,
        action text NOT NULL,
        number int,
        redemption_id uuid,
        reason text,
        cards int NOT NULL,
        person_digest bytea NOT NULL,
        hash bytea NOT NULL,
        salt bytea,
        user_id uuid,
        acting_user_id uuid,
        ip text,
        region text,
        note text,
        PRIMARY KEY (batch_id, seq, at)
      ) PARTITION BY RANGE (at)`.execute(db)
    // The whole log, newest first; what is no redemption is looked for by its kind.
    await sql`CREATE INDEX cards_usage_id ON cards_usage (id)`.execute(db)
    await sql`CREATE INDEX cards_usage_action ON cards_usage (action, id) WHERE action <> 'redeemed'`.execute(
      db,
    )
    // One user's, and what is erased with the user.
    await sql`CREATE INDEX cards_usage_user ON cards_usage (user_id, id) WHERE user_id IS NOT NULL`.execute(
      db,
    )
    await makePartitions(db, 'cards_usage')

    // Signed ends of stretches of the chain. They stay when the months that they stand for are dropped.
    await sql`
      CREATE TABLE cards_usage_head (
        batch_id uuid NOT NULL,
        first_seq bigint NOT NULL,
        last_seq bigint NOT NULL,
        month text NOT NULL,
        previous_hash bytea NOT NULL,
        hash bytea NOT NULL,
        key_id text NOT NULL,
        signature bytea NOT NULL,
        sealed_at timestamptz NOT NULL,
        PRIMARY KEY (batch_id, first_seq)
      )`.execute(db)

    await sql`
      CREATE TABLE cards_statistic (
        batch_id uuid NOT NULL,
        day date NOT NULL,
        region text NOT NULL,
        redeemed int NOT NULL DEFAULT 0,
        undone int NOT NULL DEFAULT 0,
        refused int NOT NULL DEFAULT 0,
        expired int NOT NULL DEFAULT 0,
        PRIMARY KEY (batch_id, day, region)
      )`.execute(db)
    await sql`CREATE INDEX cards_statistic_day ON cards_statistic (day)`.execute(db)

    // How far the expiry of a batch has come.
    await sql`
      CREATE TABLE cards_expiry (
        batch_id uuid PRIMARY KEY,
        next_number int NOT NULL,
        expired int NOT NULL,
        finished_at timestamptz
      )`.execute(db)

    // Who has entered codes that do not work. Rows go when they are forgotten.
    await sql`
      CREATE TABLE cards_guard (
        scope text PRIMARY KEY,
        failures int NOT NULL,
        last_failed_at timestamptz NOT NULL,
        blocked_until timestamptz
      )`.execute(db)
    await sql`CREATE INDEX cards_guard_last_failed ON cards_guard (last_failed_at)`.execute(db)
  },
}
