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
  registry: Pick<Registry, 'authenticateDevice' | 'come' | 'leave' | 'isLatest' | 'keepOnline'>
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

/** What a connection tells the others of its device, on the socket channel. */
type Announcement = { type: 'connected'; epoch: number }

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
    registry
      .keepOnline([...connections].flatMap(({ coming }) => coming ?? []))
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
   * Hears what concerns this device, in whichever process it happens. A newcomer, who has been let in by now, is noted
   * and then announced there; whoever came before gives way. The database numbers who comes, so all agree about it.
   */
  function follow(connection: Connection, device_id: string): () => void {
    const channel = socketChannel(device_id)
    let latest = 0
    let isGone = false
    const warn = (what: string) => (error: unknown) => log.warn({ error }, what)
    const giveWay = () => {
      if (connection.coming && connection.coming.epoch < latest) close(connection, 'replaced')
    }
    const hear = (data: object) => {
      if (isGone) return
      const news = data as SocketNews | Announcement
      if (news.type === 'connected') {
        latest = Math.max(latest, news.epoch)
        giveWay()
      } else if (news.type === 'revoked') close(connection, 'revoked')
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
      if (connection.coming && !(await registry.isLatest(connection.coming)))
        return close(connection, 'replaced')
      deps.onNews(connection, 'commands')
      deps.onNews(connection, 'desired')
    }
    const onLost = () => {
      if (!isGone) lookAgain().catch(warn('a device could not be asked for again'))
    }
    const standing = realtime.subscribe(channel, { onLost }, ({ data }) => hear(data))
    // Only who listens is noted: it hears of all who are noted after it.
    const noting = standing
      .then(() => (isGone ? null : registry.come(device_id, connection.caller.ip)))
      .then(async coming => {
        connection.coming = coming
        if (!coming) return
        giveWay()
        await realtime.publish(channel, { type: 'connected', epoch: coming.epoch } satisfies Announcement)
      })
      .catch(error => {
        log.warn({ error }, 'a device could not be announced')
        // It comes again; as it is, nobody would know that it is there.
        close(connection, 'restart')
      })
    return () => {
      isGone = true
      const left = noting
        .then(async () => {
          const subscription = await standing
          subscription.close()
          if (connection.coming) await registry.leave(connection.coming)
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
