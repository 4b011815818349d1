import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { sendLive, view } from './live.ts'
import { type NotificationRow, notificationStore as store } from './store.ts'
import type { NotificationsTables } from './tables.ts'

export type DeliveryJob = JobDefinition<{ notification_id: string }>

/** Tells the user's open apps, and the mail server if kind and user ask for it. May run twice; the mail is sent once. */
export function createDeliveryJob({
  db,
  realtime,
  mail,
  identity,
  publicUrl,
}: Pick<Core, 'realtime' | 'mail'> & {
  db: Db<NotificationsTables>
  identity: Pick<Identity, 'usersByIds'>
  /** Address of this server for links in e-mails, or ''. */
  publicUrl: string
}): DeliveryJob {
  async function sendEmail(row: NotificationRow, to: string, locale: Locale) {
    const { title, body } = row.texts[locale]
    const link = row.path && publicUrl ? `\n\n${new URL(row.path, publicUrl).href}` : ''
    await db.transaction(async tx => {
      if (await store.takeEmail(tx, row.id)) {
        await mail.send(tx, { to, subject: title, text: `${body}${link}\n` })
      }
    })
  }

  return defineJob({
    name: 'notifications.deliver',
    schema: z.object({ notification_id: z.uuid() }),
    timeout_ms: 60_000,
    async run({ notification_id }) {
      const row = await store.find(db.primary, notification_id)
      const user = row && (await identity.usersByIds([row.user_id])).get(row.user_id)
      if (!user) return
      if (row.is_emailed && user.email !== null && (await store.wantsEmail(db.primary, user.id)))
        await sendEmail(row, user.email, user.locale)
      const unread_count = await store.countUnread(db.primary, user.id)
      const notification = view(row, user.locale)
      await sendLive(realtime, user.id, { type: 'notification.created', notification, unread_count })
    },
  })
}

const deleteBatch = 1000

export const createCleanUpJob = (db: Db<NotificationsTables>, retentionDays: number) =>
  defineJob({
    name: 'notifications.clean_up',
    schema: z.object({}),
    async run(_, { signal }) {
      while (!signal.aborted && (await store.deleteOld(db.primary, retentionDays, deleteBatch)) > 0);
    },
  })
