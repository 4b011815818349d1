import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'
import { Id } from './door.ts'

const ApiToken = z
  .object({
    id: z.uuid(),
    name: z.string(),
    scopes: z.array(z.string()),
    last_four: z.string(),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().nullable(),
    expires_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ApiToken' })

export function apiTokenRoutes(router: Router, { apiTokens }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/auth/tokens',
    access: 'signed_in',
    summary: 'One’s own API tokens, newest first',
    response: z.object({ items: z.array(ApiToken) }),
    handler: ({ actor }) => apiTokens.list(actor),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/tokens',
    access: 'signed_in',
    summary: 'Make an API token. Scopes are permissions, or `all`, `read`, `chat`. It is shown this once.',
    body: z.object({
      name: z.string().max(100).regex(/\S/),
      scopes: z.array(z.string().min(1).max(100)).min(1).max(100),
      expires_at: z.iso.datetime().nullable().optional().describe('Default: until it is revoked.'),
    }),
    response: ApiToken.extend({ token: z.string() }),
    status: 201,
    handler: ({ actor, body }) => apiTokens.create(actor, body),
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/auth/tokens/:id',
    access: 'signed_in',
    summary: 'Revoke an API token',
    params: Id,
    handler: ({ actor, params }) => apiTokens.revoke(actor, params.id),
  })
}
