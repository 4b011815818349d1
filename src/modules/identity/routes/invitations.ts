import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { SignUpPolicy } from '../service/sign-up.ts'
import type { IdentityService } from '../service.ts'
import { Id } from './door.ts'

const Invitation = z
  .object({
    id: z.uuid(),
    email: z.string().nullable(),
    roles: z.array(z.string()),
    created_by: z.uuid(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    used_at: z.iso.datetime().nullable(),
    used_by: z.uuid().nullable(),
  })
  .meta({ id: 'Invitation' })

const Policy = z.object({ sign_up: SignUpPolicy })

export function invitationRoutes(router: Router, { signUp }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/identity/sign-up-policy',
    access: 'identity.sign_up.manage',
    summary: 'Who may make an account',
    response: Policy,
    handler: async () => ({ sign_up: await signUp.policy() }),
  })

  router.route({
    method: 'PUT',
    path: '/api/v1/identity/sign-up-policy',
    access: 'identity.sign_up.manage',
    summary: 'Decide who may make an account',
    body: Policy,
    response: Policy,
    handler: ({ actor, body }) => signUp.setPolicy(actor, body.sign_up),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/identity/invitations',
    access: 'identity.invitations.manage',
    summary: 'Invitations to sign up, newest first',
    query: PageQuery,
    response: pageOf(Invitation),
    handler: ({ query }) => signUp.invitations(query.limit, query.cursor),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/identity/invitations',
    access: 'identity.invitations.manage',
    summary:
      'Invite somebody to sign up. The token is shown this once, and mailed where an address is given.',
    body: z.object({
      email: z.string().max(300).optional(),
      roles: z.array(z.string().max(50)).min(1).max(10).optional(),
      expires_in_days: z.int().min(1).max(90).optional(),
    }),
    response: Invitation.extend({ token: z.string() }),
    status: 201,
    handler: ({ actor, body }) => signUp.invite(actor, body),
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/identity/invitations/:id',
    access: 'identity.invitations.manage',
    summary: 'Take an invitation back',
    params: Id,
    handler: ({ params }) => signUp.revokeInvitation(params.id),
  })
}
