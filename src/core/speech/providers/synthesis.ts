import type { Synthesis, SynthesisOptions, Synthesizer, Voice } from '../types.ts'
import type { SpeechFailure } from './failures.ts'
import { type Link, openLink, type Service, type Wire } from './link.ts'
import type { Frame } from './socket.ts'
import { createSound } from './sound.ts'
import { createTexts } from './texts.ts'
import { createWatch } from './watch.ts'

export type SynthesisEvent =
  | { audio: Buffer }
  /** The text was spoken to its end. */
  | 'spoken'
  /** The service waits for these. */
  | { send: readonly Frame[] }
  /** Still there. */
  | 'alive'

/** How one connection speaks one text after another with one service. */
export type SynthesisWire = Wire<SynthesisEvent> & {
  /** Samples a second of what comes. */
  sample_rate: number
  /** The connection takes another text after the first. */
  isReusable: boolean
  speak(text: string): readonly Frame[]
  farewell: readonly Frame[]
}

export type SynthesisService = Service<SynthesisOptions, SynthesisWire> & { voices: readonly Voice[] }

/**
 * A synthesizer that speaks over a WebSocket, opened before there is a text. Each text is a task of its own, one after
 * another, so that its sound is known to be its, and nothing waits in the service for a sentence to end.
 */
export function createStreamingSynthesizer(service: SynthesisService): Synthesizer {
  const { name, voices } = service
  return { name, is_preview: false, voices, open: options => openSynthesis(service, options) }
}

function openSynthesis(service: SynthesisService, options: SynthesisOptions): Synthesis {
  const { failures, limits } = service
  const texts = createTexts()
  const watch = createWatch(what => {
    if (texts.isSpeaking) return fail(failures.of('timeout', what))
    link?.close(link.wire?.farewell)
    link = null
  })
  let link: Link<SynthesisWire> | null = null
  let isOver = false
  const stop = () => {
    isOver = true
    watch.stop()
    link?.destroy()
  }
  const sound = createSound({ ...options, failures, limits, onLeave: stop })
  const fail = (failure: SpeechFailure) => {
    if (isOver) return
    stop()
    sound.fail(failure.error)
  }
  /** A connection may go while nothing is said; one that goes before the first sound is tried again. */
  const lose = (failure: SpeechFailure) => {
    link = null
    watch.stop()
    if (!texts.isSpeaking || (failure.kind === 'network' && texts.giveBack())) advance()
    else fail(failure)
  }
  const advance = () => {
    if (isOver) return
    if (texts.isDone) {
      link?.close(link.wire?.farewell)
      link = null
      sound.end()
    } else if (link?.isReady && link.wire && !texts.isSpeaking) {
      const next = texts.take()
      if (!next) return watch.within(limits.rest_ms, 'nothing to say')
      sound.begin(next.index, link.wire.sample_rate)
      link.send(link.wire.speak(next.text))
      watch.within(limits.first_ms, 'no sound in time')
    } else if (!link && texts.isWaiting) link = connect()
  }
  const hear = (audio: Buffer) => {
    texts.heard()
    if (sound.write(audio)) return
    link?.pause()
    watch.stop()
    void sound.room().then(() => {
      if (isOver) return
      link?.resume()
      watch.within(limits.idle_ms, 'the sound broke off')
    })
  }
  const handle = (event: SynthesisEvent) => {
    if (isOver || !texts.isSpeaking) return
    watch.within(limits.idle_ms, 'the sound broke off')
    if (event === 'spoken') {
      watch.stop()
      texts.spoken()
      sound.finish()
      if (!link?.wire?.isReusable) {
        link?.close()
        link = null
      }
      advance()
    } else if (typeof event === 'object' && 'send' in event) link?.send(event.send)
    else if (typeof event === 'object') hear(event.audio)
  }
  const connect = (): Link<SynthesisWire> => {
    let wasReady = false
    return openLink<SynthesisEvent, SynthesisOptions, SynthesisWire>(service, options, {
      ready() {
        wasReady = true
        advance()
      },
      event: handle,
      drained() {},
      over: failure => (wasReady ? lose(failure) : fail(failure)),
    })
  }
  if (!options.signal.aborted) link = connect()
  return {
    audio: sound.audio,
    write(text) {
      texts.add(text)
      advance()
    },
    end() {
      texts.end()
      advance()
    },
  }
}
