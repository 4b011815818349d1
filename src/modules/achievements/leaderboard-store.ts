import { type Kysely, sql } from 'kysely'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>
export type BoardRow = { user_id: string; points: number; points_at: string }

/** Only who wants to be seen, and has something to show. */
const listed = (db: Rows) =>
  db
    .selectFrom('achievements_user')
    .select(['user_id', 'points', 'points_at'])
    .where('is_listed', '=', true)
    .where('points', '>', 0)

export const leaderboardStore = {
  /** Most points first; among equals who had them first. */
  page: (
    db: Rows,
    { after, limit }: { after: readonly [number, string, string] | null; limit: number },
  ): Promise<BoardRow[]> =>
    listed(db)
      .$if(after !== null, query =>
        query
          .where('points', '<=', after?.[0] ?? 0)
          .where(
            sql<boolean>`(-points, points_at, user_id) > (-(${after?.[0]}::bigint), ${after?.[1]}::timestamptz, ${after?.[2]}::uuid)`,
          ),
      )
      .orderBy('points', 'desc')
      .orderBy('points_at')
      .orderBy('user_id')
      .limit(limit)
      .execute(),

  /** How many have more points. */
  async countAbove(db: Rows, points: number): Promise<number> {
    const row = await db
      .selectFrom('achievements_user')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('is_listed', '=', true)
      .where('points', '>', Math.max(0, points))
      .executeTakeFirstOrThrow()
    return row.count
  },

  /** How many with the same points stand before. */
  async countEqualBefore(db: Rows, { points, points_at, user_id }: BoardRow): Promise<number> {
    const row = await db
      .selectFrom('achievements_user')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('is_listed', '=', true)
      .where('points', '=', points)
      .where(sql<boolean>`(points_at, user_id) < (${points_at}::timestamptz, ${user_id}::uuid)`)
      .executeTakeFirstOrThrow()
    return row.count
  },

  /** The first ranks; equals share one, so there may be more people than ranks. */
  async top(db: Rows, ranks: number): Promise<{ user_id: string; rank: number }[]> {
    const { rows } = await sql<{ user_id: string; rank: number }>`
      SELECT user_id, rank FROM (
        SELECT user_id, rank() OVER (ORDER BY points DESC) AS rank FROM achievements_user
        WHERE is_listed AND points > 0
      ) AS ranked
      WHERE rank <= ${ranks} ORDER BY rank, user_id LIMIT 10000`.execute(db)
    return rows
  },

  find: (
    db: Rows,
    userId: string,
  ): Promise<{ points: number; points_at: string; is_listed: boolean } | undefined> =>
    db
      .selectFrom('achievements_user')
      .select(['points', 'points_at', 'is_listed'])
      .where('user_id', '=', userId)
      .executeTakeFirst(),

  async setListed(db: Rows, userId: string, isListed: boolean): Promise<void> {
    await db
      .insertInto('achievements_user')
      .values({ user_id: userId, is_listed: isListed })
      .onConflict(conflict => conflict.column('user_id').doUpdateSet({ is_listed: isListed }))
      .execute()
  },

  pointsOf: (db: Rows, userIds: readonly string[]): Promise<{ user_id: string; points: number }[]> =>
    db
      .selectFrom('achievements_user')
      .select(['user_id', 'points'])
      .where('user_id', 'in', userIds)
      .where('points', '>', 0)
      .execute(),
}
