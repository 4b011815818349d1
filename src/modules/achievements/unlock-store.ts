import { type Kysely, sql } from 'kysely'
import type { NewFact } from './history-store.ts'
import type { TierName } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>
export type Unlock = { achievement_id: string; tier: TierName; unlocked_at: string }
export type NewUnlock = Unlock & { version: number; points: number }

const unlocksOf = (userId: string) => sql`(
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'achievement_id', achievement_id, 'tier', tier, 'unlocked_at', unlocked_at)), '[]')
  FROM achievements_unlock WHERE user_id = ${userId})`

type Standing = { epoch: number; unlocks: Unlock[] }

export const unlockStore = {
  /** Stores a fact and tells where its user stands, by one query. Null when the fact is there already. */
  async enter(tx: Rows, fact: NewFact): Promise<Standing | null> {
    const { id, user_id, event, subject_id, occurred_at, day, fields, is_retracted } = fact
    const { rows } = await sql<Standing>`
      WITH entered AS (
        INSERT INTO achievements_fact (id, user_id, event, subject_id, occurred_at, day, fields, is_retracted)
        VALUES (${id}, ${user_id}, ${event}, ${subject_id}, ${occurred_at}, ${day}, ${JSON.stringify(fields)},
          ${is_retracted})
        ON CONFLICT DO NOTHING RETURNING id
      )
      SELECT number AS epoch, ${unlocksOf(user_id)} AS unlocks
      FROM achievements_epoch WHERE EXISTS (SELECT FROM entered)`.execute(tx)
    return rows[0] ?? null
  },

  /** What a user has, and the epoch of the rules, by one query. */
  async standing(tx: Rows, userId: string): Promise<Standing> {
    const { rows } = await sql<Standing>`
      SELECT number AS epoch, ${unlocksOf(userId)} AS unlocks FROM achievements_epoch`.execute(tx)
    return rows[0] ?? { epoch: 0, unlocks: [] }
  },

  list: (db: Rows, userId: string): Promise<Unlock[]> =>
    db
      .selectFrom('achievements_unlock')
      .select(['achievement_id', 'tier', 'unlocked_at'])
      .where('user_id', '=', userId)
      .execute(),

  /** Those of them that are new. */
  async insert(tx: Rows, userId: string, unlocks: readonly NewUnlock[]): Promise<NewUnlock[]> {
    const rows = await tx
      .insertInto('achievements_unlock')
      .values(unlocks.map(unlock => ({ user_id: userId, ...unlock })))
      .onConflict(conflict => conflict.doNothing())
      .returning(['achievement_id', 'tier', 'unlocked_at', 'version', 'points'])
      .execute()
    return rows
  },

  async addPoints(tx: Rows, userId: string, points: number, at: string): Promise<void> {
    await tx
      .updateTable('achievements_user')
      .set(({ eb }) => ({ points: eb('points', '+', points), points_at: at }))
      .where('user_id', '=', userId)
      .execute()
  },

  /** How many users have each tier. */
  holders: (
    db: Rows,
    achievementIds: readonly string[],
  ): Promise<{ achievement_id: string; tier: TierName; users: number }[]> =>
    achievementIds.length === 0
      ? Promise.resolve([])
      : db
          .selectFrom('achievements_unlock')
          .select(({ fn }) => ['achievement_id', 'tier', fn.countAll<number>().as('users')])
          .where('achievement_id', 'in', achievementIds)
          .groupBy(['achievement_id', 'tier'])
          .execute(),
}
