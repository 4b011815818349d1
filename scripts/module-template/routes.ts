import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Item } from './contract.ts'
import type { SampleService } from './service.ts'

export function sampleRoutes(router: Router, service: SampleService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/sample/items',
    access: 'sample.use',
    summary: 'Own items, newest first',
    query: PageQuery,
    response: pageOf(Item),
    handler: ({ actor, query }) => service.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/sample/items',
    access: 'sample.use',
    summary: 'Make an item',
    idempotent: true,
    body: z.object({ title: z.string().min(1) }),
    response: Item,
    status: 201,
    handler: ({ actor, body }) => service.create(actor, body),
  })
}
