import type { Pcm } from './types.ts'

export type Resampler = {
  /** What can be told so far; the last few samples wait for those that follow. */
  write(pcm: Pcm): Pcm
  /** The rest. Afterwards the resampler begins anew. */
  end(): Pcm
}

/** Zero crossings of the kernel on either side: more is sharper and slower. */
const crossings = 12
/** Pairs of rates whose kernels are kept for the next stream, and the most phases of one: odd rates have more. */
const pairsKept = 16
const phasesKept = 1000

type Kernels = {
  /** Samples that an output sample takes from on either side. */
  reach: number
  /** Weights of the 2 · reach samples around an output sample that stands `phase / phases` behind an input sample. */
  of(phase: number): Float32Array
}

const kept = new Map<string, Kernels>()

function kernelsFor(from: number, to: number, phases: number): Kernels {
  const key = `${from} ${to}`
  const known = kept.get(key)
  if (known) return known
  // Going down, the kernel is stretched, so that what the new rate cannot hold is filtered out.
  const scale = Math.min(1, to / from)
  const reach = Math.ceil(crossings / scale)
  const made: Float32Array[] = []
  const kernels: Kernels = {
    reach,
    of(phase) {
      const weights = made[phase]
      if (weights) return weights
      const fresh = Float32Array.from(
        { length: 2 * reach },
        (_, tap) => scale * kernel((tap - reach + 1 - phase / phases) * scale),
      )
      made[phase] = fresh
      return fresh
    },
  }
  if (phases <= phasesKept) kept.set(key, kernels)
  const oldest = kept.size > pairsKept ? kept.keys().next().value : undefined
  if (oldest !== undefined) kept.delete(oldest)
  return kernels
}

/** A sinc under a Blackman window. */
function kernel(x: number): number {
  if (x === 0) return 1
  if (Math.abs(x) >= crossings) return 0
  const turn = (Math.PI * x) / crossings
  const window = 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn)
  return (window * Math.sin(Math.PI * x)) / (Math.PI * x)
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))

/**
 * Changes the sample rate of a stream: band-limited interpolation by a windowed sinc. n samples in give
 * ⌈n · to / from⌉ out, whatever the pieces they come in.
 */
export function createResampler(from: number, to: number): Resampler {
  if (from === to) return { write: pcm => pcm, end: () => new Int16Array(0) }
  const divisor = commonDivisor(from, to)
  const phases = to / divisor
  const step = from / divisor
  const kernels = kernelsFor(from, to, phases)
  const { reach } = kernels
  /** The part of the input that may still be needed, and where in the input it begins. */
  let buffer: Pcm = new Int16Array(0)
  let origin = 0
  let written = 0
  let given = 0

  /** The output sample of a number. What is not in the buffer is silence: before the beginning, behind the end. */
  const sampleAt = (number: number): number => {
    const place = number * step
    const weights = kernels.of(place % phases)
    const first = Math.floor(place / phases) - reach + 1 - origin
    const end = Math.min(weights.length, buffer.length - first)
    let sum = 0
    for (let tap = Math.max(0, -first); tap < end; tap++)
      sum += (weights[tap] as number) * (buffer[first + tap] as number)
    return Math.max(-32_768, Math.min(32_767, Math.round(sum)))
  }
  /** All output samples before this input position. */
  const produce = (limit: number): Pcm => {
    const count = Math.max(0, Math.ceil((limit * to) / from) - given)
    const out = new Int16Array(count)
    for (let i = 0; i < count; i++) out[i] = sampleAt(given + i)
    given += count
    return out
  }
  const append = (pcm: Pcm) => {
    const dropped = Math.min(Math.max(0, Math.floor((given * from) / to) - reach - origin), buffer.length)
    buffer = joinPcm([buffer.subarray(dropped), pcm])
    origin += dropped
    written += pcm.length
  }
  return {
    write(pcm) {
      if (pcm.length === 0) return new Int16Array(0)
      append(pcm)
      return produce(written - reach)
    },
    end() {
      const rest = produce(written)
      buffer = new Int16Array(0)
      origin = 0
      written = 0
      given = 0
      return rest
    },
  }
}

/** A whole recording at another rate. */
export function resample(pcm: Pcm, from: number, to: number): Pcm {
  if (from === to) return pcm
  const resampler = createResampler(from, to)
  return joinPcm([resampler.write(pcm), resampler.end()])
}

export function joinPcm(parts: readonly Pcm[]): Pcm {
  const whole = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
