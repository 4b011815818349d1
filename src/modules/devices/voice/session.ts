import type { AppError, Locale } from '#core/errors.ts'
import type { Pcm, Recognizer, Synthesizer } from '#core/speech/types.ts'
import type { Chat, SpokenTool } from '#modules/chat/contract.ts'
import { badFrame } from '../socket/errors.ts'
import type { DownMessage, Listen } from '../socket/messages.ts'
import { createEar, type Ear, type ListenMode, type Utterance } from './ear.ts'
import type { Pacer } from './pacer.ts'
import { type Prompt, type Standing, startTurn, type Turn, type TurnResult } from './turn.ts'
import { isWakeWord } from './wake-words.ts'

/** What a talk needs of the house. */
export type VoiceDeps = {
  chat: Chat
  recognizer(): Recognizer
  synthesizer(): Synthesizer
  pacer: Pacer
  settings: {
    DEVICES_SILENCE_MS: number
    DEVICES_LONGEST_SPEECH_SECONDS: number
    DEVICES_WAKE_WORDS: readonly string[]
  }
}

/** The device at the other end. */
export type VoicePort = {
  session_id: string
  device_id: string
  locale(): Locale
  /** Whom it speaks for; null when it is nobody's. Asked ahead, while somebody still speaks. */
  standing(): Promise<Standing | null>
  /** What the model may do for whom it answers. */
  tools(who: Standing): readonly SpokenTool[]
  send(message: DownMessage): void
  sendError(error: AppError): void
  sendAudio(packet: Uint8Array, timestamp: number): void
  /** Somebody speaks: the connection is no idle one. */
  onSpeech(): void
  /** An exchange has begun; `done` never rejects. */
  onTurn(done: Promise<TurnResult>, source: 'voice' | 'text'): void
  onUnexpected(error: unknown): void
}

export type Session = {
  listen(message: Listen): void
  hear(packet: Uint8Array): void
  /** Always answered by tts/stop. */
  abort(): void
  /** A question in text. */
  ask(text: string): void
  /** Speaks a text as it stands; resolves when it was spoken, with false when it was not. */
  say(text: string): Promise<boolean>
  /** Plays a sound at the rate of the downlink; resolves when it was played, with false when it was not. */
  play(title: string, track: AsyncIterable<Pcm>): Promise<boolean>
  /** Whether the device has listened yet: before, it must not be spoken to. */
  readonly has_listened: boolean
  readonly is_busy: boolean
  close(): void
}

/**
 * The talk with one device: who speaks, and who listens. All that happens comes in as calls; what is under way is one
 * ear and one turn at most.
 */
