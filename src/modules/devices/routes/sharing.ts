import { z } from 'zod'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { MyDevices } from '../devices.ts'
import type { Sharing } from '../sharing.ts'
import { Device, Member, Offer } from '../views.ts'

const base = '/api/v1/devices'
const access = 'devices.use'
const params = z.object({ id: z.uuid() })
const linkParams = z.object({ token: z.string().min(20).max(100) })

export function sharingRoutes(
  router: Router,
  { sharing, myDevices }: { sharing: Sharing; myDevices: MyDevices },
) {
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/members`,
    access,
    summary: 'Who uses the device: its owner and the family',
    params,
    response: pageOf(Member),
    handler: async ({ actor, params: { id } }) => ({
      items: await sharing.members(actor, id),
      next_cursor: null,
    }),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/devices/:id/members/:user_id`,
    access,
    summary: 'Send a member away, or leave',
    params: params.extend({ user_id: z.uuid() }),
    handler: ({ actor, params: { id, user_id } }) => sharing.removeMember(actor, id, user_id),
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/offers`,
    access,
    summary: 'Open invitations and transfers of an own device',
    params,
    response: pageOf(Offer),
    handler: async ({ actor, params: { id } }) => ({
      items: await sharing.outgoing(actor, id),
      next_cursor: null,
    }),
  })
  router.route({
    method: 'POST',
    path: `${base}/devices/:id/offers`,
    access,
    summary: 'Invite to the family, or offer the device: to a user by name, else to whoever has the link',
    idempotent: true,
    params,
    body: z.object({
      kind: z.enum(['member', 'transfer']),
      username: z.string().min(1).max(100).optional(),
    }),
    response: Offer,
    status: 201,
    handler: ({ actor, params: { id }, body }) => sharing.offer(actor, id, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/offers`,
    access,
    summary: 'What others offer me',
    response: pageOf(Offer),
    handler: async ({ actor }) => ({ items: await sharing.incoming(actor), next_cursor: null }),
  })
  router.route({
    method: 'POST',
    path: `${base}/offers/:id/accept`,
    access,
    summary: 'Accept what somebody offers me',
    params,
    response: Device,
    handler: async ({ actor, params: { id } }) =>
      myDevices.read(actor, (await sharing.accept(actor, { id })).device_id),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/offers/:id`,
    access,
    summary: 'Decline an offer, or withdraw an own one',
    params,
    handler: ({ actor, params: { id } }) => sharing.remove(actor, id),
  })
  router.route({
    method: 'GET',
    path: `${base}/offer-links/:token`,
    access,
    summary: 'What a link offers',
    params: linkParams,
    response: Offer,
    handler: ({ params: { token } }) => sharing.byLink(token),
  })
  router.route({
    method: 'POST',
    path: `${base}/offer-links/:token/accept`,
    access,
    summary: 'Accept what a link offers',
    params: linkParams,
    response: Device,
    handler: async ({ actor, params: { token } }) =>
      myDevices.read(actor, (await sharing.accept(actor, { token })).device_id),
  })
}
