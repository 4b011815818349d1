import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { notificationStore as store } from './store.ts'
import type { NotificationsTables } from './tables.ts'

const deleteBatch = 1000

export const createCleanUpJob = (db: Db<NotificationsTables>, retentionDays: number) =>
  defineJob({
    name: 'notifications.clean_up',
    schema: z.object({}),
    async run(_, { signal }) {
      while (!signal.aborted && (await store.deleteOld(db.primary, retentionDays, deleteBatch)) > 0);
    },
  })
