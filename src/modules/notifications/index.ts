import { consumer } from '#core/events/events.ts'
import { defineModule } from '#core/module.ts'
import { identityKey, UserDeleted } from '#modules/identity/contract.ts'
import { notificationsSettings } from './config.ts'
import { createDelivery } from './delivery.ts'
import { createCleanUpJob } from './jobs.ts'
import { migration as notifications0001 } from './migrations/0001_notifications.ts'
import { migration as notifications0002 } from './migrations/0002_choices.ts'
import { notificationsRoutes } from './routes.ts'
import { createNotificationsService } from './service.ts'
import { notificationStore } from './store.ts'
import type { NotificationsTables } from './tables.ts'

export default defineModule({
  name: 'notifications',
  settings: notificationsSettings,
  permissions: [],
  migrations: [notifications0001, notifications0002],
  setup({ core, settings, use }) {
    const db = core.db.withTables<NotificationsTables>()
    const publicUrl = core.settings.PUBLIC_URL
    const delivery = createDelivery({ ...core, db, identity: use(identityKey), publicUrl })
    const cleanUp = createCleanUpJob(db, settings.NOTIFICATIONS_RETENTION_DAYS)
    const service = createNotificationsService({ ...core, db })
    return {
      contract: service,
      routes: router => notificationsRoutes(router, service),
      jobs: [cleanUp],
      cron: [{ name: 'notifications.clean_up', schedule: '29 4 * * *', job: cleanUp }],
      consumers: [
        delivery,
        consumer({
          name: 'notifications.forget_user',
          event: UserDeleted,
          handle: ({ payload }, tx) =>
            notificationStore.deleteOfUser(tx.withTables<NotificationsTables>(), payload.user_id),
        }),
      ],
      channels: [
        {
          pattern: 'notifications.user.:user_id',
          authorize: async (actor, { user_id }) => actor.user_id === user_id,
        },
      ],
    }
  },
})
