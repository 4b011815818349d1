import type { Generated, JSONColumnType } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { NotificationData } from './contract.ts'

export type Texts = Record<Locale, { title: string; body: string }>

export type NotificationsTables = {
  notifications_notification: {
    id: string
    user_id: string
    kind: string
    data: JSONColumnType<NotificationData>
    /** The finished texts in all languages, so that old notifications outlive changes of their kind. */
    texts: JSONColumnType<Texts>
    path: string | null
    key: string | null
    is_emailed: boolean
    emailed_at: string | null
    read_at: string | null
    created_at: Generated<string>
  }
  notifications_choice: { user_id: string; by_email: boolean }
}
