import { gunzipSync } from 'node:zlib'
import type { Frame } from './socket.ts'

/**
 * Volcengine’s binary framing: four bytes of header (version and header size, message type and flags, serialization
 * and compression, reserved), optional fields as the flags say, then length and payload. Integers are big-endian.
 * Source: https://www.volcengine.com/docs/6561/1354869 and https://www.volcengine.com/docs/6561/1329505
 */
export const messageType = {
  fullClient: 0b0001,
  audioClient: 0b0010,
  fullServer: 0b1001,
  audioServer: 0b1011,
  error: 0b1111,
} as const

export const flag = { none: 0, sequence: 0b0001, last: 0b0010, event: 0b0100 } as const
const json = 0b0001
const gzip = 0b0001

/** Events of the bidirectional synthesis. */
export const volcengineEvent = {
  startConnection: 1,
  finishConnection: 2,
  connectionStarted: 50,
  connectionFailed: 51,
  connectionFinished: 52,
  startSession: 100,
  cancelSession: 101,
  finishSession: 102,
  sessionStarted: 150,
  sessionCanceled: 151,
  sessionFinished: 152,
  sessionFailed: 153,
  taskRequest: 200,
  sentenceStart: 350,
  sentenceEnd: 351,
  response: 352,
} as const

export type VolcengineMessage = {
  type: number
  flags: number
  sequence: number | null
  event: number | null
  /** The connection or session that the event belongs to. */
  id: string | null
  error: number | null
  /** Unpacked. */
  payload: Buffer
}

const unpackedBytes = 16 * 1024 * 1024

/** @throws Error when the bytes are not such a message. */
export function readVolcengine(bytes: Buffer): VolcengineMessage {
  if (bytes.length < 4 || bytes.readUInt8(0) >> 4 !== 1) throw new Error('not a message')
  let at = (bytes.readUInt8(0) & 0x0f) * 4
  const type = bytes.readUInt8(1) >> 4
  const flags = bytes.readUInt8(1) & 0x0f
  const integer = () => {
    at += 4
    return bytes.readInt32BE(at - 4)
  }
  const block = () => {
    const length = integer()
    if (length < 0 || at + length > bytes.length) throw new Error('cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  const error = type === messageType.error ? integer() >>> 0 : null
  const hasEvent = error === null && (flags & flag.event) !== 0
  const sequence = error === null && !hasEvent && (flags & flag.sequence) !== 0 ? integer() : null
  const event = hasEvent ? integer() : null
  const hasId =
    event !== null && event !== volcengineEvent.startConnection && event !== volcengineEvent.finishConnection
  const id = hasId ? block().toString() : null
  const packed = block()
  const isPacked = (bytes.readUInt8(2) & 0x0f) === gzip && packed.length > 0
  const payload = isPacked ? gunzipSync(packed, { maxOutputLength: unpackedBytes }) : packed
  return { type, flags, sequence, event, id, error, payload }
}

/** One message. `payload` is sent as it is; `isPacked` says that it is gzip, `isJson` that it is JSON inside. */
export function writeVolcengine(message: {
  type: number
  flags?: number
  sequence?: number
  event?: number
  id?: string
  error?: number
  payload: Buffer
  isJson?: boolean
  isPacked?: boolean
}): Buffer {
  const { type, flags = flag.none, payload } = message
  const header = Buffer.from([
    0x11,
    (type << 4) | flags,
    ((message.isJson ? json : 0) << 4) | (message.isPacked ? gzip : 0),
    0,
  ])
  const parts: Buffer[] = [header]
  if (message.error !== undefined) parts.push(integer(message.error | 0))
  if (message.sequence !== undefined) parts.push(integer(message.sequence))
  if (message.event !== undefined) parts.push(integer(message.event))
  if (message.id !== undefined) parts.push(block(Buffer.from(message.id)))
  return Buffer.concat([...parts, block(payload)])
}

/** An event with JSON, as clients send it. */
export const writeEvent = (event: number, id: string | undefined, payload: object): Frame =>
  writeVolcengine({
    type: messageType.fullClient,
    flags: flag.event,
    event,
    id,
    payload: Buffer.from(JSON.stringify(payload)),
    isJson: true,
  })

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const block = (bytes: Buffer): Buffer => Buffer.concat([integer(bytes.length), bytes])
