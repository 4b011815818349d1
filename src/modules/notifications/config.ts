import { integer } from '#core/config.ts'

export const notificationsSettings = {
  NOTIFICATIONS_RETENTION_DAYS: integer('Days that notifications are kept, read or not.', 90, { min: 1 }),
}
