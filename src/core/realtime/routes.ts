import { z } from 'zod'
import { unauthenticated } from '#core/errors.ts'
import type { Router } from '#core/http/route.ts'
import type { Channels } from './channels.ts'
import type { Realtime } from './realtime.ts'
import { streamChannel, streamChannels } from './sse.ts'
import type { Tickets } from './tickets.ts'
import { mostChannels } from './websocket-client.ts'

const Ticket = z.object({ ticket: z.string(), expires_in: z.int().describe('Seconds.') })

const ChannelName = z.string().min(1).max(200)

const StreamQuery = z.object({
  channel: ChannelName,
  from: z
    .string()
    .max(64)
    .optional()
    .describe('`epoch:offset` of the last message seen. Last-Event-ID comes first.'),
  ticket: z.string().max(64).optional(),
  token: z.string().max(4096).optional(),
})

const StreamBody = z.object({
  channels: z
    .array(
      z.object({
        channel: ChannelName,
        from: z.string().max(64).optional().describe('`epoch:offset` of the last message seen.'),
      }),
    )
    .min(1)
    .max(mostChannels),
})

/** Tickets and the SSE doors. The WebSocket door is `websocket.ts`, since it begins below Fastify. */
export function realtimeRoutes(
  router: Router,
  { hub, channels, tickets }: { hub: Realtime; channels: Channels; tickets: Tickets },
): void {
  router.route({
    method: 'POST',
    path: '/api/v1/realtime/tickets',
    access: 'signed_in',
    summary: 'A one-time ticket for a WebSocket or an event stream, good for 30 seconds',
    response: Ticket,
    handler: ({ actor }) => tickets.issue(actor),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/realtime/sse',
    access: 'public',
    summary: 'A channel as server-sent events',
    query: StreamQuery,
    raw: true,
    async handler({ actor: signedIn, query, request, reply }) {
      const actor = signedIn ?? (query.ticket ? await tickets.take(query.ticket) : null)
      if (!actor) throw unauthenticated()
      await channels.authorize(actor, query.channel)
      const last = request.headers['last-event-id']
      const from = typeof last === 'string' && last !== '' ? last : query.from
      await streamChannel({ hub, channel: query.channel, actor, from, reply })
    },
  })
  router.route({
    method: 'POST',
    path: '/api/v1/realtime/stream',
    access: 'signed_in',
    rate: 'read',
    summary: 'Several channels as one stream of server-sent events, with the frames of the WebSocket as data',
    body: StreamBody,
    raw: true,
    async handler({ actor, body, reply }) {
      const following = new Map(body.channels.map(each => [each.channel, each]))
      await streamChannels({ hub, channels, following: [...following.values()], actor, reply })
    },
  })
}
