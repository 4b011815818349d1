import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { PointsEntry, Progress, Standing } from '../contract.ts'
import { BoardEntry, type Leaderboard } from '../leaderboard.ts'
import type { Points } from '../points.ts'
import type { ProgressService } from '../progress.ts'

/** What everybody sees: the own progress, and the leaderboard. */
export function playerRoutes(
  router: Router,
  { progress, points, leaderboard }: { progress: ProgressService; points: Points; leaderboard: Leaderboard },
): void {
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/progress',
    access: 'achievements.use',
    summary: 'How far one is with every achievement',
    response: z.object({
      points: z.int(),
      unlocked: z.int().describe('Achievements of which at least one tier is unlocked.'),
      items: z.array(Progress),
    }),
    handler: ({ actor, locale }) => progress(actor, locale),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/points',
    access: 'achievements.use',
    summary: 'Where one’s points come from, newest first',
    query: PageQuery,
    response: pageOf(PointsEntry),
    handler: ({ actor, query, locale }) => points(actor, query, locale),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/leaderboard',
    access: 'achievements.use',
    summary: 'Those who want to be seen, most points first',
    query: PageQuery,
    response: pageOf(BoardEntry).extend({ own: Standing }),
    handler: ({ actor, query }) => leaderboard.list(actor, query),
  })
  router.route({
    method: 'PUT',
    path: '/api/v1/achievements/leaderboard/listing',
    access: 'achievements.use',
    summary: 'Be seen on the leaderboard, or not',
    body: z.object({ is_listed: z.boolean() }),
    response: Standing,
    handler: ({ actor, body }) => leaderboard.setListed(actor, body.is_listed),
  })
}
