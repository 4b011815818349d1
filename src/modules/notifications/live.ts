import type { Locale } from '#core/errors.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Notification } from './contract.ts'
import type { NotificationRow } from './store.ts'

/** On channel `notifications.user.{user_id}`. */
type LiveMessage =
  | { type: 'notification.created'; notification: Notification; unread_count: number }
  /** One was read, or all (`id` null), here or on another device. */
  | { type: 'notification.read'; id: string | null; unread_count: number }

export const sendLive = (realtime: Pick<Realtime, 'publish'>, userId: string, message: LiveMessage) =>
  realtime.publish(`notifications.user.${userId}`, message)

/** A notification as its reader sees it. */
export const view = (row: NotificationRow, locale: Locale): Notification => ({
  id: row.id,
  kind: row.kind,
  ...row.texts[locale],
  path: row.path,
  data: row.data,
  read_at: row.read_at,
  created_at: row.created_at,
})
