import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import { defineError, type Locale } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Choices, Notification, NotificationData, Notifications } from './contract.ts'
import { NotificationCreated } from './delivery.ts'
import { sendLive, view } from './live.ts'
import { notificationStore as store } from './store.ts'
import type { NotificationsTables, Texts } from './tables.ts'

export const notificationNotFound = defineError({
  code: 'notification.not_found',
  status: 404,
  en: 'There is no such notification.',
  'zh-CN': '没有这条通知。',
})

export type NotificationsService = Notifications & {
  list(
    actor: Actor,
    query: { unread: boolean; limit: number; cursor?: string },
    locale: Locale,
  ): Promise<Page<Notification>>
  countUnread(actor: Actor): Promise<number>
  /** @throws AppError `notification.not_found` */
  markRead(actor: Actor, id: string): Promise<number>
  markAllRead(actor: Actor): Promise<number>
  choices(actor: Actor): Promise<Choices>
  choose(actor: Actor, choices: Choices): Promise<Choices>
}

export function createNotificationsService({
  db,
  events,
  realtime,
}: Pick<Core, 'events' | 'realtime'> & { db: Db<NotificationsTables> }): NotificationsService {
  const rows = db.primary

  const countUnread = async (userId: string) => (await store.unreadCounts(rows, [userId])).get(userId) ?? 0

  const afterReading = async (userId: string, id: string | null) => {
    const unread_count = await countUnread(userId)
    await sendLive(realtime, userId, { type: 'notification.read', id, unread_count })
    return unread_count
  }

  const notifyAll: Notifications['notifyAll'] = async (tx, kind, notices) => {
    const fresh = await store.insert(
      tx as Kysely<NotificationsTables>,
      { kind: kind.name, is_emailed: kind.is_emailed },
      notices.map(({ user_id, data, key }) => ({
        id: newId(),
        user_id,
        data: JSON.stringify(data),
        texts: JSON.stringify(fillTexts(kind.texts, data)),
        path: kind.path === undefined ? null : fill(kind.path, data, encodeURIComponent),
        key: key ?? null,
      })),
    )
    // Only after the commit may others hear of them.
    const created = fresh.map(notification_id => ({ notification_id }))
    await events.publishAll(tx, NotificationCreated, created)
  }

  return {
    async notify(user_id, kind, data, { tx, key } = {}) {
      const notice = { user_id, data, ...(key === undefined ? {} : { key }) }
      await (tx ? notifyAll(tx, kind, [notice]) : db.transaction(own => notifyAll(own, kind, [notice])))
    },
    notifyAll,

    async list(actor, { unread, limit, cursor }, locale) {
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? []
      const found = await store.list(rows, {
        user_id: actor.user_id,
        is_unread: unread,
        before,
        limit: limit + 1,
      })
      const page = pageFrom(found, limit, row => [row.id])
      return { ...page, items: page.items.map(row => view(row, locale)) }
    },
    countUnread: actor => countUnread(actor.user_id),
    async markRead(actor, id) {
      if (!(await store.markRead(rows, actor.user_id, id))) throw notificationNotFound()
      return afterReading(actor.user_id, id)
    },
    async markAllRead(actor) {
      await store.markAllRead(rows, actor.user_id)
      return afterReading(actor.user_id, null)
    },
    choices: async actor => ({ by_email: await store.wantsEmail(rows, actor.user_id) }),
    async choose(actor, choices) {
      await store.chooseEmail(rows, actor.user_id, choices.by_email)
      return choices
    },
  }
}

const fill = (text: string, data: NotificationData, encode: (value: string) => string = value => value) =>
  text.replace(/\{(\w+)\}/g, (whole, key: string) => (key in data ? encode(String(data[key])) : whole))

const fillTexts = (texts: Texts, data: NotificationData): Texts => ({
  'zh-CN': { title: fill(texts['zh-CN'].title, data), body: fill(texts['zh-CN'].body, data) },
  en: { title: fill(texts.en.title, data), body: fill(texts.en.body, data) },
})
