import { createQueue } from '../queue.ts'
import { createResampler, type Resampler } from '../resample.ts'
import type { Pcm } from '../types.ts'
import { pcmOf } from '../wav.ts'
import type { Failures, SpeechFailure } from './failures.ts'
import type { Limits } from './limits.ts'

/** Seconds of sound that may wait for a slow listener before the service is held up, and when it may go on. */
const full_seconds = 20
const low_seconds = 10

export type Sound = {
  audio: AsyncIterable<{ pcm: Pcm; index: number }>
  /** The sound of the written text `index` follows, at `sample_rate`. */
  begin(index: number, sample_rate: number): void
  /** Little-endian samples; half a sample waits for its other half. False: no more before `room`. @throws SpeechFailure */
  write(bytes: Buffer): boolean
  /** All of this text's sound is there. */
  finish(): void
  /** Settles when the listener has taken enough. */
  room(): Promise<void>
  end(): void
  fail(error: unknown): void
}

/**
 * What a service says, on its way to a listener, at the listener's rate. `onLeave` is called once: when all was heard,
 * when the listener stops listening, and when the signal aborts.
 */
export function createSound(options: {
  sample_rate: number
  signal: AbortSignal
  limits: Limits
  failures: Failures
  onLeave(): void
}): Sound {
  const { sample_rate, signal, limits } = options
  const queue = createQueue<{ pcm: Pcm; index: number }>(signal)
  let resampler: Resampler = createResampler(sample_rate, sample_rate)
  let index = 0
  let half: Buffer = Buffer.alloc(0)
  let total = 0
  let hasLeft = false
  const room = createRoom(sample_rate)

  const push = (pcm: Pcm) => {
    if (pcm.length === 0) return
    room.fill(pcm.length)
    total += pcm.length
    queue.push({ pcm, index })
  }
  const leave = () => {
    if (hasLeft) return
    hasLeft = true
    signal.removeEventListener('abort', leave)
    room.open()
    options.onLeave()
  }
  if (signal.aborted) queueMicrotask(leave)
  else signal.addEventListener('abort', leave, { once: true })
  return {
    audio: heard(queue, room, leave),
    begin(next, rate) {
      index = next
      half = Buffer.alloc(0)
      resampler = createResampler(rate, sample_rate)
    },
    write(bytes) {
      const whole = half.length === 0 ? bytes : Buffer.concat([half, bytes])
      const even = whole.length - (whole.length % 2)
      half = whole.subarray(even)
      push(resampler.write(pcmOf(whole.subarray(0, even))))
      if (total > limits.audio_seconds * sample_rate) throw tooMuch(options.failures, limits)
      return room.hasRoom() || hasLeft
    },
    finish: () => push(resampler.end()),
    room: () => (hasLeft ? Promise.resolve() : room.wait()),
    end: queue.end,
    fail: queue.fail,
  }
}

/** What is read of a queue makes room in it. */
async function* heard<T extends { pcm: Pcm }>(queue: AsyncIterable<T>, room: Room, leave: () => void) {
  try {
    for await (const piece of queue) {
      room.empty(piece.pcm.length)
      yield piece
    }
  } finally {
    leave()
  }
}

type Room = ReturnType<typeof createRoom>

/** How much waits to be heard, in samples. What is full stays so until it is low. */
function createRoom(sample_rate: number) {
  let waiting = 0
  let roomy = Promise.withResolvers<void>()
  roomy.resolve()
  return {
    fill(samples: number) {
      waiting += samples
    },
    empty(samples: number) {
      waiting -= samples
      if (waiting < low_seconds * sample_rate) roomy.resolve()
    },
    /** False: it is full, and `wait` settles when it no longer is. */
    hasRoom(): boolean {
      if (waiting < full_seconds * sample_rate) return true
      roomy = Promise.withResolvers()
      return false
    },
    wait: () => roomy.promise,
    open: () => roomy.resolve(),
  }
}

const tooMuch = (failures: Failures, { audio_seconds }: Limits): SpeechFailure =>
  failures.of('malformed', `more than ${audio_seconds} s of sound`)
