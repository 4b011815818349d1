import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { Preview, PreviewInput, type Previews } from '../previews.ts'

export function previewRoutes(router: Router, previews: Previews): void {
  router.route({
    method: 'POST',
    path: '/api/v1/achievements/previews',
    access: 'achievements.manage',
    summary: 'Try a rule on the history so far',
    idempotent: true,
    body: PreviewInput,
    response: Preview,
    status: 201,
    handler: ({ actor, body }) => previews.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/previews/:id',
    access: 'achievements.manage',
    summary: 'What a rule would have come to, as far as is known',
    params: z.object({ id: z.uuid() }),
    response: Preview,
    handler: ({ params }) => previews.get(params.id),
  })
}
