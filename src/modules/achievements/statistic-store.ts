import { type Kysely, sql } from 'kysely'
import type { TierName } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>
export type StatisticRow = {
  day: string
  achievement_id: string
  tier: TierName
  unlocked: number
  holders: number
  users: number
}

export const statisticStore = {
  lastDay: async (db: Rows): Promise<string | null> =>
    (
      await db
        .selectFrom('achievements_statistic')
        .select('day')
        .orderBy('day', 'desc')
        .limit(1)
        .executeTakeFirst()
    )?.day ?? null,

  /** Counts what was unlocked of an achievement on a day of a time zone. Counting it again changes nothing. */
  async count(
    db: Rows,
    achievementId: string,
    { day, timeZone, users }: { day: string; timeZone: string; users: number },
  ): Promise<void> {
    const startOf = (offset: number) =>
      sql`((${day}::date + ${offset}::integer)::timestamp AT TIME ZONE ${timeZone})`
    await sql`
      INSERT INTO achievements_statistic (day, achievement_id, tier, unlocked, holders, users)
      SELECT ${day}::date, achievement_id, tier,
        count(*) FILTER (WHERE created_at >= ${startOf(0)}), count(*), ${users}::integer
      FROM achievements_unlock WHERE achievement_id = ${achievementId} AND created_at < ${startOf(1)}
      GROUP BY achievement_id, tier
      ON CONFLICT (day, achievement_id, tier) DO UPDATE
        SET unlocked = excluded.unlocked, holders = excluded.holders, users = excluded.users`.execute(db)
  },

  list: (db: Rows, fromDay: string): Promise<StatisticRow[]> =>
    db
      .selectFrom('achievements_statistic')
      .selectAll()
      .where('day', '>=', fromDay)
      .orderBy('day')
      .orderBy('achievement_id')
      .orderBy('tier')
      .limit(20_000)
      .execute(),

  /** Percent of all users who have a tier, by `achievement tier`, as of the last day that was counted. */
  async latestShares(db: Rows): Promise<Map<string, number>> {
    const rows = await db
      .selectFrom('achievements_statistic')
      .select(['achievement_id', 'tier', 'holders', 'users'])
      .where('day', '=', ({ selectFrom }) =>
        selectFrom('achievements_statistic').select(({ fn }) => fn.max('day').as('day')),
      )
      .execute()
    return new Map(
      rows.map(({ achievement_id, tier, holders, users }) => [
        `${achievement_id} ${tier}`,
        users === 0 ? 0 : Math.round((1000 * holders) / users) / 10,
      ]),
    )
  },

  async deleteOld(db: Rows, beforeDay: string): Promise<void> {
    await db.deleteFrom('achievements_statistic').where('day', '<', beforeDay).execute()
  },
}
