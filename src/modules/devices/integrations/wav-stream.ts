import { badAudio } from '#core/speech/errors.ts'
import { createResampler } from '#core/speech/resample.ts'
import type { Pcm } from '#core/speech/types.ts'
import { readWav } from '#core/speech/wav.ts'

/** Bytes that may stand before the sound: names, pictures. */
const maxHead = 4 * 1024 * 1024
/** Bytes of sound that are read at once. */
const blockBytes = 64 * 1024

type Head = { format: Buffer; align: number; sample_rate: number; rest: Buffer; length: number }

/**
 * The sound of a WAV file while it is read, one channel, at the rate that is asked for. Holds no more than a piece of
 * it.
 * @throws AppError `speech.bad_audio`
 */
export async function* readWavStream(bytes: AsyncIterable<Buffer>, sample_rate: number): AsyncGenerator<Pcm> {
  const source = bytes[Symbol.asyncIterator]()
  try {
    const head = await readHead(source)
    const resampler = createResampler(head.sample_rate, sample_rate)
    for await (const block of blocksOf(source, head)) {
      const pcm = resampler.write(decode(head.format, block))
      if (pcm.length > 0) yield pcm
    }
    const last = resampler.end()
    if (last.length > 0) yield last
  } finally {
    await source.return?.()
  }
}

/** Reads up to the sound itself. `length` is what the file says there is of it; Infinity where it does not know. */
async function readHead(source: AsyncIterator<Buffer>): Promise<Head> {
  let held: Buffer = Buffer.alloc(0)
  const need = async (size: number) => {
    while (held.length < size) {
      const { value, done } = await source.next()
      if (done || size > maxHead) throw badAudio('no_sound')
      held = Buffer.concat([held, value])
    }
  }
  await need(12)
  if (held.toString('latin1', 0, 4) !== 'RIFF' || held.toString('latin1', 8, 12) !== 'WAVE')
    throw badAudio('no_wav_header')
  let format: Buffer | null = null
  for (let at = 12; ; ) {
    await need(at + 8)
    const id = held.toString('latin1', at, at + 4)
    const size = held.readUInt32LE(at + 4)
    if (id === 'data') {
      if (!format) throw badAudio('no_format')
      const { sample_rate } = readWav(fileOf(format, Buffer.alloc(0)))
      const align = Math.max(1, format.readUInt16LE(12))
      const length = size === 0xffff_ffff || size === 0 ? Number.POSITIVE_INFINITY : size
      return { format, align, sample_rate, rest: held.subarray(at + 8), length }
    }
    const next = at + 8 + size + (size % 2)
    await need(next)
    if (id === 'fmt ') format = Buffer.from(held.subarray(at + 8, at + 8 + size))
    at = next
  }
}

/** The sound in pieces of whole samples. */
async function* blocksOf(
  source: AsyncIterator<Buffer>,
  { align, rest, length }: Head,
): AsyncGenerator<Buffer> {
  let held: Buffer = rest
  let left = length
  for (;;) {
    const usable = Math.min(held.length, left)
    if (usable >= blockBytes || usable === left) {
      const size = Math.min(usable, blockBytes) - (Math.min(usable, blockBytes) % align)
      if (size === 0) return
      yield held.subarray(0, size)
      held = held.subarray(size)
      left -= size
      continue
    }
    const { value, done } = await source.next()
    if (done) left = held.length
    else held = Buffer.concat([held, value])
  }
}

const decode = (format: Buffer, block: Buffer): Pcm => readWav(fileOf(format, block)).pcm

/** A whole file of one piece, for the reader of whole files. */
function fileOf(format: Buffer, data: Buffer): Buffer {
  const head = Buffer.alloc(20)
  head.write('RIFF', 0)
  head.writeUInt32LE(28 + format.length + data.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(format.length, 16)
  const tail = Buffer.alloc(8)
  tail.write('data', 0)
  tail.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, format, tail, data])
}

/** Milliseconds of sound in a WAV file of `size` bytes that begins with `start`; null where it is not known. */
export function wavDuration(start: Buffer, size: number): number | null {
  const data = start.indexOf('data', 12, 'latin1')
  const format = start.indexOf('fmt ', 12, 'latin1')
  if (format < 0 || data < 0 || data + 8 > start.length || format + 24 > start.length) return null
  const bytesPerSecond = start.readUInt32LE(format + 16)
  const length = Math.min(start.readUInt32LE(data + 4), size - data - 8)
  return bytesPerSecond > 0 ? Math.round((length / bytesPerSecond) * 1000) : null
}
