import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Command } from '../contract.ts'
import type { Registrations } from '../registrations.ts'
import { CommandView, HistoryEntry, Registration } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const broadcast = 'devices.broadcasts.manage'
const params = z.object({ id: z.uuid() })

/** All devices, for operators. */
export function registrationRoutes(router: Router, { registrations }: { registrations: Registrations }) {
  router.route({
    method: 'GET',
    path: `${base}/registrations`,
    access: read,
    summary: 'All devices, newest first',
    query: PageQuery.extend({
      q: z.string().max(64).optional().describe('The beginning of a MAC or serial number, or an id.'),
      state: z.enum(['produced', 'activated', 'bound', 'retired']).optional(),
      approval: z.enum(['approved', 'pending', 'refused']).optional(),
      type_id: z.uuid().optional(),
      batch_id: z.uuid().optional(),
      group_id: z.uuid().optional(),
      is_online: z.boolean().optional(),
    }),
    response: pageOf(Registration),
    handler: ({ actor, query }) => registrations.list(actor, query),
  })
  router.route({
    method: 'GET',
    path: `${base}/registration-counts`,
    access: read,
    summary: 'How many devices there are in each state',
    response: z.object({
      total: z.int(),
      produced: z.int(),
      activated: z.int(),
      bound: z.int(),
      retired: z.int(),
      pending: z.int(),
      online: z.int(),
    }),
    handler: ({ actor }) => registrations.counts(actor),
  })
  router.route({
    method: 'POST',
    path: `${base}/registrations`,
    access: manage,
    summary: 'Enter one device by hand',
    idempotent: true,
    body: z.object({
      mac: z.string().min(1).max(40),
      serial: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/)
        .optional(),
      type_id: z.uuid(),
    }),
    response: Registration,
    status: 201,
    handler: ({ body }) => registrations.create(body),
  })
  router.route({
    method: 'GET',
    path: `${base}/registrations/:id`,
    access: read,
    summary: 'A device, as operators see it',
    params,
    response: Registration,
    handler: ({ params: { id } }) => registrations.read(id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/registrations/:id`,
    access: manage,
    summary: 'Let a device in or not, take it out of service or back, change its type',
    params,
    body: z.object({
      approval: z.enum(['approved', 'refused']).optional(),
      is_retired: z.boolean().optional(),
      type_id: z.uuid().optional(),
    }),
    response: Registration,
    handler: ({ actor, params: { id }, body }) => registrations.update(actor, id, body),
  })
  router.route({
    method: 'POST',
    path: `${base}/registrations/:id/release`,
    access: manage,
    summary: 'Take a device from its owner, as for one that was returned',
    params,
    response: Registration,
    handler: ({ params: { id } }) => registrations.release(id),
  })
  router.route({
    method: 'GET',
    path: `${base}/registrations/:id/history`,
    access: read,
    summary: 'Whose a device was, newest first',
    params,
    query: PageQuery,
    response: pageOf(HistoryEntry),
    handler: ({ params: { id }, query }) => registrations.history(id, query),
  })
  router.route({
    method: 'GET',
    path: `${base}/registrations/:id/commands`,
    access: read,
    summary: 'What operators sent to a device, newest first',
    params,
    query: PageQuery,
    response: pageOf(CommandView),
    handler: ({ params: { id }, query }) => registrations.commands(id, query),
  })
  router.route({
    method: 'POST',
    path: `${base}/registrations/:id/commands`,
    access: broadcast,
    summary: 'Send a device a command',
    idempotent: true,
    params,
    body: z.object({ command: Command }),
    response: CommandView,
    status: 201,
    handler: ({ actor, params: { id }, body }) => registrations.send(actor, id, body.command),
  })
}
