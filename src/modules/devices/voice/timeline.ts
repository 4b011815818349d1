import { type Kysely, sql } from 'kysely'

export const turnOutcomes = ['done', 'aborted', 'failed'] as const
export type TurnOutcome = (typeof turnOutcomes)[number]

/**
 * What happened when in one exchange. Milliseconds from the decision that the speech is over (typed text: from its
 * arrival), on a clock that nobody sets; null for what did not happen.
 */
export type Timeline = {
  /** Silence before that decision. */
  silence_ms: number | null
  text_ms: number | null
  first_token_ms: number | null
  first_sentence_ms: number | null
  first_audio_ms: number | null
  abort_ms: number | null
  end_ms: number
  /** Sound of the answer that was heard. */
  spoken_ms: number
}

export type TurnRecord = Timeline & {
  id: string
  device_id: string
  user_id: string
  bot_id: string | null
  conversation_id: string | null
  source: 'voice' | 'text'
  outcome: TurnOutcome
  error_code: string | null
  /** ISO 8601: when the decision was made. */
  started_at: string
}

export type TurnTables = { devices_turn: TurnRecord }

type Rows = Kysely<TurnTables>

/** Stages whose times are told of, in their order. */
export const stages = [
  'silence_ms',
  'text_ms',
  'first_token_ms',
  'first_sentence_ms',
  'first_audio_ms',
  'end_ms',
] as const
export type Stage = (typeof stages)[number]

type StageTimes = { [S in Stage as `p50_${S}` | `p95_${S}`]: number | null }
export type StatisticsRow = StageTimes & {
  /** The last row: all days together. */
  is_total: boolean
  day: string | null
  turns: number
  aborted: number
  failed: number
}

const viewColumns = [
  'id',
  'source',
  'outcome',
  'error_code',
  'bot_id',
  'conversation_id',
  'started_at',
  'silence_ms',
  'text_ms',
  'first_token_ms',
  'first_sentence_ms',
  'first_audio_ms',
  'abort_ms',
  'end_ms',
  'spoken_ms',
] as const

export const turnStore = {
  async insert(tx: Rows, record: TurnRecord): Promise<void> {
    await tx.insertInto('devices_turn').values(record).execute()
  },

  /** Newest first. */
  list: (
    db: Rows,
    {
      device_id,
      user_id,
      before,
      limit,
    }: { device_id: string; user_id: string; before: string | null; limit: number },
  ): Promise<Omit<TurnRecord, 'device_id' | 'user_id'>[]> =>
    db
      .selectFrom('devices_turn')
      .select([...viewColumns])
      .where('device_id', '=', device_id)
      .where('user_id', '=', user_id)
      .$if(before !== null, query => query.where('id', '<', before ?? ''))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),

  /** The talk that the device was in last, if it was with this user and bot and not before `since`. */
  lastConversation: async (
    db: Rows,
    {
      device_id,
      user_id,
      bot_id,
      since,
    }: { device_id: string; user_id: string; bot_id: string | null; since: string },
  ): Promise<string | null> => {
    const row = await db
      .selectFrom('devices_turn')
      .select('conversation_id')
      .where('device_id', '=', device_id)
      .where('started_at', '>=', since)
      .where('user_id', '=', user_id)
      .where('bot_id', 'is not distinct from', bot_id)
      .where('conversation_id', 'is not', null)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.conversation_id ?? null
  },

  /** By calendar day of a time zone: how many turns, and the median and 95th percentile of each stage. */
  statistics: async (
    db: Rows,
    {
      of,
      since,
      time_zone,
    }: { of: { device_id: string; user_id: string } | null; since: string; time_zone: string },
  ): Promise<StatisticsRow[]> => {
    const ofWhom = of ? sql`device_id = ${of.device_id} AND user_id = ${of.user_id}` : sql`true`
    const times = stages.map(
      stage => sql`
        percentile_cont(0.5) WITHIN GROUP (ORDER BY ${sql.ref(stage)}) AS ${sql.ref(`p50_${stage}`)},
        percentile_cont(0.95) WITHIN GROUP (ORDER BY ${sql.ref(stage)}) AS ${sql.ref(`p95_${stage}`)}`,
    )
    const { rows } = await sql<StatisticsRow>`
      SELECT grouping(day) = 1 AS is_total, day, count(*)::int AS turns,
        count(*) FILTER (WHERE outcome = 'aborted')::int AS aborted,
        count(*) FILTER (WHERE outcome = 'failed')::int AS failed,
        ${sql.join(times)}
      FROM (
        SELECT *, to_char(started_at AT TIME ZONE ${time_zone}, 'YYYY-MM-DD') AS day FROM devices_turn
        WHERE started_at >= ${since} AND ${ofWhom}
      ) AS turn
      GROUP BY ROLLUP (day) ORDER BY is_total, day`.execute(db)
    return rows
  },
}
