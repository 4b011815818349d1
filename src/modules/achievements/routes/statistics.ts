import { z } from 'zod'
import { dayIn, defaultTimeZone } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Router } from '#core/http/route.ts'
import { addDays } from '../days.ts'
import { tierNames } from '../rule.ts'
import { statisticStore } from '../statistic-store.ts'
import type { AchievementsTables } from '../tables.ts'

const Statistic = z
  .object({
    day: z.string(),
    achievement_id: z.uuid(),
    tier: z.enum(tierNames),
    unlocked: z.int().describe('On that day.'),
    holders: z.int().describe('At the end of that day.'),
    users: z.int().describe('Who had done anything that counts by then.'),
  })
  .meta({ id: 'AchievementStatistic' })

export function statisticRoutes(router: Router, { db }: { db: Db<AchievementsTables> }): void {
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/statistics',
    access: 'achievements.manage',
    summary: 'Unlocks by day, as counted every night',
    query: z.object({ days: z.int().min(1).max(366).default(30) }),
    response: z.object({ items: z.array(Statistic) }),
    handler: async ({ actor, query }) => {
      const since = addDays(dayIn(defaultTimeZone, Date.now()), -query.days)
      return { items: await db.read(actor.user_id, rows => statisticStore.list(rows, since)) }
    },
  })
}
