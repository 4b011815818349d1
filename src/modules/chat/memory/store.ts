import { type Kysely, sql } from 'kysely'
import { searchQuery, searchVector } from '#core/db/search.ts'
import type { Memory } from '../contract.ts'
import type { ChatTables } from '../tables.ts'

type Rows = Kysely<ChatTables>

/** What a prompt needs of a fact. */
export type Fact = { id: string; content: string }

const columns = [
  'm.id',
  'm.bot_id',
  'm.conversation_id',
  'm.message_id',
  'm.content',
  'm.superseded_by',
  'm.superseded_at',
  'm.created_at',
] as const

/** Of conversations that are kept: what came from a deleted one waits with it to be restored or removed. */
const kept = (db: Rows, userId: string) =>
  db
    .selectFrom('chat_memory as m')
    .innerJoin('chat_conversation as c', 'c.id', 'm.conversation_id')
    .where('m.user_id', '=', userId)
    .where('c.deleted_at', 'is', null)

/** The queries of memories. Every one names the user: others' rows do not exist for it. */
export const memoryStore = {
  async isEnabled(db: Rows, userId: string): Promise<boolean> {
    const row = await db
      .selectFrom('chat_memory_setting')
      .select('is_enabled')
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row?.is_enabled ?? true
  },

  async setEnabled(db: Rows, userId: string, is_enabled: boolean) {
    await db
      .insertInto('chat_memory_setting')
      .values({ user_id: userId, is_enabled })
      .onConflict(conflict => conflict.column('user_id').doUpdateSet({ is_enabled, updated_at: sql`now()` }))
      .execute()
  },

  /** The facts that hold, the newest first. */
  current: (db: Rows, userId: string, botId: string | null, limit: number): Promise<Fact[]> =>
    kept(db, userId)
      .select(['m.id', 'm.content'])
      .where('m.bot_id', 'is not distinct from', botId)
      .where('m.superseded_at', 'is', null)
      .orderBy('m.id', 'desc')
      .limit(limit)
      .execute(),

  /** The newest first. Null for a bot means: those of talks without one. */
  list(
    db: Rows,
    userId: string,
    filter: { bot_id?: string | null; q?: string; is_current?: boolean },
    limit: number,
    after: string | null,
  ): Promise<Memory[]> {
    let query = kept(db, userId).select(columns).orderBy('m.id', 'desc').limit(limit)
    if (filter.bot_id !== undefined) query = query.where('m.bot_id', 'is not distinct from', filter.bot_id)
    if (filter.is_current) query = query.where('m.superseded_at', 'is', null)
    if (after) query = query.where('m.id', '<', after)
    if (filter.q !== undefined) {
      const wanted = searchQuery(userId, filter.q)
      query = query.where(wanted ? sql<boolean>`m.search @@ ${wanted.tsquery}` : sql<boolean>`false`)
    }
    return query.execute()
  },

  async insert(
    tx: Rows,
    row: Pick<Memory, 'id' | 'bot_id' | 'conversation_id' | 'message_id' | 'content'> & { user_id: string },
  ) {
    await tx
      .insertInto('chat_memory')
      .values({ ...row, search: searchVector(row.user_id, { body: row.content }) })
      .execute()
  },

  async supersede(tx: Rows, userId: string, ids: readonly string[], by: string) {
    if (ids.length === 0) return
    await tx
      .updateTable('chat_memory')
      .set({ superseded_by: by, superseded_at: sql<string>`now()` })
      .where('user_id', '=', userId)
      .where('id', '=', sql<string>`ANY(${[...ids]}::uuid[])`)
      .execute()
  },

  /** A fact, and with it what it took the place of. Returns false where there is none. */
  async remove(db: Rows, userId: string, id: string): Promise<boolean> {
    const { rows } = await sql<{ id: string }>`
      WITH RECURSIVE doomed (id) AS (
        SELECT id FROM chat_memory WHERE id = ${id} AND user_id = ${userId}
        UNION
        SELECT m.id FROM chat_memory m JOIN doomed ON m.superseded_by = doomed.id
      )
      DELETE FROM chat_memory WHERE id IN (SELECT id FROM doomed) RETURNING id`.execute(db)
    return rows.length > 0
  },

  /** Up to `limit` of a user's facts, of one bot or of all. Returns how many. */
  async removeAll(
    db: Rows,
    userId: string,
    botId: string | null | undefined,
    limit: number,
  ): Promise<number> {
    const { numDeletedRows } = await db
      .deleteFrom('chat_memory')
      .where('id', 'in', inner => {
        const mine = inner.selectFrom('chat_memory').select('id').where('user_id', '=', userId)
        return (botId === undefined ? mine : mine.where('bot_id', 'is not distinct from', botId)).limit(limit)
      })
      .executeTakeFirst()
    return Number(numDeletedRows)
  },

  /** Lets the oldest go beyond `limit`, history first. */
  async trim(tx: Rows, userId: string, botId: string | null, limit: number) {
    await sql`
      DELETE FROM chat_memory WHERE id IN (
        SELECT id FROM chat_memory
        WHERE user_id = ${userId} AND bot_id IS NOT DISTINCT FROM ${botId}::uuid
        ORDER BY superseded_at IS NOT NULL, id DESC OFFSET ${limit}
      )`.execute(tx)
  },

  /** Extractions of one user and bot follow one another. Held to the end of the transaction. */
  async lock(tx: Rows, userId: string, botId: string | null) {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`chat.memory ${userId} ${botId}`}, 0))`.execute(
      tx,
    )
  },

  /** Up to which message a conversation has been gone through. */
  async until(db: Rows, conversationId: string): Promise<string | null> {
    const row = await db
      .selectFrom('chat_conversation')
      .select('memory_until_id')
      .where('id', '=', conversationId)
      .executeTakeFirst()
    return row?.memory_until_id ?? null
  },

  async setUntil(tx: Rows, conversationId: string, messageId: string) {
    await tx
      .updateTable('chat_conversation')
      .set({ memory_until_id: messageId })
      .where('id', '=', conversationId)
      .execute()
  },
}
