import { badOpusPacket } from './errors.ts'
import type { Pcm } from './types.ts'

export type OpusRate = 8000 | 12000 | 16000 | 24000 | 48000

/** One stream being encoded, mono. Holds about 70 KB until `free`. */
export type OpusEncoder = {
  /** Samples of one packet. */
  readonly frame_size: number
  /** One packet from exactly `frame_size` samples. */
  encode(pcm: Pcm): Uint8Array
  free(): void
}

/** One stream being decoded into mono. Holds about 30 KB until `free`. */
export type OpusDecoder = {
  /**
   * The samples of one packet: 2.5 to 120 ms, whatever the packet says. A packet without a byte is ignored (no samples);
   * one or two bytes are silence that an encoder in DTX sends.
   * @throws AppError `speech.bad_opus_packet`; the decoder stays usable
   */
  decode(packet: Uint8Array): Pcm
  /** What a packet that never came may have sounded like. */
  conceal(frame_ms: number): Pcm
  free(): void
}

/** Loaded when the first stream is opened: a start without speech does not pay for it. */
const load = () => import('libopus-wasm')

/** The largest packet that is looked at: 120 ms at the highest bit rate fit in it. */
const largestPacket = 8000

/**
 * An encoder for speech that is read by machines: at `Audio` libopus takes its transform codec for clean voices, and a
 * packet of 60 ms costs a fifth (0.13 ms, not 0.69) of what `Voip` costs at these bit rates. Free it when the stream ends.
 */
export async function createOpusEncoder(options: {
  sample_rate: OpusRate
  /** 20, 40 or 60 milliseconds a packet. */
  frame_ms: 20 | 40 | 60
  /** Bits a second; 24,000 by default. */
  bitrate?: number
}): Promise<OpusEncoder> {
  const { createEncoder, Application } = await load()
  const frame_size = (options.sample_rate / 1000) * options.frame_ms
  const encoder = await createEncoder({
    channels: 1,
    sampleRate: options.sample_rate,
    frameSize: frame_size,
    application: Application.Audio,
    bitrate: options.bitrate ?? 24_000,
    complexity: 3,
  })
  return {
    frame_size,
    encode: pcm => encoder.encode(pcm),
    free: () => encoder.free(),
  }
}

/** A decoder. Free it when the stream ends. */
export async function createOpusDecoder({ sample_rate }: { sample_rate: OpusRate }): Promise<OpusDecoder> {
  const { createDecoder } = await load()
  const decoder = await createDecoder({ channels: 1, sampleRate: sample_rate })
  return {
    decode(packet) {
      if (packet.length === 0) return new Int16Array(0)
      if (packet.length > largestPacket) throw badOpusPacket()
      try {
        return decoder.decode(packet)
      } catch (cause) {
        throw badOpusPacket({}, { cause })
      }
    },
    conceal: frame_ms => decoder.decodePacketLoss((sample_rate / 1000) * frame_ms),
    free: () => decoder.free(),
  }
}
