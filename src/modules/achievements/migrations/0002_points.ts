import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

export const migration: Migration = {
  name: '0002_points',
  async up(db) {
    await createCardPoints(db)
    await createEnter(db)
    // What is cleared away is found by version and day; with the id alone every night would read the whole table.
    await sql`DROP INDEX achievements_tally_version`.execute(db)
    await sql`CREATE INDEX achievements_tally_version ON achievements_tally (version_id, day)`.execute(db)
    // Counted every night, achievement by achievement, from the index alone.
    await sql`DROP INDEX achievements_unlock_achievement`.execute(db)
    await sql`
      CREATE INDEX achievements_unlock_achievement ON achievements_unlock (achievement_id, tier, created_at)`.execute(
      db,
    )
    // Amounts change far more often than they are added: room for that on the same page, without new index entries.
    await sql`ALTER TABLE achievements_tally SET (fillfactor = 80)`.execute(db)
  },
}

async function createCardPoints(db: Kysely<unknown>) {
  // Points that cards brought. As many rows as redemptions that bring points; they go with their user.
  await sql`
    CREATE TABLE achievements_card_points (
      redemption_id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      template_id uuid NOT NULL,
      points integer NOT NULL,
      granted_at timestamptz(3) NOT NULL,
      undone_at timestamptz(3)
    )`.execute(db)
  await sql`
    CREATE INDEX achievements_card_points_user ON achievements_card_points (user_id, granted_at)`.execute(db)
}

/*
 * Locks a user, stores a fact, and tells what counting it needs, in one round trip. Each statement of a function sees
 * what was committed before it began: the epoch and the amounts are read after the lock was given, as `rule-book.ts`
 * needs it, which a single statement could not promise.
 */
async function createEnter(db: Kysely<unknown>) {
  await sql`
    CREATE FUNCTION achievements_enter(
      p_id uuid, p_user uuid, p_event text, p_subject uuid, p_at timestamptz, p_day date, p_fields jsonb,
      p_undoing text, p_versions uuid[], p_conditions smallint[], p_from date[], p_to date[],
      OUT is_new boolean, OUT is_retracted boolean, OUT epoch bigint, OUT unlocked text[], OUT amounts jsonb
    ) LANGUAGE plpgsql AS $$
    DECLARE
      erased boolean;
    BEGIN
      -- Nobody waits for the disk under the lock. What a crash of the database loses happens again: the same commit
      -- notes that the event was delivered.
      PERFORM set_config('synchronous_commit', 'off', true);
      is_new := false;
      is_retracted := false;
      LOOP
        SELECT is_erased INTO erased FROM achievements_user WHERE user_id = p_user FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO achievements_user (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
      END LOOP;
      IF erased THEN RETURN; END IF;
      IF p_undoing IS NOT NULL THEN
        is_retracted := EXISTS (
          SELECT FROM achievements_fact
          WHERE subject_id = p_subject AND user_id = p_user AND event = p_undoing);
      END IF;
      INSERT INTO achievements_fact (id, user_id, event, subject_id, occurred_at, day, fields, is_retracted)
      VALUES (p_id, p_user, p_event, p_subject, p_at, p_day, p_fields, is_retracted)
      ON CONFLICT DO NOTHING;
      is_new := FOUND;
      IF is_retracted OR NOT is_new THEN RETURN; END IF;
      SELECT number INTO epoch FROM achievements_epoch;
      SELECT coalesce(array_agg(achievement_id || ' ' || tier), '{}') INTO unlocked
      FROM achievements_unlock WHERE user_id = p_user;
      SELECT coalesce(jsonb_agg(jsonb_build_object('version_id', tally.version_id, 'condition', tally.condition,
        'value', tally.value, 'day', tally.day, 'amount', tally.amount)), '[]') INTO amounts
      FROM unnest(p_versions, p_conditions, p_from, p_to) AS wanted (version_id, condition, from_day, to_day)
      JOIN achievements_tally tally ON tally.user_id = p_user AND tally.version_id = wanted.version_id
        AND tally.condition = wanted.condition AND tally.day BETWEEN wanted.from_day AND wanted.to_day;
    END $$`.execute(db)
}
