import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import type { StartUps } from '../ota.ts'
import { header, openToPages, preflightRoutes } from './device-requests.ts'

const StartUpAnswer = z
  .object({
    server_time: z.object({ timestamp: z.int(), timezone_offset: z.int() }),
    firmware: z.object({
      version: z.string().describe('Digits and dots. The device’s own when there is nothing newer.'),
      url: z.string(),
      force: z.literal(1).optional(),
    }),
    websocket: z.object({ url: z.string(), token: z.string(), version: z.int() }),
    activation: z
      .object({
        message: z.string(),
        code: z.string().optional(),
        challenge: z.string(),
        timeout_ms: z.int(),
      })
      .optional()
      .describe('Only while the device has no owner.'),
  })
  .meta({ id: 'DeviceStartUpAnswer' })

/** Whatever a device sends: it is read with patience in ota.ts. */
const AnyBody = z.record(z.string(), z.unknown()).nullable().meta({ id: 'DeviceStartUpBody' })
const bodyLimit = 64 * 1024
const base = '/api/v1/devices/ota'

/** The addresses of the device’s own protocol. */
export function startUpRoutes(router: Router, deps: { startUps: StartUps; publicUrl: string }) {
  const { startUps } = deps
  const requestOf = (request: FastifyRequest) => ({
    device_id: header(request, 'device-id'),
    client_id: header(request, 'client-id'),
    body: request.body,
    ip: request.ip,
    locale: request.locale,
    origin: deps.publicUrl.replace(/\/+$/, '') || `${request.protocol}://${request.host}`,
  })

  for (const method of ['GET', 'POST'] as const)
    router.route({
      method,
      path: base,
      access: 'public',
      rate: 'none',
      summary:
        'A device starts up: the time, its firmware, where to connect, and its code while it has no owner',
      openInput: true,
      bodyLimit,
      ...(method === 'POST' ? { body: AnyBody } : {}),
      response: StartUpAnswer,
      handler({ request, reply }) {
        openToPages(reply)
        return startUps.startUp(requestOf(request))
      },
    })
  router.route({
    method: 'POST',
    path: `${base}/activate`,
    access: 'public',
    rate: 'none',
    summary: 'A device asks whether it has an owner: 200 when it has, 202 while it waits',
    openInput: true,
    bodyLimit,
    body: AnyBody,
    raw: true,
    async handler({ request, reply }) {
      openToPages(reply)
      const { is_bound } = await startUps.activate(requestOf(request))
      return reply.status(is_bound ? 200 : 202).send(is_bound ? { status: 'bound' } : { status: 'waiting' })
    },
  })
  preflightRoutes(router, [base, `${base}/activate`])
}
