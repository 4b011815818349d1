import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { type ConsumerDefinition, consumer, defineEvent } from '#core/events/events.ts'
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

  return consumer({
    name: 'notifications.deliver',
    event: NotificationCreated,
    async handle({ payload }, untyped) {
      const tx = untyped as Transaction<NotificationsTables>
      const row = await store.find(tx, payload.notification_id)
      const user = row && (await identity.usersByIds([row.user_id])).get(row.user_id)
      if (!user) return
      if (row.is_emailed && user.email !== null && (await store.wantsEmail(tx, user.id)))
        await sendEmail(tx, row, user.email, user.locale)
      const unread_count = await store.countUnread(tx, user.id)
      const notification = view(row, user.locale)
      db.afterCommit(untyped, () =>
        sendLive(realtime, user.id, { type: 'notification.created', notification, unread_count }).catch(
          (error: unknown) => log.debug({ error }, 'a notification was not sent live'),
        ),
      )
    },
  })
}
