import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { AppError, internalError, translateError } from '#core/errors.ts'
import { localeOf } from '#core/http/locale.ts'
import type { UpgradeDoor } from '#core/http/upgrades.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { type SocketNews, socketChannel } from '../live.ts'
import type { Registry } from '../registry.ts'
import {
  type Closing,
  type Connection,
  close,
  closings,
  createConnection,
  type Handlers,
  largestPayload,
  receive,
  sendError,
} from './connection.ts'
import { type Caller, type CredentialDeps, identify, mayStay } from './credentials.ts'
import { helloMissing, tooManySockets } from './errors.ts'

export const socketPath = '/api/v1/devices/ws'

export type DoorDeps = CredentialDeps & {
  registry: Pick<Registry, 'authenticateDevice' | 'touch' | 'keepOnline'>
  realtime: Pick<Realtime, 'subscribe' | 'publish' | 'connections'>
  log: Log
  metrics: Metrics
  settings: {
    DEVICES_HELLO_SECONDS: number
    DEVICES_IDLE_SECONDS: number
    DEVICES_MAX_CONNECTIONS: number
  }
  handlers: Handlers
  onNews(connection: Connection, news: 'commands' | 'desired'): void
  /** What a connection had is let go. */
  onClose(connection: Connection): void
  /** Whether somebody speaks, or is spoken to. */
  isBusy(connection: Connection): boolean
}

/** What connections of one device tell each other, on its socket channel. */
type Announcement = { type: 'connected'; connection_id: string } | { type: 'left' }

// ws knows `closeTimeout` (milliseconds it waits for the other side's close frame); its types do not yet.
const webSocketSettings: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  // Its buffers would cost each connection some 300 KB, and devices do not speak it.
  perMessageDeflate: false,
  maxPayload: largestPayload,
  closeTimeout: 5000,
}

const tick_ms = 1000
const pingEvery_ms = 25_000
const presenceEvery_ms = 60_000

