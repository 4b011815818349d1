import { type Kysely, type Selectable, sql } from 'kysely'
import type { ChatTables } from './tables.ts'

type Rows = Kysely<ChatTables>

export type BotRow = Selectable<ChatTables['chat_bot']>

/** What its owner may set. */
export type BotInput = Omit<BotRow, 'id' | 'owner_id' | 'created_at' | 'updated_at'>

const stored = (input: BotInput) => ({
  ...input,
  example_questions: JSON.stringify(input.example_questions),
})

/** The queries of bots. */
export const botStore = {
  /** Whoever owns it: the caller asks whether the user may see it. */
  find: (db: Rows, id: string): Promise<BotRow | undefined> =>
    db.selectFrom('chat_bot').selectAll().where('id', '=', id).executeTakeFirst(),

  /** A bot of the user's own, or one that is for everybody. */
  findVisible: (db: Rows, userId: string, id: string): Promise<BotRow | undefined> =>
    db
      .selectFrom('chat_bot')
      .selectAll()
      .where('id', '=', id)
      .where(({ or, eb }) => or([eb('owner_id', '=', userId), eb('is_public', '=', true)]))
      .executeTakeFirst(),

  /** Own ones first, then the newest. `after` is the sort key of the last row of the page before. */
  list(db: Rows, userId: string, limit: number, after: BotKey | null): Promise<BotRow[]> {
    const query = db
      .selectFrom('chat_bot')
      .selectAll()
      .where(({ or, eb }) => or([eb('owner_id', '=', userId), eb('is_public', '=', true)]))
      .orderBy(sql`owner_id = ${userId}`, 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
    return (
      after ? query.where(sql<boolean>`(owner_id = ${userId}, id) < (${after[0]}, ${after[1]}::uuid)`) : query
    ).execute()
  },

  async count(db: Rows, userId: string): Promise<number> {
    const { count } = await db
      .selectFrom('chat_bot')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('owner_id', '=', userId)
      .executeTakeFirstOrThrow()
    return count
  },

  insert: (db: Rows, row: BotInput & { id: string; owner_id: string }): Promise<BotRow> =>
    db
      .insertInto('chat_bot')
      .values({ ...stored(row), id: row.id, owner_id: row.owner_id })
      .returningAll()
      .executeTakeFirstOrThrow(),

  /** Only the owner's. */
  update: (db: Rows, userId: string, id: string, input: BotInput): Promise<BotRow | undefined> =>
    db
      .updateTable('chat_bot')
      .set({ ...stored(input), updated_at: sql<string>`now()` })
      .where('id', '=', id)
      .where('owner_id', '=', userId)
      .returningAll()
      .executeTakeFirst(),

  /** Conversations with it stay, without a bot. */
  async remove(db: Rows, userId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('chat_bot')
      .where('id', '=', id)
      .where('owner_id', '=', userId)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
}

/** Whether it is the user's own, id. */
export type BotKey = [boolean, string]
