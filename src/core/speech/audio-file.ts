import { badAudio, unsupportedAudio } from './errors.ts'
import { readOggOpus } from './ogg.ts'
import { createOpusDecoder } from './opus.ts'
import { createResampler } from './resample.ts'
import type { Pcm } from './types.ts'
import { readWav } from './wav.ts'
import { readWebmOpus } from './webm.ts'

/** A recording that somebody sent. */
export type AudioFile = {
  seconds: number
  /** Its sound at `audioRate`, mono, a second or less at a time, so that a long one is never in memory at once. */
  pieces(): AsyncGenerator<Pcm>
}

/** What recognisers are given, samples a second. */
export const audioRate = 16_000

/**
 * Reads WAV, and Opus in Ogg or WebM, told apart by their first bytes.
 * @throws AppError `speech.bad_audio`, `speech.unsupported_audio`
 */
export function openAudioFile(bytes: Uint8Array): AudioFile {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (bytes.length === 0) throw badAudio({ reason: 'the file is empty' })
  if (magic === 'RIFF') return openWav(bytes)
  if (magic === 'OggS') {
    const { packets, skip } = readOggOpus(bytes)
    return openPackets(packets, Math.round((skip * audioRate) / 48_000))
  }
  if (magic === '\x1aE\xdf\xa3') return openPackets(readWebmOpus(bytes), 0)
  throw unsupportedAudio()
}

function openWav(bytes: Uint8Array): AudioFile {
  const { sample_rate, pcm } = readWav(bytes)
  return {
    seconds: pcm.length / sample_rate,
    async *pieces() {
      const resampler = createResampler(sample_rate, audioRate)
      for (let at = 0; at < pcm.length; at += sample_rate)
        yield resampler.write(pcm.subarray(at, at + sample_rate))
      yield resampler.end()
    },
  }
}

function openPackets(packets: readonly Uint8Array[], skip: number): AudioFile {
  return {
    seconds: packets.reduce((sum, packet) => sum + packet_ms(packet), 0) / 1000,
    async *pieces() {
      const decoder = await createOpusDecoder({ sample_rate: audioRate })
      let toSkip = skip
      try {
        for (const packet of packets) {
          const pcm = decoder.decode(packet)
          const skipped = Math.min(toSkip, pcm.length)
          toSkip -= skipped
          yield pcm.subarray(skipped)
        }
      } finally {
        decoder.free()
      }
    },
  }
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
