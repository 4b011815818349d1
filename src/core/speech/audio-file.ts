import { setImmediate as nextTurn } from 'node:timers/promises'
import { badAudio, unsupportedAudio } from './errors.ts'
import { readOggOpus } from './ogg.ts'
import { createOpusDecoder } from './opus.ts'
import { createResampler } from './resample.ts'
import type { Pcm } from './types.ts'
import { openWav } from './wav.ts'
import { readWebmOpus } from './webm.ts'

/** A recording that somebody sent. */
export type AudioFile = {
  seconds: number
  /** Its sound at `audioRate`, mono, a second or less at a time, so that a long one is never in memory at once. */
  pieces(): AsyncGenerator<Pcm>
}

/** What recognisers are given, samples a second. */
export const audioRate = 16_000
/** Packets of the longest recording by far; what has more was made to cost. */
const mostPackets = 2_000_000
/** Milliseconds of work on a recording after which others have the thread: devices are spoken to in between. */
const slice_ms = 8

/**
 * Reads WAV, and Opus in Ogg or WebM, told apart by their first bytes.
 * @throws AppError `speech.bad_audio`, `speech.unsupported_audio`
 */
export function openAudioFile(bytes: Uint8Array): AudioFile {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (bytes.length === 0) throw badAudio('empty')
  if (magic === 'RIFF') return openWavFile(bytes)
  if (magic === 'OggS') {
    const { packets, skip } = readOggOpus(bytes)
    return openPackets(packets, Math.round((skip * audioRate) / 48_000))
  }
  if (magic === '\x1aE\xdf\xa3') return openPackets(readWebmOpus(bytes), 0)
  throw unsupportedAudio()
}

function openWavFile(bytes: Uint8Array): AudioFile {
  const { sample_rate, length, read } = openWav(bytes)
  return {
    seconds: length / sample_rate,
    async *pieces() {
      const resampler = createResampler(sample_rate, audioRate)
      const rest = createRest()
      for (let at = 0; at < length; at += sample_rate) {
        yield resampler.write(read(at, Math.min(length, at + sample_rate)))
        await rest()
      }
      yield resampler.end()
    },
  }
}

/** Also of what is done with each piece: nothing else on the way need wait. */
function createRest(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < slice_ms) return
    await nextTurn()
    since = performance.now()
  }
}

function openPackets(packets: Iterable<Uint8Array>, skip: number): AudioFile {
  return {
    seconds: secondsOf(packets),
    async *pieces() {
      const decoder = await createOpusDecoder({ sample_rate: audioRate })
      const rest = createRest()
      let toSkip = skip
      try {
        for (const packet of packets) {
          const pcm = decoder.decode(packet)
          const skipped = Math.min(toSkip, pcm.length)
          toSkip -= skipped
          yield pcm.subarray(skipped)
          await rest()
        }
      } finally {
        decoder.free()
      }
    },
  }
}

/** @throws AppError `speech.bad_audio` */
function secondsOf(packets: Iterable<Uint8Array>): number {
  let count = 0
  let ms = 0
  for (const packet of packets) {
    ms += packet_ms(packet)
    if (++count > mostPackets) throw badAudio('too_many_packets')
  }
  return ms / 1000
}

/** How long a packet sounds, by its first bytes: RFC 6716, section 3.1. */
export function packet_ms(packet: Uint8Array): number {
  const head = packet[0]
  if (head === undefined) return 0
  const config = head >> 3
  const silk = [10, 20, 40, 60]
  const celt = [2.5, 5, 10, 20]
  const frame = config < 12 ? silk[config % 4] : config < 16 ? silk[config % 2] : celt[config % 4]
  const code = head & 3
  const frames = code === 3 ? (packet[1] ?? 0) & 63 : code === 0 ? 1 : 2
  return (frame ?? 0) * frames
}
