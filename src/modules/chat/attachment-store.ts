import { type Kysely, sql } from 'kysely'
import type { Attachment } from './contract.ts'
import type { PathAttachment } from './message-store.ts'
import type { ChatTables } from './tables.ts'

type Rows = Kysely<ChatTables>

const columns = ['id', 'name', 'media_type', 'size', 'kind'] as const

/** The queries of uploaded files. */
export const attachmentStore = {
  find: (db: Rows, userId: string, id: string): Promise<(Attachment & { storage_key: string }) | undefined> =>
    db
      .selectFrom('chat_attachment')
      .select([...columns, 'storage_key'])
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .executeTakeFirst(),

  /**
   * Stores the row if the user's files stay within `max_total` bytes with it. Uploads of one user wait for each other
   * here, so that several at once do not pass the limit together.
   */
  async insertWithin(
    tx: Rows,
    row: PathAttachment & { user_id: string },
    max_total: number,
  ): Promise<boolean> {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`chat_attachment ${row.user_id}`}, 0))`.execute(
      tx,
    )
    const { total } = await tx
      .selectFrom('chat_attachment')
      .select(({ fn }) => fn.coalesce(fn.sum<number>('size'), sql<number>`0`).as('total'))
      .where('user_id', '=', row.user_id)
      .executeTakeFirstOrThrow()
    if (total + row.size > max_total) return false
    await tx.insertInto('chat_attachment').values(row).execute()
    return true
  },

  remove: (db: Rows, id: string) => db.deleteFrom('chat_attachment').where('id', '=', id).execute(),

  /** Removes up to `limit` files that were uploaded before a time and that no message has. Returns their keys. */
  async removeUnused(tx: Rows, before: Date, limit: number): Promise<string[]> {
    const { rows } = await sql<{ storage_key: string }>`
      DELETE FROM chat_attachment WHERE id IN (
        SELECT a.id FROM chat_attachment a
        WHERE a.created_at < ${before.toISOString()}
          AND NOT EXISTS (SELECT FROM chat_message_attachment link WHERE link.attachment_id = a.id)
        LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ) RETURNING storage_key`.execute(tx)
    return rows.map(row => row.storage_key)
  },

  /** Removes up to `limit` files of a user, used or not. Returns their keys. */
  async removeOf(tx: Rows, userId: string, limit: number): Promise<string[]> {
    const { rows } = await sql<{ storage_key: string }>`
      DELETE FROM chat_attachment WHERE id IN (
        SELECT id FROM chat_attachment WHERE user_id = ${userId} LIMIT ${limit} FOR UPDATE
      ) RETURNING storage_key`.execute(tx)
    return rows.map(row => row.storage_key)
  },
}
