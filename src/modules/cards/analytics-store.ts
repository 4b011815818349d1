import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { AnalyticsGroup, CardsByGroup } from './analytics.ts'
import { type RedemptionTables, unknownBatch } from './redemption-tables.ts'

type Rows = Kysely<RedemptionTables>

type Period = {
  first: string
  last: string
  batch_id?: string | undefined
  template_id?: string | undefined
  channel?: string | undefined
}

type Counts = { redeemed: number; undone: number; refused: number; expired: number }

const mostGroups = 50

const sums = sql`sum(redeemed)::int AS redeemed, sum(undone)::int AS undone, sum(refused)::int AS refused,
  sum(expired)::int AS expired`

/** Released batches, also those that were frozen or made void later. */
const wasReleased = sql`batch.released_at IS NOT NULL`
const dayOfRelease = sql`(batch.released_at AT TIME ZONE 'Asia/Shanghai')::date`

/** On `cards_batch batch`. */
const chosen = ({ batch_id, template_id, channel }: Period): RawBuilder<unknown> =>
  sql.join(
    [
      sql`true`,
      ...(batch_id === undefined ? [] : [sql`batch.id = ${batch_id}`]),
      ...(template_id === undefined ? [] : [sql`batch.template_id = ${template_id}`]),
      ...(channel === undefined ? [] : [sql`coalesce(batch.channel, '') = ${channel}`]),
    ],
    sql` AND `,
  )

/** True where nothing is chosen: then attempts with codes that no card has are part of what is asked for. */
export const asksForAll = ({ batch_id, template_id, channel }: Period): boolean =>
  batch_id === undefined && template_id === undefined && channel === undefined

/** `cards_statistic s` with its `cards_batch batch`, which attempts with codes that no card has do without. */
const statistics = (withUnknown: boolean): RawBuilder<unknown> =>
  sql`cards_statistic s ${sql.raw(withUnknown ? 'LEFT JOIN' : 'JOIN')} cards_batch batch ON batch.id = s.batch_id`

/** What a group is known by, on `cards_batch batch` and `cards_statistic s`, and what it is called. */
const groups: Record<AnalyticsGroup, { key: RawBuilder<string>; name: RawBuilder<string> }> = {
  batch: { key: sql`batch.id::text`, name: sql`(SELECT name FROM cards_batch WHERE id::text = key)` },
  template: {
    key: sql`batch.template_id::text`,
    name: sql`(SELECT v.name FROM cards_template t JOIN cards_template_version v
      ON v.template_id = t.id AND v.version = t.version WHERE t.id::text = key)`,
  },
  channel: { key: sql`coalesce(batch.channel, '')`, name: sql`key` },
  region: { key: sql`s.region`, name: sql`key` },
}

