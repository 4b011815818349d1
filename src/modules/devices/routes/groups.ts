import { z } from 'zod'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { Groups } from '../groups.ts'
import { Group } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const params = z.object({ id: z.uuid() })
const Ids = z.array(z.uuid()).max(1000)
const GroupFields = z.object({
  name: z.string().max(60).regex(/\S/),
  description: z.string().max(500).optional(),
})

/** Groups of devices. */
export function groupRoutes(router: Router, { groups }: { groups: Groups }) {
  router.route({
    method: 'GET',
    path: `${base}/groups`,
    access: read,
    summary: 'Groups of devices',
    response: pageOf(Group),
    handler: async () => ({ items: await groups.list(), next_cursor: null }),
  })
  router.route({
    method: 'POST',
    path: `${base}/groups`,
    access: manage,
    summary: 'Make a group',
    idempotent: true,
    body: GroupFields,
    response: Group,
    status: 201,
    handler: ({ body }) => groups.create(body),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/groups/:id`,
    access: manage,
    summary: 'Rename a group',
    params,
    body: GroupFields.partial(),
    response: Group,
    handler: ({ params: { id }, body }) => groups.update(id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/groups/:id`,
    access: manage,
    summary: 'Delete a group; its devices stay',
    params,
    handler: ({ params: { id } }) => groups.remove(id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/groups/:id/devices`,
    access: manage,
    summary: 'Put devices into a group, and take others out',
    params,
    body: z.object({ add: Ids.default([]), remove: Ids.default([]) }),
    response: Group,
    handler: ({ params: { id }, body }) => groups.change(id, body),
  })
}
