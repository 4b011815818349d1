import { badAudio } from './errors.ts'

const flags = { continued: 1, first: 2, last: 4 }
const headerLength = 27
/** Opus counts positions at 48,000 a second, whatever the rate of the samples. */
const granuleRate = 48_000

/**
 * The Opus packets of an Ogg file, without its two headers, and what is to be dropped at the beginning, in samples at
 * 48,000 a second. A file that is cut off is read as far as it goes. Packets are read while they are asked for: a file
 * may hold millions that are a byte long.
 * @throws AppError `speech.bad_audio`, also while the packets are read
 */
export function readOggOpus(bytes: Uint8Array): { packets: Iterable<Uint8Array>; skip: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const head = packetsOf(view).next().value
  const isOpus =
    head && head.length >= 19 && Buffer.from(head.subarray(0, 8)).toString('latin1') === 'OpusHead'
  if (!isOpus) throw badAudio('no_opus')
  const packets = {
    *[Symbol.iterator]() {
      let headers = 2
      for (const packet of packetsOf(view)) {
        if (headers > 0) headers -= 1
        else yield packet
      }
    },
  }
  return { packets, skip: Buffer.from(head).readUInt16LE(10) }
}

/** All packets of the file's first stream. */
function* packetsOf(view: Buffer): Generator<Uint8Array, undefined> {
  let parts: Uint8Array[] = []
  let serial: number | null = null
  for (let at = 0; at + headerLength <= view.length; ) {
    if (view.toString('latin1', at, at + 4) !== 'OggS') throw badAudio('damaged_page')
    const stream = view.readUInt32LE(at + 14)
    const lacing = view.subarray(at + headerLength, at + headerLength + (view[at + 26] ?? 0))
    let from = at + headerLength + lacing.length
    serial ??= stream
    for (const length of lacing) {
      if (stream === serial) {
        parts.push(view.subarray(from, from + length))
        if (length < 255) {
          yield parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
          parts = []
        }
      }
      from += length
    }
    at = from
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  return crc >>> 0
})

function crcOf(page: Uint8Array): number {
  let crc = 0
  for (const byte of page) crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 255] as number)) >>> 0
  return crc
}

export type OggWriter = {
  /** The bytes before the first packet. */
  header(): Uint8Array
  /** A page of one packet of `frame_ms`. */
  page(packet: Uint8Array, isLast: boolean): Uint8Array
}

/** Writes mono Opus into Ogg (RFC 7845), a page a packet, so that a listener waits for none. */
export function createOggWriter(options: { sample_rate: number; frame_ms: number }): OggWriter {
  let sequence = 0
  let granule = 0n
  const serial = Math.floor(Math.random() * 0xffff_ffff)
  const step = BigInt((granuleRate / 1000) * options.frame_ms)
  const write = (packet: Uint8Array, flag: number, position: bigint): Uint8Array => {
    const lacing = Buffer.alloc(Math.floor(packet.length / 255) + 1, 255)
    lacing[lacing.length - 1] = packet.length % 255
    const header = Buffer.alloc(headerLength)
    header.write('OggS', 0)
    header[5] = flag
    header.writeBigInt64LE(position, 6)
    header.writeUInt32LE(serial, 14)
    header.writeUInt32LE(sequence++, 18)
    header[26] = lacing.length
    const page = Buffer.concat([header, lacing, packet])
    page.writeUInt32LE(crcOf(page), 22)
    return page
  }
  return {
    header() {
      const head = Buffer.alloc(19)
      head.write('OpusHead', 0)
      head[8] = 1
      head[9] = 1
      head.writeUInt16LE(312, 10)
      head.writeUInt32LE(options.sample_rate, 12)
      const vendor = Buffer.from('Banyan')
      const tags = Buffer.alloc(16 + vendor.length)
      tags.write('OpusTags', 0)
      tags.writeUInt32LE(vendor.length, 8)
      vendor.copy(tags, 12)
      return Buffer.concat([write(head, flags.first, 0n), write(tags, 0, 0n)])
    },
    page(packet, isLast) {
      granule += step
      return write(packet, isLast ? flags.last : 0, granule)
    },
  }
}
