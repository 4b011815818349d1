import { sql } from 'kysely'
import { type Clock, dayIn, defaultTimeZone } from '#core/clock.ts'
import type { Db, Executor } from '#core/db/db.ts'
import type { MonthPartitioned } from '#core/db/partitions.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import { quotaExceeded, spendCapReached } from './errors-metering.ts'
import { type Limit, type Period, periodEnd, periodKey, resetsAt } from './limits.ts'
import type { Usage } from './types.ts'

/** A call that holds its share of the limits until it is settled or released. */
export type Reservation = {
  id: string
  created_at: string
  tokens_held: number
  cost_held: number
  /** For how many such calls, with this one, there was room. Null: no limit. */
  room: number | null
}

export type ReserveInput = {
  user_id: string
  /** What the call is for: `chat`, `openai_door` … */
  feature: string
  model: string
  provider_id: string
  /** Part of a request that is counted already: its tokens and cost count, the request does not. */
  is_background?: boolean
  /** What the call may come to at most: prompt and answer together. */
  estimate: { tokens: number; cost_micros: number }
  limits: readonly Limit[]
  request_id?: string
}

/** How a call ended, for the books. */
export type Outcome = {
  usage: Usage
  cost_micros: number
  /** Who served it in the end, when not the one it was reserved for. */
  provider_id?: string
  finish?: string | null
  first_token_ms?: number | null
  latency_ms?: number | null
}

/** Micro-units of the installation's currency; null: no cap. */
export type SpendCap = { day_micros: number | null; month_micros: number | null }

export type LimitState = {
  metric: Limit['metric']
  period: Period
  max: number
  used: number
  held: number
  remaining: number
  resets_at: string
}

export type UsageRow = {
  /** A day (`2026-11-21`), a model id or a user id. */
  key: string
  requests: number
  prompt_tokens: number
  completion_tokens: number
  cached_tokens: number
  cost_micros: number
}

export type Ledger = {
  /**
   * Holds what a call may cost, in one round trip. However many run at once, used and held together never pass a limit.
   * @throws AppError `quota.exceeded` (429), `quota.spend_cap_reached` (503).
   */
  reserve(input: ReserveInput): Promise<Reservation>
  /** Books what a call used and gives the rest of its hold back. Only the first settlement counts; false for others. */
  settle(reservation: Reservation, outcome: Outcome): Promise<boolean>
  /** Gives a hold back, its request included. False when the call is settled or released already. */
  release(reservation: Reservation): Promise<boolean>
  /** Releases holds whose lease ran out because their process died. Returns how many. */
  expire(): Promise<number>
  /** What a user has used and holds under the given limits. */
  quota(user_id: string, limits: readonly Limit[]): Promise<LimitState[]>
  /** Settled calls from `from` until before `to` (ISO 8601), biggest cost first, or in order of days. */
  usage(
    reader: string,
    query: { from: string; to: string; group_by: 'day' | 'model' | 'user' },
  ): Promise<UsageRow[]>
  /** What the installation has spent and holds today and this month, in micro-units. */
  spend(): Promise<{ day_micros: number; month_micros: number }>
  /** Deletes counters of days and months that nobody asks for any more. */
  forget(): Promise<void>
  stop(): void
}

/** The ledger's table of calls; the retention is a setting. */
export const ledgerPartitions = (retentionMonths: number): MonthPartitioned => ({
  table: 'ai_ledger',
  retention_months: retentionMonths === 0 ? null : retentionMonths,
})

export type LedgerOptions = {
  db: Db
  clock: Clock
  log: Log
  /** Asked at every reservation, so it should answer from memory. */
  spendCap: () => Promise<SpendCap>
  /** How long a hold outlives its process; renewed three times as often. */
  lease_ms?: number
}

/** Names the advisory lock under which the spend of the installation is summed. */
const spendLock = 7_226_940
const batch = 500
const maxUsageRows = 500

