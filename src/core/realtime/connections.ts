import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import { unavailable } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { tooManyConnections } from './errors.ts'

/** Why the server ends a connection, and the WebSocket close code that says so. */
export const closings = {
  restart: { code: 1012, reason: 'The server is restarting' },
  /** Old connections come back with fresh credentials, and resume where they were. */
  renewal: { code: 1012, reason: 'Connect again' },
  unauthenticated: { code: 4001, reason: 'Sign in first' },
  signed_out: { code: 4001, reason: 'Signed out' },
  too_slow: { code: 4008, reason: 'Too slow' },
  /** Policy violation (RFC 6455, section 7.4.1). */
  flooding: { code: 1008, reason: 'Too many messages' },
  too_many: { code: 4029, reason: 'Too many connections' },
} as const

export type Closing = keyof typeof closings

/** A live WebSocket or SSE response. */
export type Connection = {
  kind: 'websocket' | 'sse'
  actor: Actor
  close(closing: Closing): void
  /** Called every 25 seconds: prove that the other side is there, or give up. */
  heartbeat(): void
}

export type Connections = {
  /** Returns the way out. @throws {AppError} `realtime.too_many_connections`, `server.unavailable` once stopped. */
  add(connection: Connection): () => void
  count(kind: Connection['kind']): number
  /** Obeys what another process's hub said. */
  obey(json: string): void
  dropped(closing: Closing): void
  /** Ends all connections and lets no more in. */
  stop(): void
}

/** What hubs tell each other. */
const Order = z.object({ disconnect: z.object({ user_id: z.string(), session_id: z.string().nullable() }) })

export const disconnectOrder = (user_id: string, session_id: string | null): string =>
  JSON.stringify({ disconnect: { user_id, session_id } } satisfies z.input<typeof Order>)

const heartbeatInterval = 25_000
/**
 * A connection lives on when its access token expires, and ends when its session is revoked (`disconnectUser`) or
 * after this time, whichever comes first. Then the client connects again, so that a revocation nobody heard of, or
 * a role that changed, counts after an hour at the latest.
 */
const longestLife = 3_600_000
const mostPerUser = 64

/** All connections of this process. One shared timer serves them all. */
export function createConnections({
  clock,
  metrics,
}: {
  clock: Clock
  metrics?: Metrics | undefined
}): Connections {
  const ofUser = new Map<string, Map<Connection, number>>()
  let isStopped = false
  const counts = { websocket: 0, sse: 0 }
  metrics?.gauge({
    name: 'websocket_connections_active',
    help: 'Open WebSocket connections',
    collect: gauge => gauge.set(counts.websocket),
  })
  metrics?.gauge({
    name: 'sse_connections_active',
    help: 'Open event streams of the realtime hub',
    collect: gauge => gauge.set(counts.sse),
  })
  const closed = metrics?.counter({
    name: 'realtime_connections_closed_total',
    help: 'Connections that the server ended, by reason',
    labels: ['reason'],
  })

  const all = () => [...ofUser.values()].flatMap(connections => [...connections])
  const timer = setInterval(() => {
    const now = clock.now()
    for (const [connection, endsAt] of all()) {
      if (now >= endsAt) connection.close('renewal')
      else connection.heartbeat()
    }
  }, heartbeatInterval)
  timer.unref()

  return {
    add(connection) {
      if (isStopped) throw unavailable({}, { retryAfter: 1 })
      const { user_id } = connection.actor
      const mine = ofUser.get(user_id) ?? new Map<Connection, number>()
      if (mine.size >= mostPerUser) throw tooManyConnections()
      ofUser.set(user_id, mine)
      // Spread over the last tenth, or all who came after a restart would come again together.
      mine.set(connection, clock.now() + longestLife * (0.9 + Math.random() / 10))
      counts[connection.kind] += 1
      return () => {
        if (!mine.delete(connection)) return
        counts[connection.kind] -= 1
        if (mine.size === 0 && ofUser.get(user_id) === mine) ofUser.delete(user_id)
      }
    },
    count: kind => counts[kind],
    obey(json) {
      const order = Order.safeParse(JSON.parse(json))
      if (!order.success) return
      const { user_id, session_id } = order.data.disconnect
      for (const connection of [...(ofUser.get(user_id)?.keys() ?? [])]) {
        if (session_id === null || connection.actor.session_id === session_id) connection.close('signed_out')
      }
    },
    dropped: closing => closed?.inc({ reason: closing }),
    stop() {
      isStopped = true
      clearInterval(timer)
      for (const [connection] of all()) connection.close('restart')
    },
  }
}
