import type { RawData, WebSocket } from 'ws'
import { AppError, type Locale, translateError, translateIssues } from '#core/errors.ts'
import { isStorable, suspiciousEscape } from '#core/http/storable.ts'
import { zodIssues } from '#core/http/zod-issues.ts'
import { newId } from '#core/ids.ts'
import { closings as common } from '#core/realtime/connections.ts'
import type { Coming } from '../registry.ts'
import type { Session } from '../voice/session.ts'
import type { Caller } from './credentials.ts'
import {
  audioUnsupported,
  badFrame,
  badMessage,
  messageTooLarge,
  tooManyMessages,
  turnBroken,
} from './errors.ts'
import { decodeFrame, encodeFrame, type FramingVersion } from './framing.ts'
import type { createIot } from './iot.ts'
import type { DeviceTool, Mcp } from './mcp.ts'
import { type DownMessage, type Hello, UpMessage } from './messages.ts'

const { restart, too_slow, flooding, too_many } = common

/** Why we end a connection: the close code, and the reason that goes with it. */
export const closings = {
  restart,
  too_slow,
  flooding,
  too_many,
  idle: { code: 1000, reason: 'Idle' },
  goodbye: { code: 1000, reason: 'Goodbye' },
  refused: { code: 4001, reason: 'Not signed in' },
  revoked: { code: 4001, reason: 'The token is void' },
  no_hello: { code: 4002, reason: 'No hello' },
  replaced: { code: 4003, reason: 'Connected again elsewhere' },
} as const
export type Closing = keyof typeof closings

/** What is known of one connection. Plain data beside shared functions: thousands of these lie idle. */
export type Connection = {
  /** Also the `session_id` of its messages; clients need not send it back. */
  id: string
  webSocket: WebSocket
  caller: Caller
  locale: Locale
  framing: FramingVersion
  hello: Hello | null
  /** By which its device counts as there, once that is noted. */
  coming: Coming | null
  /** Whether anything came yet. */
  has_spoken: boolean
  session: Session | null
  mcp: Mcp | null
  iot: ReturnType<typeof createIot> | null
  tools: readonly DeviceTool[]
  /** Whether what it can do is known by now. */
  is_introduced: boolean
  opened_at: number
  /** When it last did something that is no mere noise. */
  active_at: number
  is_alive: boolean
  /** Messages that it may still send at once. */
  allowance: number
  allowance_at: number
  refused: number
  complained_at: number
  why: Closing | null
}

/** Larger ones are refused with an error; those past `maxPayload` of the door end the connection (1009). */
export const largestText = 64 * 1024
export const largestAudio = 8 * 1024
export const largestPayload = 256 * 1024

/** Messages at once; as many flow back in four seconds. A device sends 50 a second at most. */
const burst = 400
const refill_ms = 4000
/** Errors that are told of: at most one in this time. */
const complaintEvery_ms = 500
/** Unsent bytes at which a device counts as too slow: half a minute of sound. */
const bufferCap = 128 * 1024

export function createConnection(webSocket: WebSocket, caller: Caller, now: number): Connection {
  return {
    id: newId(),
    webSocket,
    caller,
    locale: caller.locale,
    framing: caller.framing,
    hello: null,
    coming: null,
    has_spoken: false,
    session: null,
    mcp: null,
    iot: null,
    tools: [],
    is_introduced: false,
    opened_at: now,
    active_at: now,
    is_alive: true,
    allowance: burst,
    allowance_at: now,
    refused: 0,
    complained_at: Number.NEGATIVE_INFINITY,
    why: null,
  }
}

const isOpen = ({ webSocket }: Connection): boolean => webSocket.readyState === webSocket.OPEN

export function send(connection: Connection, message: DownMessage): void {
  if (isOpen(connection)) connection.webSocket.send(JSON.stringify(message))
}

/** One Opus packet, in the connection's framing. */
export function sendAudio(connection: Connection, packet: Uint8Array, timestamp: number): void {
  if (!isOpen(connection)) return
  connection.webSocket.send(encodeFrame(connection.framing, packet, timestamp), { binary: true })
  if (connection.webSocket.bufferedAmount > bufferCap) close(connection, 'too_slow')
}

export function sendError(connection: Connection, error: AppError, request_id?: string | number): void {
  const [issue] = translateIssues(error, connection.locale) ?? []
  const sentence = translateError(error, connection.locale)
  const detail = issue ? [sentence, issue.detail].join(connection.locale === 'en' ? ' ' : '') : sentence
  const answer = request_id === undefined ? {} : { request_id }
  send(connection, { type: 'error', ...answer, code: error.code, detail })
}

/** Tells what is wrong with what came in, but not a thousand times a second. */
export function complain(connection: Connection, error: AppError): void {
  const now = performance.now()
  if (now - connection.complained_at < complaintEvery_ms) return
  connection.complained_at = now
  sendError(connection, error)
}