export function createLedger({ db, clock, log, spendCap, lease_ms = 120_000 }: LedgerOptions): Ledger {
  const leases = createLeases({ db, log, lease_ms })

  const finish = async (
    { id, created_at }: Pick<Reservation, 'id' | 'created_at'>,
    state: 'settled' | 'released' | 'expired',
    outcome?: Outcome,
  ): Promise<boolean> => {
    const { rows } = await sql<{ done: boolean }>`
      SELECT ai_finish(${id}, ${created_at}, ${state}, ${outcome?.provider_id ?? null},
        ${outcome?.usage.prompt_tokens ?? null}, ${outcome?.usage.completion_tokens ?? null},
        ${outcome?.usage.cached_tokens ?? null}, ${outcome?.usage.source ?? null}, ${outcome?.cost_micros ?? null},
        ${outcome?.finish ?? null}, ${rounded(outcome?.first_token_ms)}, ${rounded(outcome?.latency_ms)}) AS done
    `.execute(db.primary)
    return rows[0]?.done ?? false
  }

  return {
    async reserve(input) {
      const now = clock.now()
      const id = newId()
      const answer = await askToReserve(db, { ...input, id, now, cap: await spendCap(), lease_ms })
      if (answer.created_at === null) throw refusal(answer, input, now)
      const reservation = {
        id,
        created_at: answer.created_at,
        tokens_held: input.estimate.tokens,
        cost_held: input.estimate.cost_micros,
        room: answer.room,
      }
      leases.add(reservation)
      return reservation
    },
    settle(reservation, outcome) {
      leases.delete(reservation)
      return persistently(() => finish(reservation, 'settled', outcome))
    },
    release(reservation) {
      leases.delete(reservation)
      return persistently(() => finish(reservation, 'released'))
    },
    async expire() {
      let expired = 0
      for (;;) {
        const { rows } = await sql<{ id: string; created_at: string }>`
          SELECT id, created_at FROM ai_ledger
          WHERE state = 'held' AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT ${batch}
        `.execute(db.primary)
        // One at a time, each in its own transaction: a batch in one would hold the rows of many users at once.
        for (const row of rows) if (await finish(row, 'expired')) expired++
        if (rows.length < batch) return expired
      }
    },
    quota: (user_id, limits) => readQuota(db, clock.now(), user_id, limits),
    usage: (reader, query) => db.read(reader, rows => readUsage(rows, query)),
    async spend() {
      const today = dayIn(defaultTimeZone, clock.now())
      const { rows } = await sql<{ day: number; month: number }>`
        SELECT coalesce(sum(cost_used + cost_held) FILTER (WHERE day = ${today}::date), 0) AS day,
               coalesce(sum(cost_used + cost_held), 0) AS month
        FROM ai_spend WHERE day BETWEEN date_trunc('month', ${today}::date)::date AND ${today}::date
      `.execute(db.primary)
      return { day_micros: rows[0]?.day ?? 0, month_micros: rows[0]?.month ?? 0 }
    },
    async forget() {
      const oldest = dayIn(defaultTimeZone, clock.now() - 70 * 24 * 3_600_000)
      await sql`DELETE FROM ai_counter WHERE period < ${oldest.slice(0, 7)}`.execute(db.primary)
      await sql`DELETE FROM ai_spend WHERE day < ${oldest}::date`.execute(db.primary)
    },
    stop: () => leases.stop(),
  }
}

type Answer = {
  created_at: string | null
  failed_metric: Limit['metric'] | 'spend_cap' | null
  failed_period: Period | null
  remaining: number | null
  room: number | null
}

async function askToReserve(
  db: Db,
  input: ReserveInput & { id: string; now: number; cap: SpendCap; lease_ms: number },
): Promise<Answer> {
  const { estimate, limits, cap } = input
  const userDay = dayIn(limits[0]?.time_zone ?? defaultTimeZone, input.now)
  const max = (period: Period, metric: Limit['metric']) => {
    const found = limits.filter(limit => limit.period === period && limit.metric === metric)
    return found.length === 0 ? null : Math.min(...found.map(limit => limit.max))
  }
  const { rows } = await sql<Answer>`
    SELECT * FROM ai_reserve(
      ${input.id}, ${input.user_id}, ${input.feature}, ${input.model}, ${input.provider_id},
      ${input.request_id ?? null}, ${userDay}, ${dayIn(defaultTimeZone, input.now)},
      ${input.is_background ? 0 : 1}, ${estimate.tokens}, ${estimate.cost_micros}, ${input.lease_ms},
      ${max('day', 'requests')}, ${max('day', 'tokens')}, ${max('day', 'cost_micros')},
      ${max('month', 'requests')}, ${max('month', 'tokens')}, ${max('month', 'cost_micros')},
      ${cap.day_micros}, ${cap.month_micros}, ${spendLock})`.execute(db.primary)
  const [answer] = rows
  if (!answer) throw new Error('ai_reserve gave no row')
  return answer
}

