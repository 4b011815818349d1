import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { AppError, internalError, type Locale, translateError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Log } from '#core/log.ts'
import { textFrame } from './batch.ts'
import type { Channels } from './channels.ts'
import { type Closing, closings } from './connections.ts'
import { invalidFrame, tooManyChannels, tooManyFrames } from './errors.ts'
import type { Realtime } from './realtime.ts'

/** Unsent bytes at which a client counts as too slow. */
const bufferCap = 4 * 1024 * 1024
/** Unsent bytes above which the next subscription, with its replay, waits. */
const calmBuffer = 256 * 1024
/** On one connection, of either kind. */
export const mostChannels = 200
/** Frames that a client may send at once; as many flow back in 10 seconds. Enough to subscribe everywhere again. */
const frameBurst = 200
const frameRefillTime = 10_000

const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    channel: z.string().min(1).max(200),
    from: z.string().max(64).optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), channel: z.string().min(1).max(200) }),
  z.strictObject({ type: z.literal('ping') }),
])
type ClientFrame = z.infer<typeof ClientFrame>

const pong = textFrame('{"type":"pong"}')
/** An empty ping frame (RFC 6455, section 5.5.2). Every client answers it by itself. */
const pingFrame = Buffer.from([0x89, 0])

type Door = { hub: Realtime; channels: Channels; log: Log }

/** What is known of one connection. Plain data beside shared functions: thousands of these lie idle. */
type Client = {
  door: Door
  webSocket: WebSocket
  socket: Duplex
  actor: Actor
  following: Map<string, () => void>
  /** Frames are worked off one after the other, so that an unsubscribe never overtakes its subscribe. */
  work: Promise<void> | null
  isAlive: boolean
  frames: number
  framesAt: number
  refused: number
}

/** Speaks the realtime protocol with a client that has been let in, until one side ends it. */
export function serveClient(door: Door, webSocket: WebSocket, socket: Duplex, actor: Actor): void {
  const client: Client = {
    door,
    webSocket,
    socket,
    actor,
    following: new Map(),
    work: null,
    isAlive: true,
    frames: frameBurst,
    framesAt: performance.now(),
    refused: 0,
  }
  let remove: () => void
  try {
    remove = door.hub.connections.add({
      kind: 'websocket',
      actor,
      close: closing => close(client, closing),
      heartbeat: () => heartbeat(client),
    })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    turnAway(webSocket, error, error.code === 'server.unavailable' ? 'restart' : 'too_many', actor.locale)
    return
  }
  webSocket.on('message', (data, isBinary) => receive(client, data, isBinary))
  webSocket.on('pong', () => {
    client.isAlive = true
  })
  webSocket.on('error', error => door.log.debug({ error }, 'a connection failed'))
  webSocket.on('close', () => {
    remove()
    leaveAll(client)
  })
}

/** Says why in a frame, since browsers show scripts little else, and closes. */
export function turnAway(webSocket: WebSocket, error: AppError, closing: Closing, locale: Locale): void {
  webSocket.on('error', () => undefined)
  webSocket.send(errorText(error, locale))
  webSocket.close(closings[closing].code, closings[closing].reason)
}

export const errorText = (error: AppError, locale: Locale, channel?: string): string =>
  JSON.stringify({ type: 'error', channel, code: error.code, detail: translateError(error, locale) })

const isOpen = ({ webSocket }: Client): boolean => webSocket.readyState === webSocket.OPEN

function close(client: Client, closing: Closing) {
  if (!isOpen(client)) return
  client.door.hub.connections.dropped(closing)
  client.webSocket.close(closings[closing].code, closings[closing].reason)
  leaveAll(client)
}

function leaveAll({ following }: Client) {
  for (const leave of following.values()) leave()
  following.clear()
}

/** Whole frames go straight to the socket, the same bytes for everyone; ws would make a header for each client. */
function write(client: Client, frame: Buffer) {
  if (!isOpen(client)) return
  client.socket.write(frame)
  if (client.socket.writableLength > bufferCap) close(client, 'too_slow')
}

function heartbeat(client: Client) {
  if (client.isAlive) {
    client.isAlive = false
    write(client, pingFrame)
  } else client.webSocket.terminate()
}

function receive(client: Client, data: WebSocket.RawData, isBinary: boolean) {
  client.isAlive = true
  if (!mayGo(client)) {
    client.refused += 1
    if (client.refused > frameBurst) close(client, 'flooding')
    else fail(client, tooManyFrames())
    return
  }
  const frame = isBinary ? null : parseFrame(String(data))
  if (!frame) {
    fail(client, invalidFrame())
    return
  }
  const mine: Promise<void> = (client.work ?? Promise.resolve())
    .then(() => handle(client, frame))
    .finally(() => {
      if (client.work === mine) client.work = null
    })
  client.work = mine
}

function mayGo(client: Client): boolean {
  const now = performance.now()
  const refilled = client.frames + ((now - client.framesAt) / frameRefillTime) * frameBurst
  client.frames = Math.min(frameBurst, refilled)
  client.framesAt = now
  if (client.frames < 1) return false
  client.frames -= 1
  return true
}

function parseFrame(text: string): ClientFrame | null {
  try {
    return ClientFrame.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/** Never rejects: a frame that cannot be obeyed is answered by an error frame. */
async function handle(client: Client, frame: ClientFrame): Promise<void> {
  if (!isOpen(client)) return
  if (frame.type === 'ping') write(client, pong)
  else if (frame.type === 'unsubscribe') {
    client.following.get(frame.channel)?.()
    client.following.delete(frame.channel)
  } else await subscribe(client, frame.channel, frame.from).catch(error => fail(client, error, frame.channel))
}

async function subscribe(client: Client, channel: string, from: string | undefined) {
  const { following, actor, door } = client
  if (following.size >= mostChannels && !following.has(channel)) throw tooManyChannels({ max: mostChannels })
  await door.channels.authorize(actor, channel)
  await calm(client)
  following.get(channel)?.()
  following.delete(channel)
  const leave = await door.hub.attach(channel, from, {
    ready(position, recovered) {
      write(client, textFrame(JSON.stringify({ type: 'subscribed', channel, position, recovered })))
    },
    batch: batch => write(client, batch.webSocketFrame),
  })
  if (isOpen(client)) following.set(channel, leave)
  else leave()
}

/** Many replays at once would look like a slow client. */
async function calm(client: Client) {
  while (isOpen(client) && client.socket.writableLength > calmBuffer) {
    const waiting = new AbortController()
    const signal = waiting.signal
    await Promise.race([once(client.socket, 'drain', { signal }), once(client.socket, 'close', { signal })])
    waiting.abort()
  }
}

function fail(client: Client, error: unknown, channel?: string) {
  const known = error instanceof AppError ? error : internalError({ request_id: '-' })
  if (known !== error) client.door.log.error({ error }, 'a subscription failed')
  write(client, textFrame(errorText(known, client.actor.locale, channel)))
}
