import { type Kysely, type Selectable, sql } from 'kysely'
import type { Rarity, TemplateContent } from './contract.ts'
import type { CardsTables } from './tables.ts'

type Rows = Kysely<CardsTables>
type TemplateRow = Selectable<CardsTables['cards_template']>
export type VersionRow = Selectable<CardsTables['cards_template_version']>
/** A template with what one of its versions says. */
export type JoinedRow = TemplateRow & Omit<VersionRow, 'template_id' | 'version' | 'created_at' | 'file_ids'>

export type TemplateState = TemplateRow['state']
export type TemplateFilter = {
  category?: string | undefined
  rarity?: Rarity | undefined
  state?: TemplateState | undefined
  q?: string | undefined
  before: string | null
  limit: number
}

const joined = (db: Rows) =>
  db
    .selectFrom('cards_template as t')
    .innerJoin('cards_template_version as v', join =>
      join.onRef('v.template_id', '=', 't.id').onRef('v.version', '=', 't.version'),
    )
    .select([
      't.id',
      't.category',
      't.state',
      't.version',
      't.created_at',
      't.updated_at',
      'v.name',
      'v.description',
      'v.images',
      'v.attributes',
      'v.rarity',
      'v.rewards',
      'v.set_name',
      'v.created_by',
    ])

/** The queries of templates and their versions. */
export const templateStore = {
  find: (db: Rows, id: string): Promise<JoinedRow | undefined> =>
    joined(db).where('t.id', '=', id).executeTakeFirst(),

  /** Newest first. There are hundreds of templates, not millions: rarity and name need no index. */
  list: (db: Rows, { category, rarity, state, q, before, limit }: TemplateFilter): Promise<JoinedRow[]> =>
    joined(db)
      .$if(category !== undefined, query => query.where('t.category', '=', category ?? ''))
      .$if(rarity !== undefined, query => query.where('v.rarity', '=', rarity ?? 'common'))
      .$if(state !== undefined, query => query.where('t.state', '=', state ?? 'draft'))
      .$if(q !== undefined, query =>
        query.where(sql<boolean>`v.name ILIKE ${`%${(q ?? '').replaceAll(/[\\%_]/g, '\\$&')}%`}`),
      )
      .$if(before !== null, query => query.where('t.id', '<', before))
      .orderBy('t.id', 'desc')
      .limit(limit)
      .execute(),

  /** The published templates of a set. */
  ofSet: (db: Rows, setName: string, limit: number): Promise<JoinedRow[]> =>
    joined(db)
      .where('v.set_name', '=', setName)
      .where('t.state', '=', 'published')
      .orderBy('t.id')
      .limit(limit)
      .execute(),

  /** Locks the template, so that its versions are numbered one after another. */
  lock: (tx: Rows, id: string): Promise<TemplateRow | undefined> =>
    tx.selectFrom('cards_template').selectAll().where('id', '=', id).forUpdate().executeTakeFirst(),

  async insert(tx: Rows, row: { id: string; category: string }): Promise<void> {
    await tx.insertInto('cards_template').values(row).execute()
  },

  async insertVersion(
    tx: Rows,
    row: TemplateContent & { template_id: string; version: number; file_ids: string[]; created_by: string },
  ): Promise<void> {
    const { attributes, rewards, ...rest } = row
    await tx
      .insertInto('cards_template_version')
      .values({ ...rest, attributes: JSON.stringify(attributes), rewards: JSON.stringify(rewards) })
      .execute()
  },

  async change(
    tx: Rows,
    id: string,
    change: { version?: number; state?: TemplateState; updated_at: string },
  ): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('cards_template')
      .set(change)
      .where('id', '=', id)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  version: (db: Rows, id: string, version: number): Promise<VersionRow | undefined> =>
    db
      .selectFrom('cards_template_version')
      .selectAll()
      .where('template_id', '=', id)
      .where('version', '=', version)
      .executeTakeFirst(),

  /** Newest first. */
  versions: (db: Rows, id: string, before: number | null, limit: number): Promise<VersionRow[]> =>
    db
      .selectFrom('cards_template_version')
      .selectAll()
      .where('template_id', '=', id)
      .$if(before !== null, query => query.where('version', '<', before))
      .orderBy('version', 'desc')
      .limit(limit)
      .execute(),

  setSizes: (db: Rows): Promise<{ category: string; total: number }[]> =>
    db
      .selectFrom('cards_template')
      .select(({ fn }) => ['category', fn.countAll<number>().as('total')])
      .where('state', '=', 'published')
      .groupBy('category')
      .execute(),

  names: (db: Rows, ids: readonly string[]): Promise<Pick<JoinedRow, 'id' | 'name'>[]> =>
    joined(db).where('t.id', 'in', ids).execute(),
}
