import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/*
 * Locks users, stores facts of one event, and tells what counting them needs, in one round trip: for each user with
 * new facts one row. Each user's facts are of one day, and `p_range_days` says for which days a range is wanted. Each
 * statement of a function sees what was committed before it began: the epoch and the amounts are read after the locks
 * were given, as `rule-book.ts` needs it, which a single statement could not promise.
 */
export const migration: Migration = {
  name: '0003_waves',
  async up(db) {
    await sql`
      DROP FUNCTION achievements_enter(uuid, uuid, text, uuid, timestamptz, date, jsonb, text, uuid[], smallint[],
        date[], date[])`.execute(db)
    await sql`
      CREATE FUNCTION achievements_enter(
        p_event text, p_undoing text, p_ids uuid[], p_users uuid[], p_subjects uuid[], p_times timestamptz[],
        p_days date[], p_fields jsonb[],
        p_range_days date[], p_versions uuid[], p_conditions smallint[], p_from date[], p_to date[]
      ) RETURNS TABLE (user_id uuid, ids uuid[], epoch bigint, unlocked text[], amounts jsonb)
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      DECLARE
        people uuid[] := ARRAY(SELECT DISTINCT unnest(p_users) ORDER BY 1);
        locked int;
      BEGIN
        -- Nobody waits for the disk under the locks. What a crash of the database loses happens again: the same commit
        -- notes that the events were delivered.
        PERFORM set_config('synchronous_commit', 'off', true);
        -- In a fixed order, so that two who lock some of the same users do not wait for each other.
        LOOP
          PERFORM FROM achievements_user WHERE user_id = ANY (people) ORDER BY user_id FOR NO KEY UPDATE;
          GET DIAGNOSTICS locked = ROW_COUNT;
          EXIT WHEN locked = cardinality(people);
          INSERT INTO achievements_user (user_id) SELECT unnest(people) ON CONFLICT DO NOTHING;
        END LOOP;
        RETURN QUERY
        WITH inserted AS (
          INSERT INTO achievements_fact (id, user_id, event, subject_id, occurred_at, day, fields, is_retracted)
          SELECT fact.id, fact.user_id, p_event, fact.subject_id, fact.occurred_at, fact.day, fact.fields,
            p_undoing IS NOT NULL AND EXISTS (
              SELECT FROM achievements_fact undoing WHERE undoing.subject_id = fact.subject_id
                AND undoing.user_id = fact.user_id AND undoing.event = p_undoing)
          FROM unnest(p_ids, p_users, p_subjects, p_times, p_days, p_fields)
            AS fact (id, user_id, subject_id, occurred_at, day, fields)
          JOIN achievements_user own ON own.user_id = fact.user_id AND NOT own.is_erased
          ON CONFLICT DO NOTHING
          RETURNING id, user_id, day, is_retracted
        ),
        entered AS (
          SELECT user_id, day, array_agg(id) AS ids FROM inserted WHERE NOT is_retracted GROUP BY user_id, day
        )
        SELECT entered.user_id, entered.ids, (SELECT number FROM achievements_epoch),
          ARRAY(
            SELECT achievement_id || ' ' || tier FROM achievements_unlock has WHERE has.user_id = entered.user_id),
          (SELECT coalesce(jsonb_agg(jsonb_build_object('version_id', tally.version_id, 'condition', tally.condition,
             'value', tally.value, 'day', tally.day, 'amount', tally.amount)), '[]')
           FROM unnest(p_range_days, p_versions, p_conditions, p_from, p_to)
             AS wanted (for_day, version_id, condition, from_day, to_day)
           JOIN achievements_tally tally ON tally.user_id = entered.user_id
             AND tally.version_id = wanted.version_id AND tally.condition = wanted.condition
             AND tally.day BETWEEN wanted.from_day AND wanted.to_day
           WHERE wanted.for_day = entered.day)
        FROM entered;
      END $$`.execute(db)
  },
}
