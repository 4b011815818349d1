/** How an Opus packet stands in a binary message: bare, or behind a header of 16 or of 4 bytes. */
export type FramingVersion = 1 | 2 | 3

export type AudioFrame = {
  /** One Opus packet, or JSON text where `is_json`. Shares memory with the message. */
  payload: Uint8Array
  is_json: boolean
  /** Milliseconds; of version 2 only, 0 otherwise. */
  timestamp: number
}

const typeOpus = 0
const typeJson = 1
const headerLength = { 1: 0, 2: 16, 3: 4 } as const
/** Version 3 counts the payload in 16 bits. */
const longest = 0xffff

/**
 * Reads a binary message. Null for what is no frame of this version: a short header, another version, a size that is
 * not the payload's. An empty frame is none either.
 */
export function decodeFrame(version: FramingVersion, message: Buffer): AudioFrame | null {
  const header = headerLength[version]
  if (message.length <= header) return null
  const payload = message.subarray(header)
  if (version === 1) return { payload, is_json: false, timestamp: 0 }
  if (version === 2) {
    const type = message.readUInt16BE(2)
    if (message.readUInt16BE(0) !== 2 || type > typeJson) return null
    if (message.readUInt32BE(12) !== payload.length) return null
    return { payload, is_json: type === typeJson, timestamp: message.readUInt32BE(8) }
  }
  const type = message[0] ?? 0
  if (type > typeJson || message.readUInt16BE(2) !== payload.length) return null
  return { payload, is_json: type === typeJson, timestamp: 0 }
}

/**
 * Puts a packet into a message of this version. Devices read the header without looking at the length of the message,
 * so it is always whole. `timestamp` in milliseconds, of version 2 only.
 * @throws {RangeError} for an empty packet, or one that the size field cannot hold.
 */
export function encodeFrame(version: FramingVersion, packet: Uint8Array, timestamp: number): Uint8Array {
  if (packet.length === 0 || packet.length > longest)
    throw new RangeError(`An Opus packet of ${packet.length} bytes`)
  if (version === 1) return packet
  const header = headerLength[version]
  const message = Buffer.allocUnsafe(header + packet.length)
  if (version === 2) {
    message.writeUInt16BE(2, 0)
    message.writeUInt16BE(typeOpus, 2)
    message.writeUInt32BE(0, 4)
    message.writeUInt32BE(timestamp >>> 0, 8)
    message.writeUInt32BE(packet.length, 12)
  } else {
    message[0] = typeOpus
    message[1] = 0
    message.writeUInt16BE(packet.length, 2)
  }
  message.set(packet, header)
  return message
}
