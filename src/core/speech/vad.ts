import type { Pcm } from './types.ts'

/** Positions count samples from the beginning of the stream, or from the last `reset`. */
export type VadEvent =
  | {
      type: 'start'
      /** Where the speech begins: what a recogniser should hear from. */
      at: number
      /** Where the stream was when that was clear. */
      decided_at: number
    }
  | {
      type: 'end'
      /** Where the speech ended, before the silence. */
      at: number
      decided_at: number
    }

/** One stream being listened to. */
export type Vad = {
  /** More sound, in pieces of any length; the events do not depend on how it was cut. */
  write(pcm: Pcm): VadEvent[]
  /** True between start and end. */
  readonly is_speaking: boolean
  /** Samples so far. */
  readonly position: number
  /** Forgets the stream; positions begin at 0 again. */
  reset(): void
  /** Holds less than 1 KB of WebAssembly memory until this. */
  free(): void
}

export type VadOptions = {
  /** 8000, 16000, 32000 or 48000. */
  sample_rate: number
  /** Silence that ends the speech, in milliseconds. */
  silence_ms?: number
  /** Voice without which nothing has begun: a cough or a click is shorter. */
  min_speech_ms?: number
  /** 0 takes most for speech, 3 the least. */
  strictness?: 0 | 1 | 2 | 3
}

type Module = {
  HEAP16: Int16Array
  _malloc(bytes: number): number
  _free(pointer: number): void
  _fvad_new(): number
  _fvad_free(instance: number): void
  _fvad_reset(instance: number): void
  _fvad_set_mode(instance: number, mode: number): number
  _fvad_set_sample_rate(instance: number, rate: number): number
  /** 1 voice, 0 none, -1 bad length. */
  _fvad_process(instance: number, samples: number, length: number): number
}

let loading: Promise<{ module: Module; samples: number }> | undefined

/** Loaded with the first stream, with one frame of memory that all streams share: their calls do not overlap. */
function load() {
  loading ??= import('@echogarden/fvad-wasm').then(async ({ default: fvad }) => {
    const module = (await fvad()) as Module
    return { module, samples: module._malloc(longestFrame * 2) }
  })
  return loading
}

const frame_ms = 20
const longestFrame = (48_000 / 1000) * frame_ms
/** A frame whose loudness (root mean square, of 32,767) is below this is silence, whatever it looks like. */
const silentBelow = 60
/**
 * So much quieter than the voice before it, and a frame is silence: 26 dB. The detector alone takes the noise of a
 * microphone for speech when it follows perfect silence, as devices with echo cancellation send it.
 */
const quietShare = 0.05
/** How fast that voice's loudness is forgotten: half of it in three seconds. */
const levelDecay = 0.995
/** Voiced frames in a row that count as speech again while the silence is being waited for. */
const resumeFrames = 2

/**
 * Tells where speech begins and ends in a stream: WebRTC's detector on frames of 20 ms, with a hangover. Speech starts
 * when `min_speech_ms` of voice stand within half as much time again, and ends after `silence_ms` without voice.
 */
export async function createVad(options: VadOptions): Promise<Vad> {
  const { sample_rate, silence_ms = 700, min_speech_ms = 120, strictness = 2 } = options
  const detector = createDetector(await load(), sample_rate, strictness)
  const frame = (sample_rate / 1000) * frame_ms
  const bounds = createBounds({
    frame,
    needed: Math.max(1, Math.ceil(min_speech_ms / frame_ms)),
    patience: Math.max(1, Math.ceil(silence_ms / frame_ms)),
  })
  const pending = new Int16Array(frame)
  let filled = 0
  return {
    write(pcm) {
      const events: VadEvent[] = []
      for (let at = 0; at < pcm.length; ) {
        const part = pcm.subarray(at, at + frame - filled)
        pending.set(part, filled)
        filled += part.length
        at += part.length
        if (filled < frame) break
        filled = 0
        const event = bounds.step(detector.isVoice(pending))
        if (event) events.push(event)
      }
      return events
    },
    get is_speaking() {
      return bounds.isSpeaking
    },
    get position() {
      return bounds.frames * frame + filled
    },
    reset() {
      detector.reset()
      bounds.reset()
      filled = 0
    },
    free: detector.free,
  }
}

/** Tells voice from noise, a frame at a time. @throws RangeError */
function createDetector(
  { module, samples }: Awaited<ReturnType<typeof load>>,
  sample_rate: number,
  strictness: number,
) {
  const instance = module._fvad_new()
  /** Loudness of the voice so far. */
  let level = 0
  const prepare = () => {
    level = 0
    module._fvad_set_mode(instance, strictness)
    return module._fvad_set_sample_rate(instance, sample_rate) === 0
  }
  if (!prepare()) {
    module._fvad_free(instance)
    throw new RangeError(`${sample_rate} samples a second cannot be listened to`)
  }
  return {
    isVoice(pcm: Pcm): boolean {
      let energy = 0
      for (const sample of pcm) energy += sample * sample
      module.HEAP16.set(pcm, samples >> 1)
      // It hears the silent frames too: it learns from them what noise is.
      const verdict = module._fvad_process(instance, samples, pcm.length)
      const loudness = Math.sqrt(energy / pcm.length)
      level *= levelDecay
      if (verdict !== 1 || loudness < Math.max(silentBelow, level * quietShare)) return false
      level = Math.max(level, loudness)
      return true
    },
    reset() {
      module._fvad_reset(instance)
      prepare()
    },
    free: () => module._fvad_free(instance),
  }
}

/**
 * Where speech begins and ends, by what each frame is. It begins with `needed` frames of voice, and ends after
 * `patience` frames without.
 */
function createBounds({ frame, needed, patience }: { frame: number; needed: number; patience: number }) {
  const window = Math.ceil(needed * 1.5)
  let frames = 0
  /** Numbers of the voiced frames that may still become a start. */
  let voiced: number[] = []
  let isSpeaking = false
  let lastVoiced = 0
  let run = 0
  return {
    get frames() {
      return frames
    },
    get isSpeaking() {
      return isSpeaking
    },
    step(isVoice: boolean): VadEvent | null {
      const number = frames++
      const decided_at = frames * frame
      run = isVoice ? run + 1 : 0
      if (isSpeaking) {
        if (run >= resumeFrames) lastVoiced = frames
        if (frames - lastVoiced < patience) return null
        isSpeaking = false
        voiced = []
        return { type: 'end', at: lastVoiced * frame, decided_at }
      }
      voiced = voiced.filter(earlier => earlier > number - window)
      if (!isVoice) return null
      voiced.push(number)
      if (voiced.length < needed) return null
      isSpeaking = true
      lastVoiced = frames
      return { type: 'start', at: (voiced[0] ?? number) * frame, decided_at }
    },
    reset() {
      frames = 0
      voiced = []
      isSpeaking = false
      lastVoiced = 0
      run = 0
    },
  }
}
