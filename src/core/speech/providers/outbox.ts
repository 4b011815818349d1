import { createResampler } from '../resample.ts'
import type { Pcm } from '../types.ts'
import { bytesOf } from '../wav.ts'

/** Samples a second that all of these services understand. */
export const recognitionRate = 16_000
const bytesPerSecond = recognitionRate * 2
const tick_ms = 100
/** Sound that may leave at once where there is a pace: what was said while the connection was made. */
const burst_seconds = 0.6

export type Outbox = {
  write(pcm: Pcm): void
  /** No more sound follows. */
  end(): void
  /** What has not left yet. */
  readonly bytes: number
  /** No whole message is left. */
  readonly isEmpty: boolean
  /** The next message, or null when there is none or it is too early. */
  next(): Buffer | null
  /** What is too short for a message of its own. */
  rest(): Buffer
  /** Calls `onAllowed` when more may leave, until `stop`. Without a pace that is always. */
  start(onAllowed: () => void): void
  stop(): void
}

/**
 * Sound on its way to a service: at its rate, cut into messages of one length, and let out no faster than `pace`
 * seconds of sound per second.
 */
export function createOutbox(options: { sample_rate: number; chunk_ms: number; pace?: number }): Outbox {
  const { pace } = options
  const resampler = createResampler(options.sample_rate, recognitionRate)
  const chunkBytes = (options.chunk_ms * bytesPerSecond) / 1000
  const most = pace === undefined ? Number.POSITIVE_INFINITY : burst_seconds * bytesPerSecond
  const chunks: Buffer[] = []
  let rest: Buffer = Buffer.alloc(0)
  let waiting = 0
  let allowance = most
  let ticker: NodeJS.Timeout | null = null

  const add = (pcm: Pcm) => {
    waiting += pcm.byteLength
    rest = Buffer.concat([rest, bytesOf(pcm)])
    while (rest.length >= chunkBytes) {
      chunks.push(rest.subarray(0, chunkBytes))
      rest = rest.subarray(chunkBytes)
    }
  }
  return {
    write: pcm => add(resampler.write(pcm)),
    end: () => add(resampler.end()),
    get bytes() {
      return waiting
    },
    get isEmpty() {
      return chunks.length === 0
    },
    next() {
      if (allowance < chunkBytes) return null
      const chunk = chunks.shift() ?? null
      if (chunk === null) return null
      waiting -= chunk.length
      allowance -= chunk.length
      return chunk
    },
    rest: () => rest,
    start(onAllowed) {
      if (pace === undefined) return
      ticker = setInterval(() => {
        allowance = Math.min(most, allowance + (pace * bytesPerSecond * tick_ms) / 1000)
        onAllowed()
      }, tick_ms)
    },
    stop() {
      if (ticker) clearInterval(ticker)
    },
  }
}
