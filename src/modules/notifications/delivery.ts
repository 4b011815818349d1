import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { batchConsumer, type ConsumerDefinition, defineEvent } from '#core/events/events.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { sendLive, view } from './live.ts'
import { type NotificationRow, notificationStore as store } from './store.ts'
import type { NotificationsTables } from './tables.ts'

export const NotificationCreated = defineEvent(
  'notifications.notification.created',
  z.object({ notification_id: z.uuid() }),
)

/** Tells the user's open apps, and the mail server if kind and user ask for it. */
export function createDelivery({
  db,
  realtime,
  mail,
  identity,
  log,
  publicUrl,
}: Pick<Core, 'realtime' | 'mail' | 'log'> & {
  db: Db<NotificationsTables>
  identity: Pick<Identity, 'usersByIds'>
  /** Address of this server for links in e-mails, or ''. */
  publicUrl: string
}): ConsumerDefinition {
  async function sendEmail(
    tx: Transaction<NotificationsTables>,
    row: NotificationRow,
    to: string,
    locale: Locale,
  ) {
    const { title, body } = row.texts[locale]
    const link = row.path && publicUrl ? `\n\n${new URL(row.path, publicUrl).href}` : ''
    if (await store.takeEmail(tx, row.id))
      await mail.send(tx, { to, subject: title, text: `${body}${link}\n` })
  }

  function tell({ id, locale }: { id: string; locale: Locale }, row: NotificationRow, unread_count: number) {
    sendLive(realtime, id, {
      type: 'notification.created',
      notification: view(row, locale),
      unread_count,
    }).catch((error: unknown) => log.debug({ error }, 'a notification was not sent live'))
  }

  return batchConsumer({
    name: 'notifications.deliver',
    event: NotificationCreated,
    async handle(occurrences, untyped) {
      const tx = untyped as Transaction<NotificationsTables>
      const ids = occurrences.map(({ payload }) => payload.notification_id)
      const rows = await store.find(tx, ids)
      const userIds = [...new Set(rows.map(row => row.user_id))]
      const users = await identity.usersByIds(userIds)
      for (const row of rows.filter(row => row.is_emailed)) {
        const user = users.get(row.user_id)
        if (user && user.email !== null && (await store.wantsEmail(tx, user.id)))
          await sendEmail(tx, row, user.email, user.locale)
      }
      const unread = await store.unreadCounts(tx, userIds)
      db.afterCommit(untyped, () => {
        for (const row of rows) {
          const user = users.get(row.user_id)
          if (user) tell(user, row, unread.get(user.id) ?? 0)
        }
      })
    },
  })
}
