import { isAbort } from '#core/errors.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type {
  Recognition,
  RecognitionOptions,
  Recognizer,
  Synthesis,
  SynthesisOptions,
  Synthesizer,
} from './types.ts'

export type SpeechMetering = {
  recognizer(inner: Recognizer): Recognizer
  synthesizer(inner: Synthesizer): Synthesizer
}

/** Counts what engines do, whoever asks: requests by outcome, seconds of sound, the time to a first sound. */
export function createSpeechMetering(metrics: Metrics): SpeechMetering {
  const meters = createMeters(metrics)
  return {
    recognizer: inner => ({ ...inner, open: options => meterRecognition(meters, inner, options) }),
    synthesizer: inner => ({ ...inner, open: options => meterSynthesis(meters, inner, options) }),
  }
}

type Meters = ReturnType<typeof createMeters>

const createMeters = (metrics: Metrics) => ({
  requests: metrics.counter({
    name: 'speech_requests_total',
    help: 'Utterances recognised and texts spoken',
    labels: ['kind', 'engine', 'outcome'],
  }),
  seconds: metrics.counter({
    name: 'speech_seconds_total',
    help: 'Seconds of sound that engines heard or made',
    labels: ['kind', 'engine'],
  }),
  firstSound: metrics.histogram({
    name: 'speech_first_sound_seconds',
    help: 'Time from the first text to the first sound',
    labels: ['engine'],
    buckets: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12],
  }),
})

const outcomeOf = (error: unknown, signal: AbortSignal) =>
  signal.aborted || isAbort(error) ? 'aborted' : 'failed'

function meterRecognition(meters: Meters, inner: Recognizer, options: RecognitionOptions): Recognition {
  const { signal, sample_rate } = options
  const recognition = inner.open(options)
  const labels = { kind: 'recognition', engine: inner.name }
  let samples = 0
  let isFinishing = false
  const count = (outcome: string) => {
    meters.seconds.inc(labels, samples / sample_rate)
    meters.requests.inc({ ...labels, outcome })
  }
  // Who gives an utterance up never asks for its text: this is the only word of it.
  const givenUp = () => count('aborted')
  if (signal.aborted) givenUp()
  else signal.addEventListener('abort', givenUp, { once: true })
  return {
    write(pcm) {
      if (!isFinishing) samples += pcm.length
      recognition.write(pcm)
    },
    async finish() {
      if (isFinishing || signal.aborted) return recognition.finish()
      isFinishing = true
      signal.removeEventListener('abort', givenUp)
      try {
        const text = await recognition.finish()
        count('done')
        return text
      } catch (error) {
        count(outcomeOf(error, signal))
        throw error
      }
    },
  }
}

function meterSynthesis(meters: Meters, inner: Synthesizer, options: SynthesisOptions): Synthesis {
  const synthesis = inner.open(options)
  const labels = { kind: 'synthesis', engine: inner.name }
  let writtenAt: number | null = null
  async function* audio() {
    let samples = 0
    let outcome = 'aborted'
    try {
      for await (const piece of synthesis.audio) {
        if (samples === 0 && writtenAt !== null)
          meters.firstSound.observe({ engine: inner.name }, (performance.now() - writtenAt) / 1000)
        samples += piece.pcm.length
        yield piece
      }
      outcome = 'done'
    } catch (error) {
      outcome = outcomeOf(error, options.signal)
      throw error
    } finally {
      meters.seconds.inc(labels, samples / options.sample_rate)
      meters.requests.inc({ ...labels, outcome })
    }
  }
  return {
    write(text) {
      writtenAt ??= performance.now()
      synthesis.write(text)
    },
    end: () => synthesis.end(),
    audio: audio(),
  }
}
