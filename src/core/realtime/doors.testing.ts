import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { WebSocket } from 'ws'
import { systemClock } from '#core/clock.ts'
import { AppError } from '#core/errors.ts'
import type { Actor, RouteDefinition, Router } from '#core/http/route.ts'
import { attachUpgrades } from '#core/http/upgrades.ts'
import { silentLog } from '#core/log.ts'
import { type ChannelDefinition, createChannels } from './channels.ts'
import { createMemoryBackend } from './memory-backend.ts'
import { actorOf } from './realtime.testing.ts'
import { createRealtime } from './realtime.ts'
import { realtimeRoutes } from './routes.ts'
import { createTickets } from './tickets.ts'
import { realtimeDoor } from './websocket.ts'

/** `Bearer NAME` signs in as NAME; so does the cookie `user=NAME`, as a browser's session. */
async function authenticate({ headers }: Pick<IncomingMessage, 'headers'>): Promise<Actor | null> {
  const bearer = /^Bearer (\w+)$/.exec(headers.authorization ?? '')?.[1]
  if (bearer) return actorOf(bearer)
  const cookie = /user=(\w+)/.exec(headers.cookie ?? '')?.[1]
  return cookie ? { ...actorOf(cookie), via: 'session' } : null
}

/** Both doors of the hub on a bare Fastify. `open.:name` is for everybody, `own.:user` for that user alone. */
export async function openDoors(more: readonly ChannelDefinition[] = []) {
  const hub = createRealtime({
    backend: createMemoryBackend({ clock: systemClock }),
    log: silentLog,
    clock: systemClock,
  })
  const channels = createChannels([
    { pattern: 'open.:name', authorize: async () => true },
    { pattern: 'own.:user', authorize: async (actor, { user }) => user === actor.user_id },
    ...more,
  ])
  const tickets = createTickets({ clock: systemClock })
  const server = fastify({ forceCloseConnections: true })
  const router: Router = {
    route(given) {
      const definition = given as unknown as RouteDefinition
      server.route({
        method: definition.method,
        url: definition.path,
        async handler(request, reply) {
          const actor = await authenticate(request)
          if (!actor && definition.access !== 'public') return reply.code(401).send()
          try {
            const result = await definition.handler({
              actor,
              query: request.query,
              body: request.body,
              request,
              reply,
            } as never)
            return reply.sent ? reply : result
          } catch (error) {
            return reply
              .code(error instanceof AppError ? error.status : 500)
              .send({ code: (error as AppError).code })
          }
        },
      })
    },
  }
  realtimeRoutes(router, { hub, channels, tickets })
  const door = realtimeDoor({
    hub,
    channels,
    tickets,
    authenticate,
    allowedOrigins: () => ['https://friend.example'],
    log: silentLog,
  })
  const detach = attachUpgrades(server.server, [door], silentLog)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    hub,
    tickets,
    port,
    url,
    wsUrl: `ws://127.0.0.1:${port}/api/v1/realtime/ws`,
    server,
    async close() {
      detach()
      await hub.stop()
      await server.close()
    },
  }
}

export type ServerFrame = {
  type: 'subscribed' | 'messages' | 'error' | 'pong'
  channel?: string
  position?: string
  recovered?: boolean
  items?: { id: string; data: { n: number } }[]
  code?: string
  detail?: string
}

/** A WebSocket client that writes down what it hears. */
export async function connect(
  url: string,
  headers: Record<string, string> = { authorization: 'Bearer ann' },
) {
  const socket = new WebSocket(url, { headers })
  const frames: ServerFrame[] = []
  const closed = new Promise<{ code: number; reason: string }>(resolve => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  socket.on('message', data => frames.push(JSON.parse(String(data))))
  socket.on('error', () => undefined)
  await Promise.race([new Promise(resolve => socket.once('open', resolve)), closed])
  return {
    socket,
    frames,
    closed,
    send: (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    items: (channel: string) =>
      frames.flatMap(frame =>
        frame.type === 'messages' && frame.channel === channel ? (frame.items ?? []) : [],
      ),
  }
}
