import { type Kysely, type Selectable, sql } from 'kysely'
import type { NotificationsTables } from './tables.ts'

type Rows = Kysely<NotificationsTables>
export type NotificationRow = Selectable<NotificationsTables['notifications_notification']>
export type NewNotification = {
  id: string
  user_id: string
  /** JSON, as are the texts. */
  data: string
  texts: string
  path: string | null
  key: string | null
}

/** More unread ones than this are not counted: nobody reads “1,432”. */
const mostCounted = 100

export const notificationStore = {
  /** Returns the ids of those that are new: their user has none with the same key. */
  async insert(
    db: Rows,
    { kind, is_emailed }: { kind: string; is_emailed: boolean },
    rows: readonly NewNotification[],
  ): Promise<string[]> {
    const inserted = await sql<{ id: string }>`
      INSERT INTO notifications_notification (id, user_id, kind, data, texts, path, key, is_emailed)
      SELECT id, user_id, ${kind}, data, texts, path, key, ${is_emailed}
      FROM unnest(${rows.map(row => row.id)}::uuid[], ${rows.map(row => row.user_id)}::uuid[],
        ${rows.map(row => row.data)}::jsonb[], ${rows.map(row => row.texts)}::jsonb[],
        ${rows.map(row => row.path)}::text[], ${rows.map(row => row.key)}::text[])
        AS new (id, user_id, data, texts, path, key)
      ON CONFLICT DO NOTHING RETURNING id`.execute(db)
    return inserted.rows.map(row => row.id)
  },

  find: (db: Rows, ids: readonly string[]): Promise<NotificationRow[]> =>
    db
      .selectFrom('notifications_notification')
      .selectAll()
      .where(sql<boolean>`id = ANY (${ids}::uuid[])`)
      .orderBy('id')
      .execute(),

  /** Newest first; ids are ordered by time. */
  list: (
    db: Rows,
    {
      user_id,
      is_unread,
      before,
      limit,
    }: { user_id: string; is_unread: boolean; before?: string; limit: number },
  ): Promise<NotificationRow[]> =>
    db
      .selectFrom('notifications_notification')
      .selectAll()
      .where('user_id', '=', user_id)
      .$if(is_unread, query => query.where('read_at', 'is', null))
      .$if(before !== undefined, query => query.where('id', '<', before ?? ''))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),

  async unreadCounts(db: Rows, userIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await sql<{ user_id: string; count: number }>`
      SELECT user_id, (
        SELECT count(*) FROM (
          SELECT FROM notifications_notification
          WHERE notifications_notification.user_id = reader.user_id AND read_at IS NULL LIMIT ${mostCounted}
        ) AS unread) AS count
      FROM unnest(${userIds}::uuid[]) AS reader (user_id)`.execute(db)
    return new Map(rows.map(row => [row.user_id, row.count]))
  },

  /** False when the user has no such notification. Reading again changes nothing. */
  async markRead(db: Rows, userId: string, id: string): Promise<boolean> {
    const result = await db
      .updateTable('notifications_notification')
      .set({ read_at: sql<string>`coalesce(read_at, now())` })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return result.numUpdatedRows === 1n
  },

  async markAllRead(db: Rows, userId: string): Promise<void> {
    await db
      .updateTable('notifications_notification')
      .set({ read_at: sql<string>`now()` })
      .where('user_id', '=', userId)
      .where('read_at', 'is', null)
      .execute()
  },

  /** True for the first who is to send the e-mail. */
  async takeEmail(tx: Rows, id: string): Promise<boolean> {
    const result = await tx
      .updateTable('notifications_notification')
      .set({ emailed_at: sql<string>`now()` })
      .where('id', '=', id)
      .where('emailed_at', 'is', null)
      .executeTakeFirst()
    return result.numUpdatedRows === 1n
  },

  /** Deletes up to `limit` rows that are older than so many days. Returns how many went. */
  async deleteOld(db: Rows, days: number, limit: number): Promise<number> {
    const old = db
      .selectFrom('notifications_notification')
      .select('id')
      .where('created_at', '<', sql<string>`now() - make_interval(days => ${days}::int)`)
      .limit(limit)
    const result = await db.deleteFrom('notifications_notification').where('id', 'in', old).executeTakeFirst()
    return Number(result.numDeletedRows)
  },

  /** Whether a user wants e-mails; who has not chosen does. */
  async wantsEmail(db: Rows, userId: string): Promise<boolean> {
    const row = await db
      .selectFrom('notifications_choice')
      .select('by_email')
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row?.by_email ?? true
  },

  async chooseEmail(db: Rows, userId: string, by_email: boolean): Promise<void> {
    await db
      .insertInto('notifications_choice')
      .values({ user_id: userId, by_email })
      .onConflict(conflict => conflict.column('user_id').doUpdateSet({ by_email }))
      .execute()
  },

  async deleteOfUser(db: Rows, userId: string): Promise<void> {
    await db.deleteFrom('notifications_notification').where('user_id', '=', userId).execute()
    await db.deleteFrom('notifications_choice').where('user_id', '=', userId).execute()
  },
}
