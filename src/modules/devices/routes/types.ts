import { z } from 'zod'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { Catalogue } from '../catalogue.ts'
import { DeviceType, JsonObject } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const params = z.object({ id: z.uuid() })
const TypeFields = z.object({
  key: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/),
  name: z.string().max(60).regex(/\S/),
  category: z.string().min(1).max(40),
  description: z.string().max(2000).optional(),
  properties_schema: JsonObject.optional(),
  capabilities: z.array(z.string().min(1).max(40)).max(50).optional(),
})

/** Types of devices. */
export function typeRoutes(router: Router, { catalogue }: { catalogue: Catalogue }) {
  router.route({
    method: 'GET',
    path: `${base}/types`,
    access: read,
    summary: 'Types of devices',
    response: pageOf(DeviceType),
    handler: async () => ({ items: await catalogue.types(), next_cursor: null }),
  })
  router.route({
    method: 'POST',
    path: `${base}/types`,
    access: manage,
    summary: 'Make a type of devices',
    idempotent: true,
    body: TypeFields,
    response: DeviceType,
    status: 201,
    handler: ({ body }) => catalogue.createType(body),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/types/:id`,
    access: manage,
    summary: 'Change a type of devices',
    params,
    body: TypeFields.partial().extend({ is_default: z.literal(true).optional() }),
    response: DeviceType,
    handler: ({ params: { id }, body }) => catalogue.updateType(id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/types/:id`,
    access: manage,
    summary: 'Delete a type that nothing is of',
    params,
    handler: ({ params: { id } }) => catalogue.removeType(id),
  })
}
