import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'

const Role = z.object({ name: z.string(), permissions: z.array(z.string()) }).meta({ id: 'Role' })

export function roleRoutes(router: Router, { roles }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/identity/roles',
    access: 'identity.roles.read',
    summary: 'The roles and their permissions, in order of power',
    response: z.object({ items: z.array(Role) }),
    handler: () => roles.list(),
  })

  router.route({
    method: 'PUT',
    path: '/api/v1/identity/roles/:name',
    access: 'identity.roles.manage',
    summary: 'Set the permissions of a role. Nobody gives or takes what he does not have himself.',
    params: z.object({ name: z.string().max(50) }),
    body: z.object({ permissions: z.array(z.string().max(100)).max(1000) }),
    response: Role,
    handler: ({ actor, params, body }) => roles.setPermissions(actor, params.name, body.permissions),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/identity/permissions',
    access: 'identity.roles.read',
    summary: 'Every permission there is',
    response: z.object({ items: z.array(z.object({ name: z.string() })) }),
    handler: () => roles.permissions(),
  })
}
