import { type Kysely, sql } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { TierName } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>

/** Points that a user was given: for a tier of an achievement, or with a card. */
export type PointsRow = {
  id: string
  at: string
  points: number
  undone_at: string | null
  tier: TierName | null
  names: Record<Locale, string> | null
  icon: string | null
  template_id: string | null
}

export const pointsStore = {
  /** Adds the points of a redeemed card, once for each redemption. The caller holds the user's lock. */
  async grant(
    tx: Rows,
    userId: string,
    {
      redemption_id,
      template_id,
      points,
      at,
    }: { redemption_id: string; template_id: string; points: number; at: string },
  ): Promise<void> {
    await sql`
      WITH granted AS (
        INSERT INTO achievements_card_points (redemption_id, user_id, template_id, points, granted_at)
        VALUES (${redemption_id}, ${userId}, ${template_id}, ${points}, ${at})
        ON CONFLICT DO NOTHING RETURNING points
      )
      UPDATE achievements_user own SET points = own.points + granted.points, points_at = ${at}
      FROM granted WHERE own.user_id = ${userId}`.execute(tx)
  },

  /** Takes the points of an undone redemption back, once. The caller holds the user's lock. */
  async takeBack(
    tx: Rows,
    userId: string,
    { redemption_id, at }: { redemption_id: string; at: string },
  ): Promise<void> {
    await sql`
      WITH undone AS (
        UPDATE achievements_card_points SET undone_at = ${at}
        WHERE redemption_id = ${redemption_id} AND user_id = ${userId} AND undone_at IS NULL RETURNING points
      )
      UPDATE achievements_user own SET points = own.points - undone.points, points_at = ${at}
      FROM undone WHERE own.user_id = ${userId}`.execute(tx)
  },

  /** Newest first. A user has a few thousand of them at most, all under one index each. */
  async page(
    db: Rows,
    userId: string,
    { after, limit }: { after: readonly [string, string] | null; limit: number },
  ): Promise<PointsRow[]> {
    const { rows } = await sql<PointsRow>`
      SELECT * FROM (
        SELECT unlock.achievement_id || '.' || unlock.tier AS id, date_trunc('milliseconds', unlock.created_at) AS at,
          unlock.points, NULL::timestamptz AS undone_at, unlock.tier, achievement.names, achievement.icon,
          NULL::uuid AS template_id
        FROM achievements_unlock unlock JOIN achievements_achievement achievement ON achievement.id = unlock.achievement_id
        WHERE unlock.user_id = ${userId} AND unlock.points > 0
        UNION ALL
        SELECT redemption_id::text, granted_at, points, undone_at, NULL, NULL, NULL, template_id
        FROM achievements_card_points WHERE user_id = ${userId}
      ) AS given
      WHERE ${after === null}::boolean OR (at, id) < (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? null}::text)
      ORDER BY at DESC, id DESC LIMIT ${limit}`.execute(db)
    return rows
  },
}
