import { badAudio, unsupportedAudio } from './errors.ts'

/* Ids of https://www.rfc-editor.org/rfc/rfc9559. Those of `containers` are entered, all others are skipped or read. */
const containers = new Set([0x1853_8067, 0x1f43_b675, 0x1654_ae6b, 0xae, 0xa0])
const ids = { trackNumber: 0xd7, codec: 0x86, simpleBlock: 0xa3, block: 0xa1, trackEntry: 0xae }

/** A number of variable length (EBML), or null where the file ends. With `keepMarker` as ids are written. */
function readNumber(view: Buffer, at: number, keepMarker: boolean): { value: number; length: number } | null {
  const first = view[at]
  if (first === undefined || first === 0) return null
  const length = Math.clz32(first) - 23
  if (at + length > view.length) return null
  let value = keepMarker ? first : first & (0xff >> length)
  let isUnknown = value === 0xff >> length
  for (let i = 1; i < length; i++) {
    const byte = view[at + i] ?? 0
    value = value * 256 + byte
    isUnknown &&= byte === 0xff
  }
  return { value: isUnknown && !keepMarker ? Number.POSITIVE_INFINITY : value, length }
}

/**
 * The Opus packets of a WebM file as browsers record it: one track, sizes that may be unknown, blocks without lacing.
 * A file that is cut off is read as far as it goes. Packets are read while they are asked for, each time anew.
 * @throws AppError `speech.bad_audio`, `speech.unsupported_audio`, while they are read
 */
export const readWebmOpus = (bytes: Uint8Array): Iterable<Uint8Array> => ({
  [Symbol.iterator]: () => packetsOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
})

function* packetsOf(view: Buffer): Generator<Uint8Array, void> {
  let entry: number | null = null
  let opusTrack: number | null = null
  for (let at = 0; at < view.length; ) {
    const id = readNumber(view, at, true)
    const size = id && readNumber(view, at + id.length, false)
    if (!id || !size) break
    const from = at + id.length + size.length
    if (containers.has(id.value)) {
      if (id.value === ids.trackEntry) entry = null
      at = from
      continue
    }
    const to = from + size.value
    if (to > view.length) break
    const data = view.subarray(from, to)
    if (id.value === ids.trackNumber && data.length <= 6 && data.length > 0)
      entry = data.readUIntBE(0, data.length)
    if (id.value === ids.codec && data.toString('latin1') === 'A_OPUS') opusTrack ??= entry
    if (id.value === ids.simpleBlock || id.value === ids.block) {
      const packet = packetOf(data, opusTrack)
      if (packet) yield packet
    }
    at = to
  }
  if (opusTrack === null) throw unsupportedAudio()
}

function packetOf(block: Buffer, wantedTrack: number | null): Uint8Array | null {
  const track = readNumber(block, 0, false)
  if (!track || track.value !== wantedTrack || block.length < track.length + 3) return null
  const lacing = (block[track.length + 2] ?? 0) & 0x06
  if (lacing !== 0) throw badAudio('laced_block')
  return block.subarray(track.length + 3)
}
