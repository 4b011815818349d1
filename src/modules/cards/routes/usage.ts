import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { usageActions } from '../redemption-tables.ts'
import { CardUse, type Usage, UsageChainView, UsageVerification } from '../usage.ts'

const access = 'cards.usage.read'

export function usageRoutes(router: Router, usage: Usage): void {
  router.route({
    method: 'GET',
    path: '/api/v1/cards/usage',
    access,
    summary: 'What has happened to cards, newest first',
    query: PageQuery.extend({
      batch_id: z.uuid().optional(),
      user_id: z.uuid().optional(),
      action: z.enum(usageActions).optional(),
    }),
    response: pageOf(CardUse),
    handler: ({ actor, query }) => usage.list(actor, query),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/usage-chains',
    access,
    summary: 'Where the sealed log of each batch ends now',
    query: PageQuery,
    response: pageOf(UsageChainView),
    handler: ({ query }) => usage.chains(query),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/usage-chains/:id/verification',
    access,
    summary: 'Look for rows of the log that were changed, added or removed, 50,000 a call',
    params: z.object({ id: z.uuid() }),
    query: z.object({ from_seq: z.int().min(1).default(1) }),
    response: UsageVerification,
    handler: ({ params, query }) => usage.verify(params.id, query.from_seq),
  })
}