export const analyticsStore = {
  async byDay(db: Rows, period: Period): Promise<(Counts & { day: string })[]> {
    const { rows } = await sql<Counts & { day: string }>`
      SELECT s.day, ${sums} FROM ${statistics(asksForAll(period))}
      WHERE s.day BETWEEN ${period.first}::date AND ${period.last}::date AND ${chosen(period)}
      GROUP BY s.day`.execute(db)
    return rows
  },

  async issuedByDay(db: Rows, period: Period): Promise<{ day: string; issued: number }[]> {
    const { rows } = await sql<{ day: string; issued: number }>`
      SELECT ${dayOfRelease} AS day, sum(batch.quantity)::int AS issued FROM cards_batch batch
      WHERE ${wasReleased} AND ${dayOfRelease} BETWEEN ${period.first}::date AND ${period.last}::date
        AND ${chosen(period)}
      GROUP BY 1`.execute(db)
    return rows
  },

  async before(db: Rows, period: Period): Promise<{ issued: number; redeemed: number }> {
    const { rows } = await sql<{ issued: number; redeemed: number }>`
      SELECT
        (SELECT coalesce(sum(batch.quantity), 0) FROM cards_batch batch
          WHERE ${wasReleased} AND ${dayOfRelease} < ${period.first}::date AND ${chosen(period)}) AS issued,
        (SELECT coalesce(sum(s.redeemed - s.undone), 0)
          FROM cards_statistic s JOIN cards_batch batch ON batch.id = s.batch_id
          WHERE s.day < ${period.first}::date AND ${chosen(period)}) AS redeemed`.execute(db)
    return rows[0] ?? { issued: 0, redeemed: 0 }
  },

  async unknownCodes(db: Rows, { first, last }: Period): Promise<number> {
    const { rows } = await sql<{ refused: number }>`
      SELECT coalesce(sum(refused), 0) AS refused FROM cards_statistic
      WHERE batch_id = ${unknownBatch} AND day BETWEEN ${first}::date AND ${last}::date`.execute(db)
    return rows[0]?.refused ?? 0
  },

  /** Those with the most redemptions and failures first. Codes that no card has belong to no group but their region. */
  async byGroup(db: Rows, group: AnalyticsGroup, period: Period): Promise<CardsByGroup['items']> {
    const { key, name } = groups[group]
    const isRegion = group === 'region'
    const { rows } = await sql<CardsByGroup['items'][number]>`
      WITH used AS (
        SELECT ${key} AS key,
          sum(redeemed - undone)::int AS redeemed_in_all,
          ${sql.join(
            ['redeemed', 'undone', 'refused', 'expired'].map(
              column => sql`coalesce(sum(s.${sql.ref(column)})
                FILTER (WHERE s.day >= ${period.first}::date), 0)::int AS ${sql.ref(column)}`,
            ),
          )}
        FROM ${statistics(isRegion && asksForAll(period))}
        WHERE s.day <= ${period.last}::date AND ${chosen(period)}
        GROUP BY 1
      ),
      released AS (
        SELECT ${isRegion ? sql`NULL::text` : key} AS key, sum(batch.quantity)::int AS issued
        FROM cards_batch batch
        WHERE ${isRegion ? sql`false` : sql`true`} AND ${wasReleased} AND ${dayOfRelease} <= ${period.last}::date
          AND ${chosen(period)}
        GROUP BY 1
      )
      SELECT key, coalesce(${name}, '') AS name, ${isRegion ? sql`NULL::int` : sql`coalesce(issued, 0)`} AS issued,
        coalesce(redeemed_in_all, 0) AS redeemed_in_all, coalesce(redeemed, 0) AS redeemed,
        coalesce(undone, 0) AS undone, coalesce(refused, 0) AS refused, coalesce(expired, 0) AS expired
      FROM used FULL JOIN released USING (key)
      ORDER BY coalesce(redeemed, 0) DESC, coalesce(refused, 0) DESC, coalesce(issued, 0) DESC, key
      LIMIT ${mostGroups}`.execute(db)
    return rows
  },

  /** Released batches that end after `now`, the next first. */
  async ending(db: Rows, now: string, paceFrom: string) {
    const { rows } = await sql<{
      batch_id: string
      name: string
      template_name: string
      expires_at: string
      released_at: string
      remaining: number
      redeemed_lately: number
    }>`
      SELECT batch.id AS batch_id, batch.name, v.name AS template_name, batch.expires_at, batch.released_at,
        greatest(0, batch.quantity - coalesce(sum(s.redeemed - s.undone), 0))::int AS remaining,
        greatest(0, coalesce(sum(s.redeemed - s.undone) FILTER (WHERE s.day >= ${paceFrom}::date), 0))::int AS redeemed_lately
      FROM cards_batch batch
      JOIN cards_template_version v ON v.template_id = batch.template_id AND v.version = batch.template_version
      LEFT JOIN cards_statistic s ON s.batch_id = batch.id
      WHERE batch.state = 'released' AND batch.released_at IS NOT NULL AND batch.expires_at > ${now}::timestamptz
      GROUP BY batch.id, v.name
      ORDER BY batch.expires_at, batch.id LIMIT ${mostGroups}`.execute(db)
    return rows
  },
}
