import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { makePartitions } from '#core/db/partitions.ts'

export const migration: Migration = {
  name: '0001_achievements',
  async up(db) {
    await createRules(db)
    await createHistory(db)
    await createUnlocks(db)
    await createReports(db)
  },
}

async function createRules(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE achievements_achievement (
      id uuid PRIMARY KEY,
      starter_key text UNIQUE,
      names jsonb NOT NULL,
      descriptions jsonb NOT NULL,
      icon text NOT NULL,
      is_hidden boolean NOT NULL DEFAULT false,
      is_enabled boolean NOT NULL DEFAULT true,
      position integer NOT NULL DEFAULT 0,
      version_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db)
  // A rule never changes: a changed one is the next version.
  await sql`
    CREATE TABLE achievements_version (
      id uuid PRIMARY KEY,
      achievement_id uuid NOT NULL REFERENCES achievements_achievement ON DELETE CASCADE,
      number integer NOT NULL,
      rule jsonb NOT NULL,
      is_replayed boolean NOT NULL DEFAULT false,
      replay_job_id uuid,
      replay_after uuid,
      replay_users integer NOT NULL DEFAULT 0,
      created_by uuid,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (achievement_id, number)
    )`.execute(db)
  // One row. Its number grows with every change of what is counted, so that no process counts by old rules.
  await sql`CREATE TABLE achievements_epoch (number bigint NOT NULL)`.execute(db)
  await sql`INSERT INTO achievements_epoch VALUES (1)`.execute(db)
}

async function createHistory(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE achievements_fact (
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      event text NOT NULL,
      subject_id uuid,
      occurred_at timestamptz(3) NOT NULL,
      day date NOT NULL,
      fields jsonb NOT NULL,
      is_retracted boolean NOT NULL DEFAULT false,
      PRIMARY KEY (id, occurred_at)
    ) PARTITION BY RANGE (occurred_at)`.execute(db)
  // A user's history, and everybody's one after another.
  await sql`CREATE INDEX achievements_fact_user ON achievements_fact (user_id, occurred_at, id)`.execute(db)
  // The first people to have done something.
  await sql`CREATE INDEX achievements_fact_event ON achievements_fact (event, occurred_at, id)`.execute(db)
  // What an undoing event looks for.
  await sql`
    CREATE INDEX achievements_fact_subject ON achievements_fact (subject_id) WHERE subject_id IS NOT NULL`.execute(
    db,
  )
  await makePartitions(db, 'achievements_fact')

  await sql`
    CREATE TABLE achievements_tally (
      user_id uuid NOT NULL,
      version_id uuid NOT NULL,
      condition smallint NOT NULL,
      day date NOT NULL,
      value text NOT NULL,
      amount numeric NOT NULL,
      PRIMARY KEY (user_id, version_id, condition, day, value)
    )`.execute(db)
  // What an old version leaves behind.
  await sql`CREATE INDEX achievements_tally_version ON achievements_tally (version_id)`.execute(db)
  await sql`
    CREATE TABLE achievements_place (
      version_id uuid NOT NULL,
      condition smallint NOT NULL,
      taken integer NOT NULL,
      PRIMARY KEY (version_id, condition)
    )`.execute(db)
}

async function createUnlocks(db: Kysely<unknown>) {
  // The row that everything about one user waits on. That of a deleted user stays, without anything about the person.
  await sql`
    CREATE TABLE achievements_user (
      user_id uuid PRIMARY KEY,
      points bigint NOT NULL DEFAULT 0,
      points_at timestamptz(3) NOT NULL DEFAULT now(),
      is_listed boolean NOT NULL DEFAULT false,
      is_erased boolean NOT NULL DEFAULT false
    )`.execute(db)
  await sql`
    CREATE INDEX achievements_user_board ON achievements_user (points DESC, points_at, user_id)
    WHERE is_listed AND points > 0`.execute(db)
  await sql`
    CREATE TABLE achievements_unlock (
      user_id uuid NOT NULL,
      achievement_id uuid NOT NULL REFERENCES achievements_achievement,
      tier text NOT NULL,
      version integer NOT NULL,
      points integer NOT NULL,
      unlocked_at timestamptz(3) NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, achievement_id, tier)
    )`.execute(db)
  await sql`CREATE INDEX achievements_unlock_achievement ON achievements_unlock (achievement_id, tier)`.execute(
    db,
  )
  await sql`CREATE INDEX achievements_unlock_created ON achievements_unlock (created_at)`.execute(db)
}

async function createReports(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE achievements_statistic (
      day date NOT NULL,
      achievement_id uuid NOT NULL REFERENCES achievements_achievement ON DELETE CASCADE,
      tier text NOT NULL,
      unlocked integer NOT NULL,
      holders integer NOT NULL,
      users integer NOT NULL,
      PRIMARY KEY (day, achievement_id, tier)
    )`.execute(db)
  await sql`
    CREATE TABLE achievements_preview (
      id uuid PRIMARY KEY,
      owner_id uuid NOT NULL,
      job_id uuid,
      rule jsonb NOT NULL,
      result jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX achievements_preview_owner ON achievements_preview (owner_id, created_at)`.execute(
    db,
  )
}
