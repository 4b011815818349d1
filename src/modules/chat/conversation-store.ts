import { type Kysely, type Selectable, sql } from 'kysely'
import { searchVector } from '#core/db/search.ts'
import type { Conversation } from './contract.ts'
import type { ChatTables } from './tables.ts'

type Rows = Kysely<ChatTables>

const columns = [
  'id',
  'title',
  'bot_id',
  'model',
  'folder_id',
  'is_archived',
  'is_pinned',
  'is_temporary',
  'current_message_id',
  'created_at',
  'updated_at',
  'last_message_at',
] as const

/** The queries of conversations. Every one that a user causes names the user: others' rows do not exist for it. */
export const conversationStore = {
  find: (db: Rows, userId: string, id: string): Promise<Conversation | undefined> =>
    db
      .selectFrom('chat_conversation')
      .select(columns)
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst(),

  async findMany(db: Rows, userId: string, ids: readonly string[]): Promise<Map<string, Conversation>> {
    if (ids.length === 0) return new Map()
    const rows = await db
      .selectFrom('chat_conversation')
      .select(columns)
      .where('id', 'in', ids)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .execute()
    return new Map(rows.map(row => [row.id, row]))
  },

  /** As `find`, and nobody else changes the row until the transaction ends. */
  lock: (tx: Rows, userId: string, id: string): Promise<Conversation | undefined> =>
    tx
      .selectFrom('chat_conversation')
      .select(columns)
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .forUpdate()
      .executeTakeFirst(),

  /** Pinned first, then the latest. `after` is the sort key of the last row of the page before. */
  list(
    db: Rows,
    userId: string,
    filter: { is_archived: boolean; folder_id: string | undefined },
    limit: number,
    after: ListKey | null,
  ): Promise<Conversation[]> {
    let query = db
      .selectFrom('chat_conversation')
      .select(columns)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .where('is_temporary', '=', false)
      .where('is_archived', '=', filter.is_archived)
      .orderBy('is_pinned', 'desc')
      .orderBy('last_message_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
    if (filter.folder_id) query = query.where('folder_id', '=', filter.folder_id)
    if (after) query = query.where(sql<boolean>`(is_pinned, last_message_at, id) < (${sql.join(after)})`)
    return query.execute()
  },

  insert: (
    tx: Rows,
    row: Pick<
      Selectable<ChatTables['chat_conversation']>,
      'id' | 'user_id' | 'title' | 'bot_id' | 'model' | 'folder_id' | 'is_temporary'
    >,
  ): Promise<Conversation> =>
    tx
      .insertInto('chat_conversation')
      .values({ ...row, search: searchVector(row.user_id, { title: row.title ?? '' }) })
      .returning(columns)
      .executeTakeFirstOrThrow(),

  update: (
    tx: Rows,
    userId: string,
    id: string,
    patch: Partial<
      Pick<
        Conversation,
        | 'title'
        | 'is_archived'
        | 'is_pinned'
        | 'folder_id'
        | 'model'
        | 'current_message_id'
        | 'last_message_at'
      >
    >,
  ): Promise<Conversation | undefined> =>
    tx
      .updateTable('chat_conversation')
      .set({
        ...patch,
        updated_at: sql<string>`now()`,
        ...(patch.title === undefined ? {} : { search: searchVector(userId, { title: patch.title ?? '' }) }),
      })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .returning(columns)
      .executeTakeFirst(),

  /** Gives a title to a conversation that has none yet. */
  nameOnce: (tx: Rows, userId: string, id: string, title: string): Promise<Conversation | undefined> =>
    tx
      .updateTable('chat_conversation')
      .set({ title, search: searchVector(userId, { title }) })
      .where('id', '=', id)
      .where('title', 'is', null)
      .where('deleted_at', 'is', null)
      .returning(columns)
      .executeTakeFirst(),

  async setDeleted(tx: Rows, userId: string, id: string): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('chat_conversation')
      .set({ deleted_at: sql<string>`now()` })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  restore: (tx: Rows, userId: string, id: string): Promise<Conversation | undefined> =>
    tx
      .updateTable('chat_conversation')
      .set({ deleted_at: null })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('deleted_at', 'is not', null)
      .returning(columns)
      .executeTakeFirst(),

  summary: (db: Rows, id: string) =>
    db
      .selectFrom('chat_conversation')
      .select(['summary', 'summary_until_id'])
      .where('id', '=', id)
      .executeTakeFirst(),

  setSummary: (tx: Rows, id: string, summary: string, untilId: string) =>
    tx
      .updateTable('chat_conversation')
      .set({ summary, summary_until_id: untilId })
      .where('id', '=', id)
      .execute(),

  /** Removes up to `limit` conversations for good: deleted before one time, or temporary and silent since another. */
  async purge(db: Rows, deletedBefore: Date, silentSince: Date, limit: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom('chat_conversation')
      .where('id', 'in', inner =>
        inner
          .selectFrom('chat_conversation')
          .select('id')
          .where(({ or, and, eb }) =>
            or([
              eb('deleted_at', '<', deletedBefore.toISOString()),
              and([eb('is_temporary', '=', true), eb('last_message_at', '<', silentSince.toISOString())]),
            ]),
          )
          .limit(limit),
      )
      .executeTakeFirst()
    return Number(numDeletedRows)
  },

  /** Removes up to `limit` of a user's conversations for good. */
  async eraseOf(db: Rows, userId: string, limit: number): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom('chat_conversation')
      .where('id', 'in', inner =>
        inner.selectFrom('chat_conversation').select('id').where('user_id', '=', userId).limit(limit),
      )
      .executeTakeFirst()
    return Number(numDeletedRows)
  },

  async ownsFolder(db: Rows, userId: string, folderId: string): Promise<boolean> {
    const folder = await db
      .selectFrom('chat_folder')
      .select('id')
      .where('id', '=', folderId)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return folder !== undefined
  },
}

/** is_pinned, last_message_at, id. */
export type ListKey = [boolean, string, string]