/** The door for devices and apps, and what is common to all connections: life, presence, replacement. */
export function createDoor(deps: DoorDeps): UpgradeDoor & { readonly size: number } {
  const { log, registry, realtime, settings } = deps
  const sockets = new WebSocketServer(webSocketSettings)
  const connections = new Set<Connection>()
  const closed = deps.metrics.counter({
    name: 'devices_connections_closed_total',
    help: 'Device connections that ended, by who or what ended them',
    labels: ['reason'],
  })
  deps.metrics.gauge({
    name: 'devices_connections',
    help: 'Open connections of devices and of apps that speak to them',
    labels: ['kind'],
    collect(gauge) {
      let devices = 0
      for (const { caller } of connections) if (caller.device) devices += 1
      gauge.set({ kind: 'device' }, devices)
      gauge.set({ kind: 'app' }, connections.size - devices)
    },
  })
  /** Presences being ended: the process waits for them before it leaves. */
  const leaving = new Set<Promise<void>>()
  let isStopping = false
  let pingedAt = performance.now()
  let presenceAt = performance.now()
  let renewing: Promise<unknown> = Promise.resolve()
  // One timer for all: each connection has three deadlines.
  const timer = setInterval(tick, tick_ms)
  timer.unref()

  function tick() {
    const now = performance.now()
    const isPingTime = now - pingedAt >= pingEvery_ms
    if (isPingTime) pingedAt = now
    for (const connection of connections) {
      if (isPingTime && !ping(connection)) continue
      if (!connection.has_spoken && now - connection.opened_at >= settings.DEVICES_HELLO_SECONDS * 1000) {
        sendError(connection, helloMissing({ seconds: settings.DEVICES_HELLO_SECONDS }))
        close(connection, 'no_hello')
      } else if (
        now - connection.active_at >= settings.DEVICES_IDLE_SECONDS * 1000 &&
        !deps.isBusy(connection)
      )
        close(connection, 'idle')
    }
    if (now - presenceAt < presenceEvery_ms) return
    presenceAt = now
    const online = [...connections].flatMap(({ caller }) => caller.device?.device_id ?? [])
    renewing = registry
      .keepOnline(online)
      .catch(error => log.warn({ error }, 'presence could not be renewed'))
  }

  /** False when the other side is gone. */
  function ping(connection: Connection): boolean {
    if (!connection.is_alive) {
      connection.webSocket.terminate()
      return false
    }
    connection.is_alive = false
    connection.webSocket.ping()
    return true
  }

  function serve(webSocket: WebSocket, caller: Caller) {
    const connection = createConnection(webSocket, caller, performance.now())
    let leave: () => void = () => undefined
    try {
      // Apps count among their user's connections, and end when the user is signed out.
      if (!caller.device && caller.actor)
        leave = realtime.connections.add({
          kind: 'websocket',
          actor: caller.actor,
          close: () => close(connection, 'revoked'),
          heartbeat: () => undefined,
        })
    } catch (error) {
      return turnAway(webSocket, error, 'too_many', caller.locale)
    }
    connections.add(connection)
    const letGo = caller.device ? follow(connection, caller.device.device_id) : null
    webSocket.on('message', (data, isBinary) => receive(connection, data, isBinary, deps.handlers))
    webSocket.on('pong', () => {
      connection.is_alive = true
    })
    webSocket.on('error', error => log.debug({ error }, 'a device connection failed'))
    webSocket.on('close', () => {
      connections.delete(connection)
      closed.inc({ reason: connection.why ?? 'client' })
      leave()
      letGo?.()
      deps.onClose(connection)
    })
  }

  /**
   * Hears what concerns this device, in whichever process it happens. A newcomer, who has been let in by now, is
   * announced there; whoever was announced before gives way. The channel's order decides between two at once.
   */
  function follow(connection: Connection, device_id: string): () => void {
    const channel = socketChannel(device_id)
    let isAnnounced = false
    let isGone = false
    let noting: Promise<unknown> = Promise.resolve()
    const isThere = async () => {
      if (isGone) return
      const noted = registry.touch(device_id, { is_online: true, ip: connection.caller.ip })
      noting = Promise.allSettled([noting, noted])
      await noted
    }
    const warn = (what: string) => (error: unknown) => log.warn({ error }, what)
    const hear = (data: object) => {
      if (isGone) return
      const news = data as SocketNews | Announcement
      if (news.type === 'connected') {
        if (news.connection_id === connection.id) isAnnounced = true
        else if (isAnnounced) close(connection, 'replaced')
      } else if (news.type === 'left') isThere().catch(warn('presence could not be renewed'))
      else if (news.type === 'revoked') close(connection, 'revoked')
      else if (news.type === 'binding') stayOrGo().catch(warn('a device could not be asked for again'))
      else deps.onNews(connection, news.type)
    }
    /** Another installation may have come in with this MAC while nobody had it, or a member have been sent away. */
    const stayOrGo = async (): Promise<boolean> => {
      const stays = await mayStay(deps, connection.caller)
      if (!stays) close(connection, 'revoked')
      return stays
    }
    /** News were lost: whatever they may have been. */
    const lookAgain = async () => {
      if (!(await stayOrGo())) return
      deps.onNews(connection, 'commands')
      deps.onNews(connection, 'desired')
    }
    const onLost = () => {
      if (!isGone) lookAgain().catch(warn('a device could not be asked for again'))
    }
    const standing = realtime.subscribe(channel, { onLost }, ({ data }) => hear(data))
    standing
      .then(() => realtime.publish(channel, { type: 'connected', connection_id: connection.id }))
      .then(isThere)
      .catch(warn('a device could not be announced'))
    return () => {
      isGone = true
      const left = standing
        .then(async subscription => {
          subscription.close()
          // Whoever took its place is there.
          if (connection.why === 'replaced') return
          // Its arrival may just be being noted, and it may be among those whose presence is renewed.
          await Promise.all([noting, renewing])
          await registry.touch(device_id, { is_online: false })
          // One that came meanwhile, and was not heard of here, says that it is there.
          await realtime.publish(channel, { type: 'left' })
        })
        .catch(warn('a device could not be signed off'))
        .finally(() => leaving.delete(left))
      leaving.add(left)
    }
  }

  return {
    path: socketPath,
    get size() {
      return connections.size
    },
    async open(request: IncomingMessage, socket: Duplex, head: Buffer, url: URL) {
      const onError = () => socket.destroy()
      socket.on('error', onError)
      const known = await letIn(request, url).catch((error: unknown) => error)
      if (socket.destroyed) return
      socket.removeListener('error', onError)
      sockets.handleUpgrade(request, socket, head, webSocket => {
        if (isCaller(known)) serve(webSocket, known)
        else turnAway(webSocket, known, 'refused', localeOf(request.headers['accept-language']))
      })
    },
    async stop() {
      isStopping = true
      clearInterval(timer)
      const last = [...connections].map(
        ({ webSocket }) => new Promise<void>(resolve => webSocket.once('close', () => resolve())),
      )
      for (const connection of connections) close(connection, 'restart')
      const late = setTimeout(() => {
        for (const { webSocket } of connections) webSocket.terminate()
      }, 2000)
      await Promise.all(last)
      clearTimeout(late)
      await Promise.all(leaving)
    },
  }

  /** @throws AppError why not */
  async function letIn(request: IncomingMessage, url: URL): Promise<Caller> {
    if (isStopping || connections.size >= settings.DEVICES_MAX_CONNECTIONS) throw tooManySockets()
    return identify(deps, request, url)
  }

  function turnAway(webSocket: WebSocket, error: unknown, why: Closing, locale: Caller['locale']) {
    const known = error instanceof AppError ? error : internalError({ request_id: '-' })
    if (known !== error) log.error({ error }, 'a device connection could not be authenticated')
    webSocket.on('error', () => undefined)
    webSocket.send(JSON.stringify({ type: 'error', code: known.code, detail: translateError(known, locale) }))
    webSocket.close(closings[why].code, closings[why].reason)
  }
}

const isCaller = (value: unknown): value is Caller =>
  typeof value === 'object' && value !== null && 'framing' in value
