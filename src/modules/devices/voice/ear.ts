import { createOpusDecoder, type OpusDecoder } from '#core/speech/opus.ts'
import type { Pcm, Recognition, RecognitionOptions, Recognizer } from '#core/speech/types.ts'
import { createVad, type Vad } from '#core/speech/vad.ts'

export type ListenMode = 'auto' | 'manual' | 'realtime'

/** What somebody said, on its way through the recogniser. */
export type Utterance = {
  recognition: Recognition
  /** Gives the recognition up. */
  cancel(): void
  /** When it was decided that it is over, on the clock of `now`. */
  decided_at: number
  /** Silence that the decision waited for. */
  silence_ms: number
}

export type Ear = {
  /** One Opus packet. Never throws. */
  hear(packet: Uint8Array): void
  /** The speaker says that this was all: what was said, or null for nothing. */
  finish(): Utterance | null
  /** Whether nothing has been said yet. */
  readonly is_fresh: boolean
  close(): void
}

export type EarOptions = {
  mode: ListenMode
  /** @throws AppError `speech.*` when nothing recognises speech */
  recognizer(): Recognizer
  recognition: Pick<RecognitionOptions, 'language' | 'hot_words' | 'speaker'>
  silence_ms: number
  longest_ms: number
  now(): number
  onSpeech(): void
  onUtterance(utterance: Utterance): void
  /** The sound cannot be heard, or not be recognised. */
  onFailure(error: unknown): void
  onBadPacket(): void
}

/** Whatever rate a device encodes at, its packets can be decoded at this one, which recognisers take. */
const sample_rate = 16_000
const perMs = sample_rate / 1000
/** Sound from before the speech began that the recogniser hears too. */
const lead_ms = 200
/** Sound that is remembered until speech begins. */
const memory_ms = 1000
/** Packets that may come while the decoder is being made. */
const mostWaiting = 50
/** Speech is over when nothing at all comes for so long beyond the silence: some devices send no silent packets. */
const grace_ms = 500

/**
 * Listens to a stream of Opus packets until it is closed. Decoder and detector exist from the first packet on: idle
 * devices cost neither.
 */
export function createEar(options: EarOptions): Ear {
  const { mode, now } = options
  let tools: { decoder: OpusDecoder; vad: Vad | null } | null = null
  let isOpening = false
  let isClosed = false
  let waiting: Uint8Array[] = []
  let speech: { recognition: Recognition; controller: AbortController; heard: number } | null = null
  let memory: Pcm[] = []
  let remembered = 0
  let lastHeard = 0
  let watch: NodeJS.Timeout | undefined

  async function open() {
    isOpening = true
    const decoder = await createOpusDecoder({ sample_rate })
    const vad = mode === 'manual' ? null : await createVad({ sample_rate, silence_ms: options.silence_ms })
    tools = { decoder, vad }
    if (isClosed) return release()
    const packets = waiting
    waiting = []
    for (const packet of packets) take(packet)
  }

  function release() {
    tools?.decoder.free()
    tools?.vad?.free()
    tools = null
  }

  function take(packet: Uint8Array) {
    if (!tools || isClosed) return
    let pcm: Pcm
    try {
      pcm = tools.decoder.decode(packet)
    } catch {
      options.onBadPacket()
      return
    }
    if (pcm.length === 0) return
    lastHeard = now()
    if (tools.vad) detect(tools.vad, pcm)
    else {
      speech ??= begin()
      if (speech) write(speech, pcm)
    }
    if (speech && speech.heard > options.longest_ms * perMs) end(0)
  }

  function detect(vad: Vad, pcm: Pcm) {
    const position = vad.position
    remember(pcm)
    const events = vad.write(pcm)
    if (speech) write(speech, pcm)
    for (const event of events) {
      // What is told of a start or an end may close the ear.
      if (isClosed) return
      if (event.type === 'start' && !speech) {
        options.onSpeech()
        if (isClosed) return
        speech = begin()
        if (speech) write(speech, recall(position + pcm.length - event.at))
      } else if (event.type === 'end' && speech) end((event.decided_at - event.at) / perMs)
    }
  }

  function remember(pcm: Pcm) {
    memory.push(pcm)
    remembered += pcm.length
    while (memory[0] && remembered - memory[0].length > memory_ms * perMs) {
      remembered -= memory[0].length
      memory.shift()
    }
  }

  /** The last so many samples, and a little before them. */
  function recall(samples: number): Pcm {
    const whole = new Int16Array(remembered)
    let at = 0
    for (const part of memory) {
      whole.set(part, at)
      at += part.length
    }
    return whole.subarray(Math.max(0, whole.length - samples - lead_ms * perMs))
  }

  function begin() {
    const controller = new AbortController()
    try {
      const recognition = options.recognizer().open({
        ...options.recognition,
        sample_rate,
        signal: controller.signal,
      })
      if (mode !== 'manual') watch = setTimeout(look, options.silence_ms + grace_ms)
      return { recognition, controller, heard: 0 }
    } catch (error) {
      close()
      options.onFailure(error)
      return null
    }
  }

  /** One timer for the whole utterance, not one for each packet. */
  function look() {
    const left = lastHeard + options.silence_ms + grace_ms - now()
    if (left > 0) watch = setTimeout(look, left)
    else if (speech) end(now() - lastHeard)
  }

  function write(to: NonNullable<typeof speech>, pcm: Pcm) {
    to.heard += pcm.length
    to.recognition.write(pcm)
  }

  function end(silence_ms: number) {
    const utterance = handOver(silence_ms)
    if (utterance) options.onUtterance(utterance)
  }

  function handOver(silence_ms: number): Utterance | null {
    clearTimeout(watch)
    if (!speech) return null
    const { recognition, controller } = speech
    speech = null
    memory = []
    remembered = 0
    return { recognition, cancel: () => controller.abort(), decided_at: now(), silence_ms }
  }

  function close() {
    if (isClosed) return
    isClosed = true
    clearTimeout(watch)
    speech?.controller.abort()
    speech = null
    waiting = []
    memory = []
    release()
  }

  return {
    hear(packet) {
      if (isClosed || packet.length === 0) return
      if (tools) return take(packet)
      waiting.push(packet)
      if (waiting.length > mostWaiting) waiting.shift()
      if (!isOpening)
        open().catch(error => {
          close()
          options.onFailure(error)
        })
    },
    finish: () => handOver(0),
    get is_fresh() {
      return speech === null
    },
    close,
  }
}
