import { isAbort } from '#core/errors.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type { Recognizer, Synthesizer } from './types.ts'

export type SpeechMetering = {
  recognizer(inner: Recognizer): Recognizer
  synthesizer(inner: Synthesizer): Synthesizer
}

/** Counts what engines do, whoever asks: requests by outcome, seconds of sound, the time to a first sound. */
export function createSpeechMetering(metrics: Metrics): SpeechMetering {
  const requests = metrics.counter({
    name: 'speech_requests_total',
    help: 'Utterances recognised and texts spoken',
    labels: ['kind', 'engine', 'outcome'],
  })
  const seconds = metrics.counter({
    name: 'speech_seconds_total',
    help: 'Seconds of sound that engines heard or made',
    labels: ['kind', 'engine'],
  })
  const firstSound = metrics.histogram({
    name: 'speech_first_sound_seconds',
    help: 'Time from the first text to the first sound',
    labels: ['engine'],
    buckets: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12],
  })
  const outcomeOf = (error: unknown, signal: AbortSignal) =>
    signal.aborted || isAbort(error) ? 'aborted' : 'failed'
  return {
    recognizer: inner => ({
      ...inner,
      open(options) {
        const recognition = inner.open(options)
        const labels = { kind: 'recognition', engine: inner.name }
        let samples = 0
        return {
          write(pcm) {
            samples += pcm.length
            recognition.write(pcm)
          },
          async finish() {
            seconds.inc(labels, samples / options.sample_rate)
            try {
              const text = await recognition.finish()
              requests.inc({ ...labels, outcome: 'done' })
              return text
            } catch (error) {
              requests.inc({ ...labels, outcome: outcomeOf(error, options.signal) })
              throw error
            }
          },
        }
      },
    }),
    synthesizer: inner => ({
      ...inner,
      open(options) {
        const synthesis = inner.open(options)
        const labels = { kind: 'synthesis', engine: inner.name }
        let writtenAt: number | null = null
        async function* audio() {
          let samples = 0
          let outcome = 'aborted'
          try {
            for await (const piece of synthesis.audio) {
              if (samples === 0 && writtenAt !== null)
                firstSound.observe({ engine: inner.name }, (performance.now() - writtenAt) / 1000)
              samples += piece.pcm.length
              yield piece
            }
            outcome = 'done'
          } catch (error) {
            outcome = outcomeOf(error, options.signal)
            throw error
          } finally {
            seconds.inc(labels, samples / options.sample_rate)
            requests.inc({ ...labels, outcome })
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
      },
    }),
  }
}
