import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { User } from '../contract.ts'
import type { IdentityService } from '../service.ts'
import { Id, TypedPassword } from './door.ts'
import { OwnFields } from './me.ts'

const Roles = z.array(z.string().max(50)).max(10)

export function userRoutes(router: Router, { users }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/users',
    access: 'identity.users.read',
    summary: 'Users, newest first. `q` is looked for in names, e-mail addresses and phone numbers.',
    query: PageQuery.extend({
      q: z.string().max(100).optional(),
      role: z.string().max(50).optional(),
      is_active: z.boolean().optional(),
    }),
    response: pageOf(User),
    handler: ({ actor, query: { limit, cursor, ...filter } }) => users.list(actor, filter, limit, cursor),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/users',
    access: 'identity.users.manage',
    idempotent: true,
    summary: 'Make an account. Without a password, send its owner a reset link.',
    body: OwnFields.partial().extend({
      username: z.string().max(100),
      password: TypedPassword.optional(),
      roles: Roles.optional(),
      is_vip: z.boolean().optional(),
    }),
    response: User,
    status: 201,
    handler: ({ actor, body }) => users.create(actor, body),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/users/:id',
    access: 'signed_in',
    summary: 'A user: oneself, or anybody for administrators',
    params: Id,
    response: User,
    handler: ({ actor, params }) => users.get(actor, params.id),
  })

  router.route({
    method: 'PUT',
    path: '/api/v1/users/:id',
    access: 'signed_in',
    summary: 'Replace a user’s details; `is_active`, `is_vip` and `roles` are for administrators',
    params: Id,
    body: OwnFields.extend({
      is_active: z.boolean().optional(),
      is_vip: z.boolean().optional(),
      roles: Roles.optional(),
    }),
    response: User,
    handler: ({ actor, params, body }) => users.update(actor, params.id, body, true),
  })

  router.route({
    method: 'PATCH',
    path: '/api/v1/users/:id',
    access: 'signed_in',
    summary: 'Change some of a user’s details',
    params: Id,
    body: OwnFields.extend({ is_active: z.boolean(), is_vip: z.boolean(), roles: Roles }).partial(),
    response: User,
    handler: ({ actor, params, body }) => users.update(actor, params.id, body, false),
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/users/:id',
    access: 'signed_in',
    summary: 'Delete an account: one’s own, or anybody’s for administrators. What is personal is erased.',
    params: Id,
    handler: ({ actor, params }) => users.delete(actor, params.id),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/users/:id/password-reset',
    access: 'identity.users.manage',
    summary: 'Send a user a reset link, or get it to hand over where no mail can reach the user',
    params: Id,
    response: z.object({ sent: z.boolean(), link: z.string().nullable() }),
    handler: ({ actor, params }) => users.sendPasswordReset(actor, params.id),
  })
}
