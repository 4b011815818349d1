import { type Kysely, sql } from 'kysely'
import type { Locale } from '#core/errors.ts'
import { type TierName, tierNames } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>
export type Unlock = { achievement_id: string; tier: TierName; unlocked_at: string }

/** What a user has, each as `achievement tier`. */
export type Unlocked = ReadonlySet<string>

export const unlockKey = (achievementId: string, tier: TierName): string => `${achievementId} ${tier}`

export const unlockedOf = (unlocks: readonly Omit<Unlock, 'unlocked_at'>[]): Unlocked =>
  new Set(unlocks.map(({ achievement_id, tier }) => unlockKey(achievement_id, tier)))

/** Whether a tier of an achievement is among them; `null`: any tier. */
export const hasUnlocked = (unlocked: Unlocked, achievementId: string, tier: TierName | null): boolean =>
  (tier === null ? tierNames : [tier]).some(name => unlocked.has(unlockKey(achievementId, name)))

export const unlockStore = {
  list: (db: Rows, userId: string): Promise<Unlock[]> =>
    db
      .selectFrom('achievements_unlock')
      .select(['achievement_id', 'tier', 'unlocked_at'])
      .where('user_id', '=', userId)
      .execute(),

  of: async (db: Rows, userId: string): Promise<Unlocked> => unlockedOf(await unlockStore.list(db, userId)),

  /**
   * Notes tiers of one achievement, and adds the points of those that are new. Returns which are, with the names of
   * the achievement; null when none is. The caller holds the user's lock.
   */
  async insert(
    tx: Rows,
    userId: string,
    { achievement_id, version, at }: { achievement_id: string; version: number; at: string },
    unlocks: readonly { tier: TierName; points: number; unlocked_at: string }[],
  ): Promise<{ names: Record<Locale, string>; tiers: TierName[] } | null> {
    const { rows } = await sql<{ names: Record<Locale, string>; tiers: TierName[] }>`
      WITH fresh AS (
        INSERT INTO achievements_unlock (user_id, achievement_id, tier, version, points, unlocked_at)
        SELECT ${userId}, ${achievement_id}, tier, ${version}, points, unlocked_at
        FROM unnest(${unlocks.map(unlock => unlock.tier)}::text[], ${unlocks.map(unlock => unlock.points)}::integer[],
          ${unlocks.map(unlock => unlock.unlocked_at)}::timestamptz[]) AS reached (tier, points, unlocked_at)
        ON CONFLICT DO NOTHING RETURNING tier, points
      ),
      paid AS (
        UPDATE achievements_user SET points = points + (SELECT sum(points) FROM fresh), points_at = ${at}
        WHERE user_id = ${userId} AND EXISTS (SELECT FROM fresh WHERE points > 0)
      )
      SELECT names, ARRAY(SELECT tier FROM fresh) AS tiers FROM achievements_achievement
      WHERE id = ${achievement_id} AND EXISTS (SELECT FROM fresh)`.execute(tx)
    return rows[0] ?? null
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
