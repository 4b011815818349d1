import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import { searchQuery, searchVector } from '#core/db/search.ts'
import type { MediaKind, MediaTables } from './media-tables.ts'

type Rows = Kysely<MediaTables>

export type MediaRow = Selectable<MediaTables['devices_media']>

/** What an operator may say of a file. */
export type MediaFields = Partial<
  Pick<MediaRow, 'title' | 'artist' | 'style' | 'description' | 'duration_ms' | 'template_id'>
>

/** Everybody searches the same library. */
const scope = 'devices_media'

const searchOf = ({
  title = '',
  artist = '',
  style = '',
  description = '',
}: MediaFields): RawBuilder<string> =>
  searchVector(scope, { title: `${title} ${artist}`, body: `${style} ${description}` })

/** The queries of the library. */
export const mediaStore = {
  find: (db: Rows, id: string): Promise<MediaRow | undefined> =>
    db.selectFrom('devices_media').selectAll().where('id', '=', id).executeTakeFirst(),

  /** The newest first. */
  list(
    db: Rows,
    { kind, q }: { kind?: MediaKind | undefined; q?: string | undefined },
    limit: number,
    after: string | null,
  ): Promise<MediaRow[]> {
    let query = db.selectFrom('devices_media').selectAll().orderBy('id', 'desc').limit(limit)
    if (kind) query = query.where('kind', '=', kind)
    if (after) query = query.where('id', '<', after)
    if (q) {
      const wanted = searchQuery(scope, q)
      query = query.where(wanted ? sql<boolean>`search @@ ${wanted.tsquery}` : sql<boolean>`false`)
    }
    return query.execute()
  },

  insert: (
    db: Rows,
    row: MediaFields & Pick<MediaRow, 'id' | 'kind' | 'title' | 'media_type' | 'size' | 'storage_key'>,
  ): Promise<MediaRow> =>
    db
      .insertInto('devices_media')
      .values({ ...row, search: searchOf(row) })
      .returningAll()
      .executeTakeFirstOrThrow(),

  /** Changes what is given. */
  async update(db: Rows, id: string, fields: MediaFields): Promise<MediaRow | undefined> {
    return db.transaction().execute(async tx => {
      const before = await tx
        .selectFrom('devices_media')
        .selectAll()
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      if (!before) return undefined
      return tx
        .updateTable('devices_media')
        .set({ ...fields, search: searchOf({ ...before, ...fields }), updated_at: sql<string>`now()` })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
    })
  },

  async remove(db: Rows, id: string) {
    await db.deleteFrom('devices_media').where('id', '=', id).execute()
  },
}
