import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { Claims } from '../claiming.ts'
import type { MyDevices } from '../devices.ts'
import { Device, HistoryEntry } from '../views.ts'

const base = '/api/v1/devices'
const access = 'devices.use'
const params = z.object({ id: z.uuid() })

/** One’s devices, and those of the family. */
export function deviceRoutes(
  router: Router,
  { claims, myDevices }: { claims: Claims; myDevices: MyDevices },
) {
  router.route({
    method: 'POST',
    path: `${base}/claims`,
    access,
    summary: 'Make a device one’s own, by the six digits that it shows',
    idempotent: true,
    body: z.object({ code: z.string().min(1).max(40) }),
    response: Device,
    status: 201,
    async handler({ actor, body: { code }, request }) {
      const { device_id } = await claims.claim(actor, { code, ip: request.ip })
      return myDevices.read(actor, device_id)
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/devices`,
    access,
    summary: 'Own devices and those of the family, the primary one first',
    response: pageOf(Device),
    handler: async ({ actor }) => ({ items: await myDevices.list(actor), next_cursor: null }),
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id`,
    access,
    summary: 'A device',
    params,
    response: Device,
    handler: ({ actor, params: { id } }) => myDevices.read(actor, id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/devices/:id`,
    access,
    summary: 'Rename a device, choose its bot, make it the primary one',
    params,
    body: z.object({
      name: z.string().max(60).regex(/\S/).optional(),
      bot_id: z.uuid().nullable().optional(),
      is_primary: z.literal(true).optional(),
    }),
    response: Device,
    handler: ({ actor, params: { id }, body }) => myDevices.update(actor, id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/devices/:id`,
    access,
    summary: 'Give a device up; it can then be claimed again by anybody who holds it',
    params,
    handler: ({ actor, params: { id } }) => myDevices.release(actor, id),
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/history`,
    access,
    summary: 'Who joined, left and took over, newest first',
    params,
    query: PageQuery,
    response: pageOf(HistoryEntry),
    handler: ({ actor, params: { id }, query }) => myDevices.history(actor, id, query),
  })
}
