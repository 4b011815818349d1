import type { Synthesis, SynthesisOptions, Synthesizer, Voice } from '../types.ts'
import type { SpeechFailure } from './failures.ts'
import { type Link, openLink, type Service, type Wire } from './link.ts'
import type { Frame } from './socket.ts'
import { createSound, type Sound } from './sound.ts'
import { createTexts, type Texts } from './texts.ts'
import { createWatch, type Watch } from './watch.ts'

export type SynthesisEvent =
  | { audio: Buffer }
  /** The text was spoken to its end. */
  | 'spoken'
  /** The service waits for these. */
  | { send: readonly Frame[] }

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

/** One answer on its way, and how far it is. */
type Speaking = {
  service: SynthesisService
  options: SynthesisOptions
  texts: Texts
  sound: Sound
  watch: Watch
  link: Link<SynthesisWire> | null
  isOver: boolean
}

function openSynthesis(service: SynthesisService, options: SynthesisOptions): Synthesis {
  const { failures, limits } = service
  const texts = createTexts()
  const sound = createSound({ ...options, failures, limits, onLeave: () => stop(speaking) })
  const watch = createWatch(what => {
    if (texts.isSpeaking) fail(speaking, failures.of('timeout', what))
    else dismiss(speaking)
  })
  const speaking: Speaking = { service, options, texts, sound, watch, link: null, isOver: false }
  if (!options.signal.aborted) speaking.link = connect(speaking)
  return {
    audio: sound.audio,
    write(text) {
      texts.add(text)
      advance(speaking)
    },
    end() {
      texts.end()
      advance(speaking)
    },
  }
}

function connect(speaking: Speaking): Link<SynthesisWire> {
  const { service, options } = speaking
  let wasReady = false
  return openLink<SynthesisEvent, SynthesisOptions, SynthesisWire>(service, options, {
    ready() {
      wasReady = true
      advance(speaking)
    },
    event: event => handle(speaking, event),
    drained() {},
    over: failure => (wasReady ? lose(speaking, failure) : fail(speaking, failure)),
  })
}

function stop(speaking: Speaking) {
  speaking.isOver = true
  speaking.watch.stop()
  speaking.link?.destroy()
}

function fail(speaking: Speaking, failure: SpeechFailure) {
  if (speaking.isOver) return
  stop(speaking)
  speaking.sound.fail(failure.error)
}

/** Lets the connection go as the protocol wants it. */
function dismiss(speaking: Speaking) {
  speaking.link?.close(speaking.link.wire?.farewell)
  speaking.link = null
}

/** A connection may go while nothing is said; one that goes before the first sound is tried again. */
function lose(speaking: Speaking, failure: SpeechFailure) {
  const { texts, watch } = speaking
  speaking.link = null
  watch.stop()
  if (!texts.isSpeaking || (failure.kind === 'network' && texts.giveBack())) advance(speaking)
  else fail(speaking, failure)
}

/** Does what comes next: the next text, another connection, or the end. */
function advance(speaking: Speaking) {
  const { texts, sound, watch, link, service } = speaking
  if (speaking.isOver) return
  if (texts.isDone) {
    dismiss(speaking)
    sound.end()
  } else if (link?.isReady && link.wire && !texts.isSpeaking) {
    const next = texts.take()
    if (!next) return watch.within(service.limits.rest_ms, 'nothing to say')
    sound.begin(next.index, link.wire.sample_rate)
    link.send(link.wire.speak(next.text))
    watch.within(service.limits.first_ms, 'no sound in time')
  } else if (!link && texts.isWaiting) speaking.link = connect(speaking)
}

function handle(speaking: Speaking, event: SynthesisEvent) {
  const { texts, sound, watch, link } = speaking
  if (speaking.isOver || !texts.isSpeaking) return
  if (event === 'spoken') {
    watch.stop()
    texts.spoken()
    sound.finish()
    if (!link?.wire?.isReusable) {
      link?.close()
      speaking.link = null
    }
    advance(speaking)
  } else if ('send' in event) link?.send(event.send)
  else if (event.audio.length > 0) hear(speaking, event.audio)
}

function hear(speaking: Speaking, audio: Buffer) {
  const { texts, sound, watch, link, service } = speaking
  texts.heard()
  const listen = () => watch.within(service.limits.idle_ms, 'the sound broke off')
  listen()
  try {
    if (sound.write(audio)) return
  } catch (error) {
    return fail(speaking, service.failures.from(error))
  }
  link?.pause()
  watch.stop()
  void sound.room().then(() => {
    if (speaking.isOver) return
    link?.resume()
    listen()
  })
}
