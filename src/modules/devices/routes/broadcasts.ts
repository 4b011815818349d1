import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Broadcast, type Broadcasts } from '../broadcasts.ts'
import { Command } from '../contract.ts'

const base = '/api/v1/devices'
const access = 'devices.broadcasts.manage'
const params = z.object({ id: z.uuid() })

/** Commands to many devices. */
export function broadcastRoutes(router: Router, { broadcasts }: { broadcasts: Broadcasts }) {
  router.route({
    method: 'GET',
    path: `${base}/broadcasts`,
    access,
    summary: 'Commands to many devices, newest first',
    query: PageQuery,
    response: pageOf(Broadcast),
    handler: ({ query }) => broadcasts.list(query),
  })
  router.route({
    method: 'POST',
    path: `${base}/broadcasts`,
    access,
    summary: 'Send a command to all devices, to those of a type, or to a group',
    idempotent: true,
    body: z.object({
      command: Command,
      type_id: z.uuid().optional(),
      group_id: z.uuid().optional(),
      expires_in_s: z
        .int()
        .min(60)
        .max(30 * 86_400)
        .optional(),
    }),
    response: Broadcast,
    status: 202,
    handler: ({ actor, body }) => broadcasts.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/broadcasts/:id`,
    access,
    summary: 'How far a broadcast is',
    params,
    response: Broadcast,
    handler: ({ params: { id } }) => broadcasts.read(id),
  })
  router.route({
    method: 'POST',
    path: `${base}/broadcasts/:id/cancel`,
    access,
    summary: 'Stop a broadcast, and take back what was not fetched yet',
    params,
    response: Broadcast,
    handler: ({ params: { id } }) => broadcasts.cancel(id),
  })
}
