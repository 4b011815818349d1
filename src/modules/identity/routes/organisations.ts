import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'
import { Id, TypedToken } from './door.ts'

const Organisation = z
  .object({
    id: z.uuid(),
    name: z.string(),
    created_by: z.uuid(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Organisation' })

const Name = z.object({ name: z.string().max(100).regex(/\S/) })

export function organisationRoutes(router: Router, { organisations }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/identity/organisations',
    access: 'signed_in',
    summary: 'One’s own organisations; with `all`, everybody’s, for those who manage them',
    query: PageQuery.extend({ all: z.boolean().default(false) }),
    response: pageOf(Organisation),
    handler: ({ actor, query }) => organisations.list(actor, query.all, query.limit, query.cursor),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/identity/organisations',
    access: 'identity.organisations.create',
    idempotent: true,
    summary: 'Make an organisation, as its owner',
    body: Name,
    response: Organisation,
    status: 201,
    handler: ({ actor, body }) => organisations.create(actor, body.name),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/identity/organisations/join',
    access: 'signed_in',
    summary: 'Join with an invitation',
    body: z.object({ token: TypedToken }),
    response: Organisation,
    handler: ({ actor, body }) => organisations.join(actor, body.token),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/identity/organisations/:id',
    access: 'signed_in',
    summary: 'An organisation that one belongs to',
    params: Id,
    response: Organisation,
    handler: ({ actor, params }) => organisations.get(actor, params.id),
  })

  router.route({
    method: 'PATCH',
    path: '/api/v1/identity/organisations/:id',
    access: 'signed_in',
    summary: 'Rename an organisation (its admins)',
    params: Id,
    body: Name,
    response: Organisation,
    handler: ({ actor, params, body }) => organisations.rename(actor, params.id, body.name),
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/identity/organisations/:id',
    access: 'signed_in',
    summary: 'Delete an organisation (its owners)',
    params: Id,
    handler: ({ actor, params }) => organisations.delete(actor, params.id),
  })
}
