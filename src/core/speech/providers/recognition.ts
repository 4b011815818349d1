import { audioTooLong } from '../errors.ts'
import type { Recognition, RecognitionOptions, Recognizer } from '../types.ts'
import type { SpeechFailure } from './failures.ts'
import { openLink, type Service, type Wire } from './link.ts'
import { createOutbox, recognitionRate } from './outbox.ts'
import { createOutcome } from './outcome.ts'
import type { Frame } from './socket.ts'
import { createWatch } from './watch.ts'

/** The whole text so far, and whether it is the last word. */
export type RecognitionEvent = { text: string; isFinal: boolean }

/** How one utterance is spoken of with one service. */
export type RecognitionWire = Wire<RecognitionEvent> & {
  audio(pcm: Buffer): Frame
  /** The last sound, possibly none, and the word that no more follows. */
  ending(rest: Buffer): readonly Frame[]
}

export type RecognitionService = Service<RecognitionOptions, RecognitionWire> & {
  /** Sound per message, in milliseconds. */
  chunk_ms: number
  /** Seconds of sound that the service takes per second; default: any. */
  pace?: number
}

/** Longest sound that waits for a service, in minutes. */
export const longest_minutes = 60
const longestBytes = longest_minutes * 60 * recognitionRate * 2
/** What may stand in the socket before more waits outside. */
const fullSocketBytes = 256 * 1024

/** A recogniser that streams sound over a WebSocket while it is spoken. */
export function createStreamingRecognizer(service: RecognitionService): Recognizer {
  return { name: service.name, open: options => openRecognition(service, options) }
}

function openRecognition(service: RecognitionService, options: RecognitionOptions): Recognition {
  const { failures, limits } = service
  const { signal, sample_rate } = options
  const outbox = createOutbox({ sample_rate, chunk_ms: service.chunk_ms, pace: service.pace })
  const outcome = createOutcome(signal, () => {
    watch.stop()
    outbox.stop()
  })
  const watch = createWatch(what => fail(failures.of('timeout', what)))
  let state: 'hearing' | 'finishing' | 'waiting' = 'hearing'
  let hasSound = false
  let told = ''

  const fail = (failure: SpeechFailure) => {
    link.destroy()
    outcome.reject(failure.error)
  }
  const pump = () => {
    const { wire } = link
    if (!link.isReady || !wire || state === 'waiting') return
    while (link.backlog < fullSocketBytes) {
      const chunk = outbox.next()
      if (!chunk) break
      link.send([wire.audio(chunk)])
      watch.again()
    }
    if (state === 'hearing' || !outbox.isEmpty) return
    state = 'waiting'
    link.send(wire.ending(outbox.rest()))
    watch.within(limits.first_ms, 'no final text in time')
  }
  const link = openLink<RecognitionEvent, RecognitionOptions, RecognitionWire>(service, options, {
    ready() {
      outbox.start(pump)
      if (state === 'finishing') watch.within(limits.first_ms, 'no sound taken')
      else watch.within(limits.rest_ms, 'nothing was said')
      pump()
    },
    event({ text, isFinal }) {
      watch.again()
      if (isFinal) {
        outcome.resolve(text)
        link.close()
      } else if (text !== told) {
        told = text
        options.onPartial?.(text)
      }
    },
    drained: pump,
    over: failure => outcome.reject(failure.error),
  })
  outcome.onAbort(() => link.destroy())
  return {
    write(pcm) {
      if (state !== 'hearing' || outcome.isOver || pcm.length === 0) return
      hasSound = true
      outbox.write(pcm)
      if (outbox.bytes > longestBytes) {
        link.destroy()
        outcome.reject(audioTooLong({ minutes: longest_minutes }))
      } else pump()
    },
    finish() {
      if (state !== 'hearing' || outcome.isOver) return outcome.promise
      state = 'finishing'
      outbox.end()
      if (!hasSound) {
        link.close()
        outcome.resolve('')
      }
      if (link.isReady) watch.within(limits.first_ms, 'no sound taken')
      pump()
      return outcome.promise
    },
  }
}
