import type { OpusEncoder } from '#core/speech/opus.ts'
import type { Pcm } from '#core/speech/types.ts'
import type { Paced, Pacer } from './pacer.ts'

/** The sound that goes down to devices, as the greeting says: Opus, 24 kHz, one packet for 60 ms. */
export const downlink = { sample_rate: 24_000, frame_ms: 60 } as const

/** Packets that go out at once, so that a device has something in hand when the network stumbles. */
const packetsAtOnce = 5
/** Between the packets of that first handful: others' first packets go between them. */
const burstGap_ms = 2
/** What a device needs after the last packet until it has played it all. */
const tail_ms = 2 * downlink.frame_ms
/** Sound that waits to be sent, above which the writer should. */
const fullAt_ms = 10_000

const samplesPerMs = downlink.sample_rate / 1000

/** One answer being played on a device. */
export type Speaker = {
  /** More sound. Returns once there is room for more; at once after `stop`. */
  write(pcm: Pcm): Promise<void>
  /** Called just before the sound that is written next goes out. */
  mark(run: () => void): void
  /** No more sound. Resolves when the device has played it all, or at `stop`. */
  end(): Promise<void>
  /** Silence: nothing more is sent from here on. */
  stop(): void
  /** Milliseconds of the sound that have been heard by now. */
  heard_ms(): number
  /** Milliseconds that were written. */
  readonly written_ms: number
}

/**
 * Sends sound at the speed at which it is played: five packets at once, then one every 60 ms by the pacer's clock,
 * never more than six ahead of the device. Packets are encoded when they are due, so that an answer that is broken
 * off costs nothing, and the first packet of one waits for no later packet of another.
 */
export function createSpeaker(options: {
  pacer: Pacer
  encoder: OpusEncoder
  /** One packet, and where it stands in the answer, in milliseconds. */
  send(packet: Uint8Array, timestamp: number): void
  /** Nothing goes out earlier. */
  not_before: number
}): Speaker {
  const { pacer, encoder, send } = options
  const chunks: Pcm[] = []
  const marks: { at: number; run(): void }[] = []
  let written = 0
  let taken = 0
  /** The run of packets without a gap: when its first one went out, and how many have. */
  let anchor = 0
  let sent = 0
  /** Milliseconds that were heard before this run. */
  let earlier = 0
  let state: 'open' | 'ended' | 'over' = 'open'
  let isWaiting = true
  const over = Promise.withResolvers<void>()
  let room: PromiseWithResolvers<void> | null = null

  const waiting_ms = () => (written - taken) / samplesPerMs
  const playedUntil = () => anchor + sent * downlink.frame_ms
  const nextDue = () =>
    sent < packetsAtOnce
      ? anchor + sent * burstGap_ms
      : anchor + (sent - packetsAtOnce + 1) * downlink.frame_ms

  const task: Paced = {
    due: 0,
    run(now) {
      const waiting = written - taken
      if (waiting >= encoder.frame_size || (waiting > 0 && state === 'ended')) {
        // The device has run dry, be it for want of sound or of our time: what it missed is not made up for.
        if (now >= playedUntil()) {
          earlier += sent * downlink.frame_ms
          anchor = now
          sent = 0
        }
        sendNext()
        return nextDue()
      }
      if (state === 'open') {
        isWaiting = true
        return null
      }
      const silentAt = sent > 0 ? playedUntil() + tail_ms : now
      if (now < silentAt) return silentAt
      finish()
      return null
    },
  }

  function sendNext() {
    const timestamp = Math.round(taken / samplesPerMs)
    while (marks[0] && marks[0].at < taken + encoder.frame_size) marks.shift()?.run()
    // A mark may have ended it all.
    if (state === 'over') return
    send(encoder.encode(takeFrame()), timestamp)
    sent += 1
    if (room && waiting_ms() < fullAt_ms) {
      room.resolve()
      room = null
    }
  }

  function takeFrame(): Pcm {
    const first = chunks[0]
    if (first && first.length > encoder.frame_size) {
      chunks[0] = first.subarray(encoder.frame_size)
      taken += encoder.frame_size
      return first.subarray(0, encoder.frame_size)
    }
    const frame = new Int16Array(encoder.frame_size)
    let filled = 0
    while (filled < frame.length && chunks[0]) {
      const part = chunks[0].subarray(0, frame.length - filled)
      frame.set(part, filled)
      filled += part.length
      if (part.length === chunks[0].length) chunks.shift()
      else chunks[0] = chunks[0].subarray(part.length)
    }
    taken += filled
    return frame
  }

  function wake() {
    if (!isWaiting || state === 'over') return
    if (state === 'open' && written - taken < encoder.frame_size) return
    isWaiting = false
    task.due = Math.max(pacer.now(), sent === 0 ? options.not_before : nextDue())
    pacer.add(task)
  }

  function finish() {
    if (state === 'over') return
    state = 'over'
    chunks.length = 0
    marks.length = 0
    pacer.remove(task)
    encoder.free()
    room?.resolve()
    over.resolve()
  }

  const heard_ms = () => {
    const now = pacer.now()
    return earlier + Math.max(0, Math.min(sent * downlink.frame_ms, now - anchor))
  }
  /** What had been heard when it was stopped. */
  let heardAtStop: number | null = null

  return {
    async write(pcm) {
      if (state !== 'open' || pcm.length === 0) return
      chunks.push(pcm)
      written += pcm.length
      wake()
      if (waiting_ms() < fullAt_ms) return
      room ??= Promise.withResolvers<void>()
      await room.promise
    },
    mark(run) {
      if (state === 'open') marks.push({ at: written, run })
    },
    end() {
      if (state === 'open') state = 'ended'
      wake()
      return over.promise
    },
    stop() {
      heardAtStop ??= heard_ms()
      finish()
    },
    heard_ms: () => heardAtStop ?? heard_ms(),
    get written_ms() {
      return written / samplesPerMs
    },
  }
}
