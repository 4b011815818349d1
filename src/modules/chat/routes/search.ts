import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { type Search, SearchHit } from '../search.ts'

export function searchRoutes(router: Router, search: Search) {
  router.route({
    method: 'GET',
    path: '/api/v1/chat/search',
    access: 'chat.use',
    summary: 'Search own titles and messages, best first',
    query: PageQuery.extend({ q: z.string().min(1).max(200) }),
    response: pageOf(SearchHit),
    handler: ({ actor, query }) => search.find(actor, query),
  })
}
