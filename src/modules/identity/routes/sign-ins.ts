import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'

const SignIn = z
  .object({
    id: z.uuid(),
    user_id: z.uuid().nullable().describe('Null for a name that nobody has.'),
    method: z.enum(['password', 'link']),
    succeeded: z.boolean(),
    ip: z.string(),
    user_agent: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'SignIn' })

export function signInRoutes(router: Router, { signInLog }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/auth/sign-ins',
    access: 'signed_in',
    summary: 'Attempts to sign in to one’s own account, newest first',
    query: PageQuery,
    response: pageOf(SignIn),
    handler: ({ actor, query }) => signInLog.ofUser(actor.user_id, query.limit, query.cursor),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/identity/sign-ins',
    access: 'identity.sign_ins.read',
    summary: 'Everybody’s attempts to sign in, newest first.',
    query: PageQuery.extend({ user_id: z.uuid().optional() }),
    response: pageOf(SignIn.extend({ username: z.string().nullable() })),
    handler: ({ query }) => signInLog.ofAll(query.user_id, query.limit, query.cursor),
  })
}