export function close(connection: Connection, why: Closing): void {
  if (!isOpen(connection)) return
  connection.why = why
  connection.session?.close()
  connection.webSocket.close(closings[why].code, closings[why].reason)
}

/** What becomes of what came in. */
export type Handlers = {
  onHello(connection: Connection, hello: Hello): void
  onMessage(connection: Connection, message: UpMessage): void
  onUnexpected(error: unknown): void
  count(type: string): void
}

/** One message from the wire. Never throws, and never closes but on a flood: devices build their text by hand. */
export function receive(connection: Connection, data: RawData, isBinary: boolean, handlers: Handlers): void {
  // We have said goodbye: what still comes is not ours.
  if (!isOpen(connection)) return
  const now = performance.now()
  connection.is_alive = true
  if (!mayGo(connection, now)) return
  try {
    const bytes = asBuffer(data)
    if (isBinary) receiveFrame(connection, bytes, handlers)
    else receiveText(connection, bytes, handlers)
  } catch (error) {
    if (!(error instanceof AppError)) handlers.onUnexpected(error)
    complain(connection, error instanceof AppError ? error : turnBroken())
  }
}

function mayGo(connection: Connection, now: number): boolean {
  const back = ((now - connection.allowance_at) / refill_ms) * burst
  connection.allowance = Math.min(burst, connection.allowance + back)
  connection.allowance_at = now
  if (connection.allowance >= 1) {
    connection.allowance -= 1
    if (connection.allowance > burst / 2) connection.refused = 0
    return true
  }
  connection.refused += 1
  if (connection.refused > 10 * burst) close(connection, 'flooding')
  else complain(connection, tooManyMessages())
  return false
}

/** As `ws` gives it by default: one buffer. */
const asBuffer = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [new Uint8Array(data)])

function receiveFrame(connection: Connection, bytes: Buffer, handlers: Handlers) {
  handlers.count('audio')
  // Some clients send one without a byte when they stop recording.
  if (bytes.length === 0) return
  if (bytes.length > largestAudio) throw messageTooLarge({ length: bytes.length, limit: largestAudio })
  const frame = decodeFrame(connection.framing, bytes)
  if (!frame) {
    // A header and nothing behind it is an empty frame too.
    if (connection.framing !== 1 && bytes.length === (connection.framing === 2 ? 16 : 4)) return
    throw badFrame({ version: connection.framing })
  }
  if (frame.is_json) receiveText(connection, Buffer.from(frame.payload), handlers)
  else connection.session?.hear(frame.payload)
}

function receiveText(connection: Connection, bytes: Buffer, handlers: Handlers) {
  if (bytes.length > largestText) throw messageTooLarge({ length: bytes.length, limit: largestText })
  const message = parse(bytes.toString())
  handlers.count(message.type)
  connection.has_spoken = true
  connection.active_at = performance.now()
  if (message.type === 'hello') greet(connection, message, handlers)
  else handlers.onMessage(connection, message)
}

/** @throws AppError `device_message.invalid` */
function parse(text: string): UpMessage {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badMessage({ reason: 'JSON' })
  }
  const { data, error } = UpMessage.safeParse(value)
  if (data && !(suspiciousEscape.test(text) && !isStorable(value))) return data
  if (!error) throw badMessage({ reason: unstorableOf(value) })
  const issues = zodIssues(error, value)
  const place = issues[0]?.pointer.slice(1).replaceAll('/', '.').slice(0, 200)
  throw badMessage({ reason: place || 'JSON' }, { issues })
}

/** The first character that cannot be kept: JSON escapes it, as it does no other that begins so. */
function unstorableOf(value: unknown): string {
  const escaped = /(?<!\\)(?:\\\\)*\\u(0000|d[89a-f]..)/.exec(JSON.stringify(value))?.[1] ?? '0000'
  return escaped === '0000' ? 'U+0000' : `U+${escaped.toUpperCase()}, half a surrogate pair`
}

function greet(connection: Connection, hello: Hello, handlers: Handlers) {
  connection.session?.close()
  connection.session = null
  connection.mcp?.stop()
  connection.mcp = null
  connection.iot = null
  connection.tools = []
  connection.is_introduced = false
  connection.hello = hello
  connection.framing = hello.version ?? connection.framing
  send(connection, {
    type: 'hello',
    transport: 'websocket',
    session_id: connection.id,
    audio_params: { format: 'opus', sample_rate: 24_000, channels: 1, frame_duration: 60 },
  })
  const format = hello.audio_params?.format ?? 'opus'
  if (format.toLowerCase() !== 'opus') sendError(connection, audioUnsupported())
  handlers.onHello(connection, hello)
}
