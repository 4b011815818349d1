import type { IncomingMessage } from 'node:http'
import { type ServerOptions, WebSocketServer } from 'ws'
import { AppError, unauthenticated } from '#core/errors.ts'
import { localeOf } from '#core/http/locale.ts'
import type { Actor } from '#core/http/route.ts'
import type { UpgradeDoor } from '#core/http/upgrades.ts'
import type { Log } from '#core/log.ts'
import type { Channels } from './channels.ts'
import type { Realtime } from './realtime.ts'
import type { Tickets } from './tickets.ts'
import { serveClient, turnAway } from './websocket-client.ts'

export type WebSocketOptions = {
  hub: Realtime
  channels: Channels
  tickets: Tickets
  /** From the cookie, the Authorization header or `?token=`. Null, or an error of its own, when there is none. */
  authenticate: (request: IncomingMessage) => Promise<Actor | null>
  /** Origins besides the server's own whose pages may use a session cookie here. */
  allowedOrigins: () => readonly string[]
  log: Log
}

const path = '/api/v1/realtime/ws'

// ws knows `closeTimeout` (milliseconds it waits for the other side's close frame); its types do not yet.
const webSocketSettings: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  // Its buffers would cost each connection some 300 KB.
  perMessageDeflate: false,
  maxPayload: 16 * 1024,
  closeTimeout: 5000,
}

/** The WebSocket door of the hub. Open connections end with the hub. */
export function realtimeDoor(options: WebSocketOptions): UpgradeDoor {
  const { hub } = options
  const log = options.log.child('realtime')
  const sockets = new WebSocketServer(webSocketSettings)
  return {
    path,
    async open(request, socket, head, url) {
      const onError = () => socket.destroy()
      socket.on('error', onError)
      const actor = await identify(options, request, url).catch(error => {
        if (!(error instanceof AppError)) log.error({ error }, 'a connection could not be authenticated')
        return null
      })
      if (socket.destroyed) return
      socket.removeListener('error', onError)
      sockets.handleUpgrade(request, socket, head, webSocket => {
        if (actor) serveClient({ hub, channels: options.channels, log }, webSocket, socket, actor)
        else
          turnAway(
            webSocket,
            unauthenticated(),
            'unauthenticated',
            localeOf(request.headers['accept-language']),
          )
      })
    },
  }
}

async function identify(
  { authenticate, tickets, allowedOrigins }: WebSocketOptions,
  request: IncomingMessage,
  url: URL,
): Promise<Actor | null> {
  const ticket = url.searchParams.get('ticket')
  if (ticket !== null) return tickets.take(ticket)
  const actor = await authenticate(request)
  if (actor?.via !== 'session') return actor
  // Browsers let any page open a WebSocket, and send our cookie along from sites that count as the same.
  const { origin } = request.headers
  if (origin === undefined || allowedOrigins().includes(origin)) return actor
  return URL.canParse(origin) && new URL(origin).host === request.headers.host ? actor : null
}
