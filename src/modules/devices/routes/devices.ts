import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { Claims } from '../claiming.ts'
import { Command } from '../contract.ts'
import type { MyDevices } from '../devices.ts'
import type { OwnerCommands } from '../owner-commands.ts'
import { CommandView, Device, DeviceStateView, HistoryEntry, JsonObject } from '../views.ts'

const base = '/api/v1/devices'
const access = 'devices.use'
const params = z.object({ id: z.uuid() })

export function deviceRoutes(
  router: Router,
  {
    claims,
    myDevices,
    ownerCommands,
  }: { claims: Claims; myDevices: MyDevices; ownerCommands: OwnerCommands },
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
      name: z.string().min(1).max(60).optional(),
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
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/state`,
    access,
    summary: 'What the device should be, and what it says it is',
    params,
    response: DeviceStateView,
    handler: ({ actor, params: { id } }) => myDevices.state(actor, id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/devices/:id/state`,
    access,
    summary: 'Change what the device should be, by a JSON merge patch',
    params,
    body: z.object({
      desired: JsonObject,
      expected_version: z.int().min(0).optional().describe('Refuse when the state has moved on from it.'),
    }),
    response: DeviceStateView,
    handler: ({ actor, params: { id }, body }) => myDevices.setState(actor, id, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/commands`,
    access,
    summary: 'Commands to a device, newest first',
    params,
    query: PageQuery,
    response: pageOf(CommandView),
    handler: ({ actor, params: { id }, query }) => ownerCommands.list(actor, id, query),
  })
  router.route({
    method: 'POST',
    path: `${base}/devices/:id/commands`,
    access,
    summary: 'Tell a device to do something, now or at its next conversation',
    idempotent: true,
    params,
    body: z.object({
      command: Command,
      expires_in_s: z
        .int()
        .min(10)
        .max(30 * 86_400)
        .optional()
        .describe('Default: seven days.'),
    }),
    response: CommandView,
    status: 201,
    handler: ({ actor, params: { id }, body }) => ownerCommands.send(actor, id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/commands/:id`,
    access,
    summary: 'Take back a command that the device has not fetched yet',
    params,
    handler: ({ actor, params: { id } }) => ownerCommands.cancel(actor, id),
  })
}
