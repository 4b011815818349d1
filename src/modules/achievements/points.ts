import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { CursorTime, decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { Cards } from '#modules/cards/contract.ts'
import type { PointsEntry } from './contract.ts'
import { pointsStore } from './points-store.ts'
import type { AchievementsTables } from './tables.ts'

export type Points = ReturnType<typeof createPoints>

/** Where a user's points come from, newest first. */
export const createPoints =
  ({ db, cards }: { db: Db<AchievementsTables>; cards: Pick<Cards, 'templateNames'> }) =>
  async (
    { user_id }: Actor,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
    locale: Locale,
  ): Promise<Page<PointsEntry>> => {
    const after = decodeCursor(cursor, z.tuple([CursorTime, z.string().regex(/^[\w.-]{1,100}$/)]))
    const rows = await pointsStore.page(db.primary, user_id, { after, limit: limit + 1 })
    const page = pageFrom(rows, limit, row => [row.at, row.id])
    const templates = page.items.flatMap(row => (row.template_id === null ? [] : [row.template_id]))
    const cardNames = await cards.templateNames([...new Set(templates)])
    const items = page.items.map(({ id, at, points, names, icon, tier, template_id, undone_at }) => ({
      id,
      at,
      points,
      source: template_id === null ? ('achievement' as const) : ('card' as const),
      name: (template_id === null ? names?.[locale] : cardNames.get(template_id)) ?? null,
      icon,
      tier,
      taken_back_at: undone_at,
    }))
    return { items, next_cursor: page.next_cursor }
  }
