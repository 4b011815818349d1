import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Command } from '../contract.ts'
import type { MyDevices } from '../devices.ts'
import type { OwnerCommands } from '../owner-commands.ts'
import { CommandView, DeviceStateView, JsonObject } from '../views.ts'

const base = '/api/v1/devices'
const access = 'devices.use'
const params = z.object({ id: z.uuid() })

/** What a device should be, and what it shall do. */
export function deviceStateRoutes(
  router: Router,
  { myDevices, ownerCommands }: { myDevices: MyDevices; ownerCommands: OwnerCommands },
) {
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
