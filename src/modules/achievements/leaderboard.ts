import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { CursorTime, decodeCursor, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Standing } from './contract.ts'
import { leaderboardStore as store } from './leaderboard-store.ts'
import type { AchievementsTables } from './tables.ts'

/** Nobody's id or name of sign-in: only what people call themselves. */
export const BoardEntry = z
  .object({
    rank: z.int().describe('Equals share a rank.'),
    display_name: z.string(),
    points: z.int(),
    is_own: z.boolean(),
  })
  .meta({ id: 'AchievementBoardEntry' })
export type BoardEntry = z.output<typeof BoardEntry>

export type Leaderboard = ReturnType<typeof createLeaderboard>

export function createLeaderboard({
  db,
  identity,
}: {
  db: Db<AchievementsTables>
  identity: Pick<Identity, 'usersByIds'>
}) {
  async function standing({ user_id }: Actor): Promise<Standing> {
    const row = await store.find(db.primary, user_id)
    if (!row) return { points: 0, is_listed: false, rank: null }
    const { points, is_listed } = row
    const rank = is_listed && points > 0 ? 1 + (await store.countAbove(db.primary, points)) : null
    return { points, is_listed, rank }
  }

  return {
    standing,

    async list(actor: Actor, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
      const after = decodeCursor(cursor, z.tuple([z.int(), CursorTime, z.uuid()]))
      const rows = await store.page(db.primary, { after, limit: limit + 1 })
      const page = pageFrom(rows, limit, row => [row.points, row.points_at, row.user_id])
      const [first] = page.items
      const above = first ? await store.countAbove(db.primary, first.points) : 0
      // How many of the first one's equals stand on the pages before.
      const skipped =
        after && first?.points === after[0] ? await store.countEqualBefore(db.primary, first) : 0
      const users = await identity.usersByIds(page.items.map(row => row.user_id))
      const items: BoardEntry[] = []
      let rank = above + 1
      for (const [i, row] of page.items.entries()) {
        const before = page.items[i - 1]
        if (before && before.points !== row.points) rank = above + skipped + i + 1
        const user = users.get(row.user_id)
        if (!user?.is_active) continue
        const { display_name } = user
        items.push({ rank, display_name, points: row.points, is_own: row.user_id === actor.user_id })
      }
      return { items, next_cursor: page.next_cursor, own: await standing(actor) }
    },

    async setListed(actor: Actor, isListed: boolean): Promise<Standing> {
      await store.setListed(db.primary, actor.user_id, isListed)
      return standing(actor)
    },

    async pointsOf(userIds: readonly string[]): Promise<Map<string, number>> {
      if (userIds.length === 0) return new Map()
      const rows = await store.pointsOf(db.primary, userIds)
      return new Map(rows.map(({ user_id, points }) => [user_id, points]))
    },
  }
}