export function createSession(deps: VoiceDeps, port: VoicePort): Session {
  const { session_id } = port
  let mode: ListenMode | null = null
  let hasListened = false
  let isClosed = false
  let ear: Ear | null = null
  let turn: Turn | null = null
  let earMode: ListenMode | null = null
  let standing: Promise<Standing | null> | null = null

  /** Asked for while the user still speaks, so that nobody waits for it afterwards. */
  function lookUp(): Promise<Standing | null> {
    standing = port.standing()
    standing.catch(() => undefined)
    return standing
  }

  function openEar(wanted: ListenMode) {
    // A device that never stops listening says so again and again: what is being said is not cut by it.
    if (ear && earMode === wanted && (ear.is_fresh || wanted === 'realtime')) return
    ear?.close()
    earMode = wanted
    const it = createEar({
      mode: wanted,
      recognizer: deps.recognizer,
      recognition: {
        language: port.locale() === 'en' ? 'en-US' : 'zh-CN',
        speaker: port.device_id,
      },
      silence_ms: deps.settings.DEVICES_SILENCE_MS,
      longest_ms: deps.settings.DEVICES_LONGEST_SPEECH_SECONDS * 1000,
      now: deps.pacer.now,
      onSpeech() {
        port.onSpeech()
        lookUp()
        // Only a device that does not hear itself keeps listening while it speaks.
        if (wanted === 'realtime') interrupt()
      },
      onUtterance: utterance => {
        if (ear === it) heard(utterance)
        else utterance.cancel()
      },
      onFailure(error) {
        if (ear !== it) return
        ear = null
        begin({ kind: 'voice', utterance: failed(error) })
      },
      onBadPacket: () => port.sendError(badFrame({ version: 'Opus' })),
    })
    ear = it
  }

  function closeEar() {
    ear?.close()
    ear = null
  }

  /** A failure to listen goes the way of a failed recognition. */
  const failed = (error: unknown): Utterance => ({
    recognition: { write: () => undefined, finish: () => Promise.reject(error) },
    cancel: () => undefined,
    decided_at: deps.pacer.now(),
    silence_ms: 0,
  })

  function heard(utterance: Utterance) {
    if (mode !== 'realtime') closeEar()
    begin({ kind: 'voice', utterance })
  }

  /** True when it told the device to stop. */
  function interrupt(): boolean {
    const old = turn
    turn = null
    return old?.abort() ?? false
  }

  function begin(prompt: Prompt, synthesizer = deps.synthesizer): Promise<TurnResult> {
    interrupt()
    const mine = startTurn({
      prompt,
      session_id,
      standing: prompt.kind === 'voice' && standing ? standing : lookUp(),
      locale: port.locale(),
      tools: port.tools,
      send: message => {
        if (!isClosed) port.send(message)
      },
      sendAudio: (packet, timestamp) => {
        if (!isClosed) port.sendAudio(packet, timestamp)
      },
      chat: deps.chat,
      synthesizer,
      pacer: deps.pacer,
      onUnexpected: port.onUnexpected,
    })
    turn = mine
    standing = null
    void mine.done.then(() => {
      if (turn !== mine) return
      turn = null
      resume()
    })
    if (prompt.kind === 'voice' || prompt.kind === 'text') port.onTurn(mine.done, prompt.kind)
    return mine.done
  }

  /** Listens where the device does: after a turn of auto it need not ask, and realtime never stops. */
  function resume() {
    if (isClosed || ear || mode === null || mode === 'manual' || (mode === 'auto' && turn)) return
    openEar(mode)
  }

  function listenStart(wanted: ListenMode) {
    mode = wanted
    // Whoever presses the button wants to speak now.
    if (wanted === 'manual') {
      interrupt()
      lookUp()
    }
    // A device that hears itself would take its own answer for a question.
    if (turn && wanted === 'auto') closeEar()
    else openEar(wanted)
  }

  function listenStop() {
    mode = null
    const utterance = ear?.finish() ?? null
    closeEar()
    if (utterance) begin({ kind: 'voice', utterance })
  }

  function detected(text: string) {
    closeEar()
    if (isWakeWord(text, deps.settings.DEVICES_WAKE_WORDS)) interrupt()
    else void begin({ kind: 'text', text })
    resume()
  }

  return {
    listen({ state, mode: wanted, text = '' }) {
      hasListened = true
      port.onSpeech()
      if (state === 'start') listenStart(wanted ?? 'auto')
      else if (state === 'stop') listenStop()
      else detected(text)
    },
    hear: packet => ear?.hear(packet),
    abort() {
      const isAnswered = interrupt()
      if (!isAnswered) port.send({ type: 'tts', session_id, state: 'stop' })
      resume()
    },
    ask(text) {
      hasListened = true
      closeEar()
      void begin({ kind: 'text', text })
      resume()
    },
    async say(text) {
      if (turn || isClosed) return false
      closeEar()
      return (await begin({ kind: 'say', text })).outcome === 'done'
    },
    async play(title, track) {
      if (turn || isClosed) return false
      closeEar()
      return (await begin({ kind: 'say', text: title }, () => player(track))).outcome === 'done'
    },
    get has_listened() {
      return hasListened
    },
    get is_busy() {
      return turn !== null
    },
    close() {
      if (isClosed) return
      closeEar()
      interrupt()
      isClosed = true
    },
  }
}

/** A voice whose every text sounds like a track: a piece is played as an answer is, and broken off like one. */
const player = (track: AsyncIterable<Pcm>): Synthesizer => ({
  name: 'track',
  is_preview: false,
  voices: [],
  open: () => ({
    write() {},
    end() {},
    audio: (async function* () {
      for await (const pcm of track) yield { pcm, index: 0 }
    })(),
  }),
})
