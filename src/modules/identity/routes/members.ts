import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { organisationRoles } from '../contract.ts'
import type { IdentityService } from '../service.ts'
import { Id } from './door.ts'

const Role = z.enum(organisationRoles)

const Member = z
  .object({
    user_id: z.uuid(),
    username: z.string(),
    display_name: z.string(),
    avatar_url: z.string().nullable(),
    role: Role,
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'OrganisationMember' })

const Invitation = z
  .object({
    id: z.uuid(),
    email: z.string().nullable(),
    role: Role,
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'OrganisationInvitation' })

const base = '/api/v1/identity/organisations/:id'

export function memberRoutes(router: Router, { organisations }: IdentityService) {
  router.route({
    method: 'GET',
    path: `${base}/members`,
    access: 'signed_in',
    summary: 'The members, owners first',
    params: Id,
    query: PageQuery,
    response: pageOf(Member),
    handler: ({ actor, params, query }) => organisations.members(actor, params.id, query.limit, query.cursor),
  })

  router.route({
    method: 'PATCH',
    path: `${base}/members/:user_id`,
    access: 'signed_in',
    summary: 'Change a member’s role. Owners are made and unmade by owners.',
    params: Id.extend({ user_id: z.uuid() }),
    body: z.object({ role: Role }),
    handler: ({ actor, params, body }) => organisations.setRole(actor, params.id, params.user_id, body.role),
  })

  router.route({
    method: 'DELETE',
    path: `${base}/members/:user_id`,
    access: 'signed_in',
    summary: 'Remove a member, or leave. The last owner cannot.',
    params: Id.extend({ user_id: z.uuid() }),
    handler: ({ actor, params }) => organisations.removeMember(actor, params.id, params.user_id),
  })

  router.route({
    method: 'GET',
    path: `${base}/invitations`,
    access: 'signed_in',
    summary: 'Open invitations (its admins)',
    params: Id,
    response: z.object({ items: z.array(Invitation) }),
    handler: ({ actor, params }) => organisations.invitations(actor, params.id),
  })

  router.route({
    method: 'POST',
    path: `${base}/invitations`,
    access: 'signed_in',
    summary: 'Invite somebody. The token is shown this once, and mailed where an address is given.',
    params: Id,
    body: z.object({ email: z.string().max(300).optional(), role: Role.default('member') }),
    response: Invitation.extend({ token: z.string() }),
    status: 201,
    handler: ({ actor, params, body }) => organisations.invite(actor, params.id, body),
  })

  router.route({
    method: 'DELETE',
    path: `${base}/invitations/:invitation_id`,
    access: 'signed_in',
    summary: 'Take an invitation back (its admins)',
    params: Id.extend({ invitation_id: z.uuid() }),
    handler: ({ actor, params }) => organisations.revokeInvitation(actor, params.id, params.invitation_id),
  })
}
