import type { AppError } from '#core/errors.ts'
import { audioTooLong } from '../errors.ts'
import type { Recognition, RecognitionOptions, Recognizer } from '../types.ts'
import { type Link, openLink, type Service, type Wire } from './link.ts'
import { createOutbox, type Outbox, recognitionRate } from './outbox.ts'
import { createOutcome, type Outcome } from './outcome.ts'
import type { Frame } from './socket.ts'
import { createWatch, type Watch } from './watch.ts'

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

/** One utterance on its way. */
type Hearing = {
  service: RecognitionService
  options: RecognitionOptions
  outbox: Outbox
  outcome: Outcome
  watch: Watch
  link: Link<RecognitionWire> | null
  /** `finishing`: no more sound follows; `waiting`: all of it was sent. */
  state: 'hearing' | 'finishing' | 'waiting'
  hasSound: boolean
  /** The last text that the service told. */
  told: string
}

function openRecognition(service: RecognitionService, options: RecognitionOptions): Recognition {
  const { sample_rate, signal } = options
  const outbox = createOutbox({ sample_rate, chunk_ms: service.chunk_ms, pace: service.pace })
  const watch = createWatch(what => fail(hearing, service.failures.of('timeout', what).error))
  const outcome = createOutcome(signal, () => {
    watch.stop()
    outbox.stop()
  })
  const state = 'hearing'
  const hearing: Hearing = {
    service,
    options,
    outbox,
    outcome,
    watch,
    link: null,
    state,
    hasSound: false,
    told: '',
  }
  hearing.link = connect(hearing)
  outcome.onAbort(() => hearing.link?.destroy())
  return {
    write(pcm) {
      if (hearing.state !== 'hearing' || outcome.isOver || pcm.length === 0) return
      hearing.hasSound = true
      outbox.write(pcm)
      if (outbox.bytes > longestBytes) fail(hearing, audioTooLong({ minutes: longest_minutes }))
      else pump(hearing)
    },
    finish() {
      finish(hearing)
      return outcome.promise
    },
  }
}

function connect(hearing: Hearing): Link<RecognitionWire> {
  const { service, options, outbox, outcome, watch } = hearing
  return openLink<RecognitionEvent, RecognitionOptions, RecognitionWire>(service, options, {
    ready() {
      outbox.start(() => pump(hearing))
      if (hearing.state === 'finishing') watch.within(service.limits.first_ms, 'no sound taken')
      else watch.within(service.limits.rest_ms, 'nothing was said')
      pump(hearing)
    },
    event: event => read(hearing, event),
    drained: () => pump(hearing),
    over: failure => outcome.reject(failure.error),
  })
}

function fail({ link, outcome }: Hearing, error: AppError) {
  link?.destroy()
  outcome.reject(error)
}

/** Sends what may leave now, and after the last of it the word that it was the last. */
function pump(hearing: Hearing) {
  const { link, outbox, watch, service } = hearing
  const wire = link?.wire
  if (!link?.isReady || !wire || hearing.state === 'waiting') return
  while (link.backlog < fullSocketBytes) {
    const chunk = outbox.next()
    if (!chunk) break
    link.send([wire.audio(chunk)])
    watch.again()
  }
  if (hearing.state === 'hearing' || !outbox.isEmpty) return
  hearing.state = 'waiting'
  link.send(wire.ending(outbox.rest()))
  watch.within(service.limits.first_ms, 'no final text in time')
}

/** A service that says the same again has not come any further: only another text gives it more time. */
function read(hearing: Hearing, { text, isFinal }: RecognitionEvent) {
  const { service, options, outcome, watch, link } = hearing
  const most = service.limits.text_length
  if (text.length > most)
    fail(hearing, service.failures.of('malformed', `a text of more than ${most} units`).error)
  else if (isFinal) {
    outcome.resolve(text)
    link?.close()
  } else if (text !== hearing.told) {
    watch.again()
    hearing.told = text
    options.onPartial?.(text)
  }
}

function finish(hearing: Hearing) {
  const { link, outbox, outcome, watch, service } = hearing
  if (hearing.state !== 'hearing' || outcome.isOver) return
  hearing.state = 'finishing'
  outbox.end()
  if (!hearing.hasSound) {
    link?.close()
    outcome.resolve('')
  }
  if (link?.isReady) watch.within(service.limits.first_ms, 'no sound taken')
  pump(hearing)
}
