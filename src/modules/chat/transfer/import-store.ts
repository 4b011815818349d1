import type { Kysely } from 'kysely'
import { searchVector } from '#core/db/search.ts'
import { isId } from '#core/ids.ts'
import type { ChatTables } from '../tables.ts'
import { type FileConversation, type FileMessage, ownSource } from './format.ts'

type Rows = Kysely<ChatTables>

/** Rows per INSERT: PostgreSQL takes 65535 values at once. */
const batch = 500

export type NewMessage = Omit<FileMessage, 'attachments'> & { conversation_id: string }

export const importStore = {
  /** Whether the user has a conversation already: one that was imported from there, or the original itself. */
  async isHere(db: Rows, userId: string, sourceId: string): Promise<boolean> {
    const original = sourceId.startsWith(ownSource) ? sourceId.slice(ownSource.length) : ''
    const row = await db
      .selectFrom('chat_conversation')
      .select('id')
      .where('user_id', '=', userId)
      .where('deleted_at', 'is', null)
      .where(({ or, eb }) =>
        or([eb('source_id', '=', sourceId), ...(isId(original) ? [eb('id', '=', original)] : [])]),
      )
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  },

  /** False when another import was faster. One that was deleted since does not stand in the way. */
  async insertConversation(
    tx: Rows,
    userId: string,
    row: Omit<FileConversation, 'messages' | 'folder'> & { id: string; folder_id: string | null },
  ): Promise<boolean> {
    await tx
      .updateTable('chat_conversation')
      .set({ source_id: null })
      .where('user_id', '=', userId)
      .where('source_id', '=', row.source_id)
      .where('deleted_at', 'is not', null)
      .execute()
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('chat_conversation')
      .values({ ...row, user_id: userId, search: searchVector(userId, { title: row.title ?? '' }) })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  },

  /** Parents before their children. They can be searched like any other. */
  async insertMessages(tx: Rows, userId: string, rows: readonly NewMessage[]): Promise<void> {
    for (let at = 0; at < rows.length; at += batch) {
      const values = rows
        .slice(at, at + batch)
        .map(row => ({ ...row, search: searchVector(userId, { body: row.content }) }))
      await tx.insertInto('chat_message').values(values).execute()
    }
  },

  async attach(
    tx: Rows,
    links: readonly { message_id: string; attachment_id: string; position: number }[],
  ): Promise<void> {
    for (let at = 0; at < links.length; at += batch)
      await tx
        .insertInto('chat_message_attachment')
        .values(links.slice(at, at + batch))
        .execute()
  },

  /** A bot of the user's with the same name and prompt. */
  async findBot(db: Rows, userId: string, name: string, prompt: string): Promise<string | null> {
    const row = await db
      .selectFrom('chat_bot')
      .select('id')
      .where('owner_id', '=', userId)
      .where('name', '=', name)
      .where('system_prompt', '=', prompt)
      .executeTakeFirst()
    return row?.id ?? null
  },
}
