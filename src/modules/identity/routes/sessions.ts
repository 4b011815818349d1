import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'
import { Id } from './door.ts'

const Session = z
  .object({
    id: z.uuid(),
    ip: z.string(),
    user_agent: z.string(),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime(),
    is_current: z.boolean(),
  })
  .meta({ id: 'Session' })

export function sessionRoutes(router: Router, { sessions }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/auth/sessions',
    access: 'signed_in',
    summary: 'Where one is signed in, last used first',
    response: z.object({ items: z.array(Session) }),
    handler: ({ actor }) => sessions.list(actor),
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/auth/sessions/:id',
    access: 'signed_in',
    summary: 'End one of one’s own sessions',
    params: Id,
    handler: ({ actor, params }) => sessions.revoke(actor, params.id),
  })
}
