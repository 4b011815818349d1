import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { makePartitions } from '#core/db/partitions.ts'

/*
 * The ledger's rules live in these functions, so that a call is reserved, and settled, in one round trip.
 *
 * Locks are always taken in one order, so they cannot deadlock: the ledger row, the user's month, the user's day,
 * the lock of the spend cap, a shard of the spend. No function touches two users.
 */
export const migration: Migration = {
  name: '0001_ai',
  async up(db) {
    await createCatalogue(db)
    await createLedger(db)
    await createCounters(db)
    await createReserve(db)
    await createFinish(db)
  },
}

async function createCatalogue(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE ai_provider (
      id text PRIMARY KEY,
      kind text NOT NULL,
      name text NOT NULL,
      base_url text NOT NULL,
      keys jsonb NOT NULL DEFAULT '[]',
      is_enabled boolean NOT NULL DEFAULT true,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  // A provider may also come from the environment, so there is no foreign key to ai_provider.
  await sql`
    CREATE TABLE ai_model (
      id text PRIMARY KEY,
      provider_id text NOT NULL,
      upstream_model text NOT NULL,
      name text NOT NULL,
      kind text NOT NULL DEFAULT 'chat' CHECK (kind IN ('chat', 'embedding')),
      context_window integer NOT NULL,
      max_output integer NOT NULL,
      input_price numeric,
      output_price numeric,
      cached_price numeric,
      currency text NOT NULL DEFAULT 'CNY',
      capabilities jsonb NOT NULL DEFAULT '{}',
      audience text[] NOT NULL DEFAULT '{everyone}',
      fallbacks text[] NOT NULL DEFAULT '{}',
      is_enabled boolean NOT NULL DEFAULT true,
      is_default boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE UNIQUE INDEX ai_model_default ON ai_model (kind) WHERE is_default`.execute(db)
  await sql`CREATE INDEX ai_model_provider ON ai_model (provider_id)`.execute(db)
  await sql`
    CREATE TABLE ai_setting (
      name text PRIMARY KEY,
      value jsonb NOT NULL,
      updated_by uuid,
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
}

async function createLedger(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE ai_ledger (
      id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL,
      user_id uuid NOT NULL,
      feature text NOT NULL,
      model text NOT NULL,
      provider_id text NOT NULL,
      state text NOT NULL CHECK (state IN ('held', 'settled', 'released', 'expired')),
      user_day text NOT NULL,
      spend_day date NOT NULL,
      requests smallint NOT NULL,
      tokens_held bigint NOT NULL,
      cost_held bigint NOT NULL,
      lease_until timestamptz,
      prompt_tokens bigint,
      completion_tokens bigint,
      cached_tokens bigint,
      usage_source text,
      cost_micros bigint,
      finish text,
      first_token_ms integer,
      latency_ms integer,
      request_id text,
      settled_at timestamptz(3),
      PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at)`.execute(db)
  await sql`CREATE INDEX ai_ledger_lease ON ai_ledger (lease_until) WHERE state = 'held'`.execute(db)
  await sql`CREATE INDEX ai_ledger_user ON ai_ledger (user_id, created_at)`.execute(db)
  await makePartitions(db, 'ai_ledger')
}

async function createCounters(db: Kysely<unknown>) {
  // `period` is a calendar day (2026-11-21) or month (2026-11) of the user. Updates touch no index and stay in the page.
  await sql`
    CREATE TABLE ai_counter (
      user_id uuid NOT NULL,
      period text NOT NULL,
      requests_used bigint NOT NULL DEFAULT 0,
      requests_held bigint NOT NULL DEFAULT 0,
      tokens_used bigint NOT NULL DEFAULT 0,
      tokens_held bigint NOT NULL DEFAULT 0,
      cost_used bigint NOT NULL DEFAULT 0,
      cost_held bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (user_id, period)
    ) WITH (fillfactor = 50)`.execute(db)
  await sql`CREATE INDEX ai_counter_period ON ai_counter (period)`.execute(db)
  // Only the sum over a day's shards means something: a call may be held on one shard and settled on another.
  await sql`
    CREATE TABLE ai_spend (
      day date NOT NULL,
      shard smallint NOT NULL,
      cost_used bigint NOT NULL DEFAULT 0,
      cost_held bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (day, shard)
    ) WITH (fillfactor = 50)`.execute(db)
  await sql`
    CREATE FUNCTION ai_lock_counter(p_user uuid, p_period text) RETURNS ai_counter LANGUAGE plpgsql AS $$
    DECLARE
      found_row ai_counter;
    BEGIN
      LOOP
        SELECT * INTO found_row FROM ai_counter WHERE user_id = p_user AND period = p_period FOR NO KEY UPDATE;
        IF FOUND THEN RETURN found_row; END IF;
        INSERT INTO ai_counter (user_id, period) VALUES (p_user, p_period) ON CONFLICT DO NOTHING;
      END LOOP;
    END $$`.execute(db)
  await sql`
    CREATE FUNCTION ai_book_spend(p_day date, p_used bigint, p_held bigint) RETURNS void LANGUAGE sql AS $$
      INSERT INTO ai_spend AS spend (day, shard, cost_used, cost_held)
      VALUES (p_day, pg_backend_pid() % 8, p_used, p_held)
      ON CONFLICT (day, shard) DO UPDATE
      SET cost_used = spend.cost_used + excluded.cost_used, cost_held = spend.cost_held + excluded.cost_held
    $$`.execute(db)
}

/*
 * Holds what a call may cost, and says for how many such calls there was room, or which limit is in the way. A null
 * limit is none.
 *
 * The spend of the whole installation is booked by every call, so that a cap that is set in the middle of a month
 * knows what was spent before; eight shards keep that from being one hot row. It is summed only where a cap is set,
 * under the advisory lock `p_lock`, so that no two calls count the same room.
 */
async function createReserve(db: Kysely<unknown>) {
  await sql`
    CREATE FUNCTION ai_reserve(
      p_id uuid, p_user uuid, p_feature text, p_model text, p_provider text, p_request_id text,
      p_user_day text, p_spend_day date, p_requests smallint, p_tokens bigint, p_cost bigint, p_lease_ms integer,
      p_day_requests bigint, p_day_tokens bigint, p_day_cost bigint,
      p_month_requests bigint, p_month_tokens bigint, p_month_cost bigint,
      p_cap_day bigint, p_cap_month bigint, p_lock bigint,
      OUT created_at timestamptz, OUT failed_metric text, OUT failed_period text, OUT remaining bigint, OUT room bigint
    ) LANGUAGE plpgsql AS $$
    DECLARE
      user_month text := left(p_user_day, 7);
      month_row ai_counter;
      day_row ai_counter;
      spent_day bigint;
      spent_month bigint;
    BEGIN
      -- A hold that a crash of the database loses is a hold given back.
      PERFORM set_config('synchronous_commit', 'off', true);
      month_row := ai_lock_counter(p_user, user_month);
      day_row := ai_lock_counter(p_user, p_user_day);
      SELECT check_row.metric, check_row.period, check_row.free
      INTO failed_metric, failed_period, remaining
      FROM (VALUES
        ('requests', 'day', p_day_requests - day_row.requests_used - day_row.requests_held, p_requests::bigint),
        ('tokens', 'day', p_day_tokens - day_row.tokens_used - day_row.tokens_held, p_tokens),
        ('cost_micros', 'day', p_day_cost - day_row.cost_used - day_row.cost_held, p_cost),
        ('requests', 'month', p_month_requests - month_row.requests_used - month_row.requests_held, p_requests::bigint),
        ('tokens', 'month', p_month_tokens - month_row.tokens_used - month_row.tokens_held, p_tokens),
        ('cost_micros', 'month', p_month_cost - month_row.cost_used - month_row.cost_held, p_cost)
      ) AS check_row (metric, period, free, wanted)
      WHERE check_row.free < check_row.wanted
      ORDER BY check_row.metric <> 'requests', check_row.free LIMIT 1;
      IF failed_metric IS NOT NULL THEN RETURN; END IF;
      -- LEAST passes over what is null: no limit.
      room := least(
        (p_day_requests - day_row.requests_used - day_row.requests_held) / greatest(p_requests, 1),
        (p_day_tokens - day_row.tokens_used - day_row.tokens_held) / greatest(p_tokens, 1),
        (p_day_cost - day_row.cost_used - day_row.cost_held) / greatest(p_cost, 1),
        (p_month_requests - month_row.requests_used - month_row.requests_held) / greatest(p_requests, 1),
        (p_month_tokens - month_row.tokens_used - month_row.tokens_held) / greatest(p_tokens, 1),
        (p_month_cost - month_row.cost_used - month_row.cost_held) / greatest(p_cost, 1));

      IF p_cost > 0 AND (p_cap_day IS NOT NULL OR p_cap_month IS NOT NULL) THEN
        PERFORM pg_advisory_xact_lock(p_lock);
        SELECT coalesce(sum(cost_used + cost_held) FILTER (WHERE day = p_spend_day), 0),
               coalesce(sum(cost_used + cost_held), 0)
        INTO spent_day, spent_month
        FROM ai_spend WHERE day BETWEEN date_trunc('month', p_spend_day)::date AND p_spend_day;
        IF spent_month + p_cost > p_cap_month THEN failed_period := 'month'; remaining := p_cap_month - spent_month;
        ELSIF spent_day + p_cost > p_cap_day THEN failed_period := 'day'; remaining := p_cap_day - spent_day;
        END IF;
        IF failed_period IS NOT NULL THEN failed_metric := 'spend_cap'; RETURN; END IF;
        room := least(room, (p_cap_day - spent_day) / p_cost, (p_cap_month - spent_month) / p_cost);
      END IF;

      UPDATE ai_counter SET requests_held = requests_held + p_requests, tokens_held = tokens_held + p_tokens,
        cost_held = cost_held + p_cost
      WHERE user_id = p_user AND period IN (user_month, p_user_day);
      IF p_cost > 0 THEN PERFORM ai_book_spend(p_spend_day, 0, p_cost); END IF;
      created_at := date_trunc('milliseconds', now());
      INSERT INTO ai_ledger (id, created_at, user_id, feature, model, provider_id, state, user_day, spend_day,
        requests, tokens_held, cost_held, lease_until, request_id)
      VALUES (p_id, created_at, p_user, p_feature, p_model, p_provider, 'held', p_user_day, p_spend_day,
        p_requests, p_tokens, p_cost, clock_timestamp() + p_lease_ms * interval '1 millisecond', p_request_id);
    END $$`.execute(db)
}

/*
 * Ends a call once: 'settled' books what it used, 'released' and 'expired' give everything back. Of several that
 * race only the first counts, except that a settlement which comes after the lease ran out still books its usage.
 */
async function createFinish(db: Kysely<unknown>) {
  await sql`
    CREATE FUNCTION ai_finish(
      p_id uuid, p_created_at timestamptz, p_state text, p_provider text,
      p_prompt bigint, p_completion bigint, p_cached bigint, p_source text, p_cost bigint,
      p_finish text, p_first_token_ms integer, p_latency_ms integer
    ) RETURNS boolean LANGUAGE plpgsql AS $$
    DECLARE
      call ai_ledger;
      used bigint := CASE WHEN p_state = 'settled' THEN 1 ELSE 0 END;
      held bigint;
      used_tokens bigint := coalesce(p_prompt, 0) + coalesce(p_completion, 0);
      used_cost bigint := coalesce(p_cost, 0);
    BEGIN
      SELECT * INTO call FROM ai_ledger WHERE id = p_id AND created_at = p_created_at FOR NO KEY UPDATE;
      IF NOT FOUND THEN RETURN false; END IF;
      IF call.state NOT IN ('held', 'expired') OR (call.state = 'expired' AND p_state <> 'settled') THEN
        RETURN false;
      END IF;
      IF p_state = 'expired' AND call.lease_until > clock_timestamp() THEN RETURN false; END IF;
      -- Waiting for the disk would keep the user's counters locked, and the next call with them. A power cut may lose
      -- the last half second of settlements, whose holds then lapse; a killed process loses nothing.
      PERFORM set_config('synchronous_commit', 'off', true);
      held := CASE WHEN call.state = 'held' THEN 1 ELSE 0 END;

      UPDATE ai_ledger SET state = p_state, provider_id = coalesce(p_provider, provider_id),
        prompt_tokens = p_prompt, completion_tokens = p_completion, cached_tokens = p_cached,
        usage_source = p_source, cost_micros = p_cost, finish = p_finish,
        first_token_ms = p_first_token_ms, latency_ms = p_latency_ms, settled_at = now()
      WHERE id = p_id AND created_at = p_created_at;
      PERFORM ai_lock_counter(call.user_id, left(call.user_day, 7));
      PERFORM ai_lock_counter(call.user_id, call.user_day);
      UPDATE ai_counter SET
        requests_used = requests_used + used * call.requests, requests_held = requests_held - held * call.requests,
        tokens_used = tokens_used + used_tokens, tokens_held = tokens_held - held * call.tokens_held,
        cost_used = cost_used + used_cost, cost_held = cost_held - held * call.cost_held
      WHERE user_id = call.user_id AND period IN (left(call.user_day, 7), call.user_day);
      IF used_cost > 0 OR held * call.cost_held > 0 THEN
        PERFORM ai_book_spend(call.spend_day, used_cost, -held * call.cost_held);
      END IF;
      RETURN true;
    END $$`.execute(db)
}