function refusal(answer: Answer, { limits }: ReserveInput, now: number) {
  const metric = answer.failed_metric ?? 'requests'
  const period = answer.failed_period ?? 'day'
  const timeZone = (metric === 'spend_cap' ? undefined : limits[0]?.time_zone) ?? defaultTimeZone
  const end = periodEnd(period, timeZone, now)
  const extras = { retryAfter: Math.ceil((end - now) / 1000) }
  const details = {
    metric,
    period,
    remaining: Math.max(0, answer.remaining ?? 0),
    resets_at: new Date(end).toISOString(),
  }
  return metric === 'spend_cap' ? spendCapReached(details, extras) : quotaExceeded(details, extras)
}

/** Keeps the holds of this process alive until they are settled or released. */
function createLeases({ db, log, lease_ms }: { db: Db; log: Log; lease_ms: number }) {
  const live = new Map<string, Reservation>()
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const renew = async () => {
    const all = [...live.values()]
    for (let from = 0; from < all.length; from += batch) {
      const some = all.slice(from, from + batch)
      await sql`
        UPDATE ai_ledger SET lease_until = clock_timestamp() + ${lease_ms} * interval '1 millisecond'
        FROM unnest(${some.map(r => r.id)}::uuid[], ${some.map(r => r.created_at)}::timestamptz[]) AS held (id, created_at)
        WHERE ai_ledger.id = held.id AND ai_ledger.created_at = held.created_at AND state = 'held'
      `.execute(db.primary)
    }
  }
  return {
    add(reservation: Reservation) {
      live.set(reservation.id, reservation)
      timer ??= setInterval(
        () => renew().catch(error => log.warn({ error }, 'holds could not be renewed')),
        lease_ms / 3,
      ).unref()
    },
    delete({ id }: Reservation) {
      live.delete(id)
      if (live.size === 0) stop()
    },
    stop,
  }
}

async function readQuota(
  db: Db,
  now: number,
  user_id: string,
  limits: readonly Limit[],
): Promise<LimitState[]> {
  const keyed = limits.map(limit => ({ limit, key: periodKey(limit.period, limit.time_zone, now) }))
  const { rows } = await sql<
    { period: string } & Record<`${Limit['metric'] | 'cost'}_${'used' | 'held'}`, number>
  >`
    SELECT period, requests_used, requests_held, tokens_used, tokens_held,
      cost_used AS cost_micros_used, cost_held AS cost_micros_held
    FROM ai_counter WHERE user_id = ${user_id} AND period = ANY(${keyed.map(({ key }) => key)})
  `.execute(db.primary)
  return keyed.map(({ limit: { metric, period, max, time_zone }, key }) => {
    const row = rows.find(candidate => candidate.period === key)
    const used = row?.[`${metric}_used`] ?? 0
    const held = row?.[`${metric}_held`] ?? 0
    const remaining = Math.max(0, max - used - held)
    return { metric, period, max, used, held, remaining, resets_at: resetsAt(period, time_zone, now) }
  })
}

async function readUsage(
  db: Executor,
  { from, to, group_by }: { from: string; to: string; group_by: 'day' | 'model' | 'user' },
): Promise<UsageRow[]> {
  const key = {
    day: sql`to_char(created_at AT TIME ZONE ${sql.lit(defaultTimeZone)}, 'YYYY-MM-DD')`,
    model: sql`model`,
    user: sql`user_id::text`,
  }[group_by]
  const { rows } = await sql<UsageRow>`
    SELECT ${key} AS key, count(*) AS requests, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
      coalesce(sum(completion_tokens), 0) AS completion_tokens, coalesce(sum(cached_tokens), 0) AS cached_tokens,
      coalesce(sum(cost_micros), 0) AS cost_micros
    FROM ai_ledger
    WHERE state = 'settled' AND created_at >= ${from}::timestamptz AND created_at < ${to}::timestamptz
    GROUP BY 1 ORDER BY ${group_by === 'day' ? sql`key` : sql`cost_micros DESC, prompt_tokens DESC, key`}
    LIMIT ${maxUsageRows}`.execute(db)
  return rows
}

/** Ending a call is idempotent, so a lost connection is worth another try; the lease covers what still fails. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === 3) throw error
      await new Promise(resolve => setTimeout(resolve, 10 ** tries * 20))
    }
  }
}

const rounded = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : Math.round(value)
