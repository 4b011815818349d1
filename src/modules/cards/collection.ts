import { type Kysely, type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { type Cards, CategoryTitles, type OwnedItem, Rarity, Rewards, rarities } from './contract.ts'
import { itemNotFound } from './redemption-errors.ts'
import { type ItemRow, itemsWhere } from './redemption-store.ts'
import type { RedemptionTables } from './redemption-tables.ts'

/** A card that a user has redeemed. */
export const CardItem = z
  .object({
    id: z.uuid().describe('Of the redemption.'),
    template_id: z.uuid(),
    template_version: z.int(),
    category: z.string(),
    rarity: Rarity,
    name: z.string(),
    description: z.string(),
    images: z.array(z.uuid()).describe('The first is the cover; at /api/v1/cards/files/{id}/content.'),
    attributes: z.record(z.string(), z.unknown()),
    rewards: Rewards,
    set_name: z.string().nullable(),
    acquired_at: z.string(),
  })
  .meta({ id: 'CardsItem' })
export type CardItem = z.output<typeof CardItem>

const Progress = {
  owned: z.int().describe('How many different cards one has.'),
  total: z.int().describe('How many there are: published, or owned.'),
}

export const Collection = z
  .object({
    items: z.int().describe('Cards, doubles included.'),
    ...Progress,
    categories: z.array(z.object({ category: z.string(), titles: CategoryTitles, ...Progress })),
    rarities: z.array(z.object({ rarity: Rarity, ...Progress })),
    sets: z.array(z.object({ set_name: z.string(), ...Progress })).describe('Those begun, at most 100.'),
  })
  .meta({ id: 'CardsCollection' })
export type Collection = z.output<typeof Collection>

export type ItemFilter = {
  limit: number
  cursor?: string | undefined
  category?: string | undefined
  rarity?: Rarity | undefined
  set_name?: string | undefined
}

export type CollectionService = Pick<Cards, 'itemsOf'> & {
  /** Newest first. */
  list(actor: Actor, filter: ItemFilter): Promise<Page<CardItem>>
  /** @throws AppError `item.not_found` */
  get(actor: Actor, id: string): Promise<CardItem>
  overview(actor: Actor): Promise<Collection>
}

const mostItems = 1000
const mostSets = 100

export function createCollection({ db }: { db: Db<RedemptionTables> }): CollectionService {
  return {
    async list({ user_id }, { limit, cursor, category, rarity, set_name }) {
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const conditions = [
        category === undefined ? null : sql`t.category = ${category}`,
        rarity === undefined ? null : sql`v.rarity = ${rarity}`,
        set_name === undefined ? null : sql`v.set_name = ${set_name}`,
        before === null ? null : sql`r.id < ${before}`,
      ].filter(condition => condition !== null)
      const found = await db.read(user_id, rows => ownedBy(rows, user_id, conditions, limit + 1))
      return pageFrom(found, limit, item => [item.id])
    },
    async get({ user_id }, id) {
      const [item] = await ownedBy(db.primary, user_id, [sql`r.id = ${id}`], 1)
      if (!item) throw itemNotFound()
      return item
    },
    overview: ({ user_id }) => db.read(user_id, rows => overviewOf(rows, user_id)),
    async itemsOf(user_id) {
      const rows = await ownedBy(db.primary, user_id, [], mostItems)
      return rows.map(
        ({ description: _, images: __, rewards: ___, set_name: ____, ...item }): OwnedItem => item,
      )
    },
  }
}

const ownedBy = (
  db: Kysely<RedemptionTables>,
  userId: string,
  conditions: readonly RawBuilder<unknown>[],
  limit: number,
): Promise<ItemRow[]> =>
  itemsWhere(
    db,
    sql`${sql.join([sql`r.user_id = ${userId}`, sql`r.undone_at IS NULL`, ...conditions], sql` AND `)}
      ORDER BY r.id DESC LIMIT ${limit}`,
  )

type Place = { category: string; rarity: Rarity; set_name: string | null; is_owned: boolean; items: number }

/** A template counts where its newest version stands, and as there to have when it is published or owned. */
async function overviewOf(db: Kysely<RedemptionTables>, userId: string): Promise<Collection> {
  const { rows } = await sql<Place>`
    WITH owned AS (
      SELECT template_id, count(*) AS items FROM cards_redemption
      WHERE user_id = ${userId} AND undone_at IS NULL GROUP BY template_id
    )
    SELECT t.category, v.rarity, v.set_name, owned.items IS NOT NULL AS is_owned, coalesce(owned.items, 0) AS items
    FROM cards_template t
    JOIN cards_template_version v ON v.template_id = t.id AND v.version = t.version
    LEFT JOIN owned ON owned.template_id = t.id
    WHERE t.state = 'published' OR owned.items IS NOT NULL`.execute(db)
  const categories = await db
    .selectFrom('cards_category')
    .select(['name', 'titles'])
    .orderBy('is_builtin', 'desc')
    .orderBy('created_at')
    .orderBy('name')
    .execute()
  const progressOf = (places: readonly Place[]) => ({
    owned: places.filter(place => place.is_owned).length,
    total: places.length,
  })
  const sets = Map.groupBy(rows, row => row.set_name)
  return {
    items: rows.reduce((sum, row) => sum + row.items, 0),
    ...progressOf(rows),
    categories: categories
      .map(({ name, titles }) => ({
        category: name,
        titles,
        ...progressOf(rows.filter(row => row.category === name)),
      }))
      .filter(category => category.total > 0),
    rarities: rarities
      .map(rarity => ({ rarity, ...progressOf(rows.filter(row => row.rarity === rarity)) }))
      .filter(rarity => rarity.total > 0),
    sets: [...sets]
      .flatMap(([set_name, places]) => (set_name === null ? [] : [{ set_name, ...progressOf(places) }]))
      .filter(set => set.owned > 0)
      .sort((one, two) => two.owned / two.total - one.owned / one.total)
      .slice(0, mostSets),
  }
}
