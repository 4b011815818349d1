import { AppError, type Locale, translateError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { createOpusEncoder } from '#core/speech/opus.ts'
import { createSentenceSplitter } from '#core/speech/sentences.ts'
import type { Synthesis, Synthesizer } from '#core/speech/types.ts'
import type { Chat, SpokenTool, SpokenTurn } from '#modules/chat/contract.ts'
import { deviceUnowned, turnBroken } from '../socket/errors.ts'
import type { DownMessage } from '../socket/messages.ts'
import type { Utterance } from './ear.ts'
import { emotionOf } from './emotion.ts'
import type { Pacer } from './pacer.ts'
import { createSpeaker, downlink, type Speaker } from './speaker.ts'
import type { Timeline, TurnOutcome } from './timeline.ts'

/** For whom a device speaks, as of now. */
export type Standing = {
  user_id: string
  bot_id: string | null
  conversation_id: string | null
  locale: Locale
  name: string
}

/** What starts a turn: something that was said or typed, or a text that is to be spoken as it stands. */
export type Prompt =
  | { kind: 'voice'; utterance: Utterance }
  | { kind: 'text'; text: string }
  | { kind: 'say'; text: string }

export type TurnOptions = {
  prompt: Prompt
  session_id: string
  /** Null: the device is nobody's. */
  standing: Promise<Standing | null>
  /** For devices that are nobody's. */
  locale: Locale
  tools(who: Standing): readonly SpokenTool[]
  send(message: DownMessage): void
  sendAudio(packet: Uint8Array, timestamp: number): void
  chat: Chat
  synthesizer(): Synthesizer
  pacer: Pacer
  onUnexpected(error: unknown): void
}

export type TurnResult = Timeline & {
  id: string
  /** `empty`: nothing was said. */
  outcome: TurnOutcome | 'empty'
  error_code: string | null
  standing: Standing | null
  conversation_id: string | null
}

export type Turn = {
  /**
   * Silence at once: nothing more of this turn goes out but tts/stop. True when that was sent by this; does nothing
   * once the turn is over.
   */
  abort(): boolean
  /** Never rejects. */
  done: Promise<TurnResult>
}

/** From tts/start until the device takes sound: entering its speaking state empties its queue. */
const settling_ms = 20

type Sentence = { text: string; raw: string; from: number; to: number }

/** How far a turn has come. */
type Progress = {
  /** Why it goes no further. */
  cut: 'abort' | 'failure' | null
  is_over: boolean
  /** Between tts/start and tts/stop. */
  is_speaking: boolean
  speaking_since: number
  speaker: Speaker | null
  answer: SpokenTurn | null
  failure: AppError | null
  standing: Standing | null
  conversation_id: string | null
}

/** One exchange: what was said becomes text, the bot's answer becomes sound, sentence by sentence while it is written. */
export function startTurn(options: TurnOptions): Turn {
  const { prompt, session_id, pacer, send } = options
  const id = newId()
  const began = prompt.kind === 'voice' ? prompt.utterance.decided_at : pacer.now()
  const controller = new AbortController()
  const { signal } = controller
  const marks: Partial<Record<'text' | 'first_token' | 'first_sentence' | 'first_audio' | 'abort', number>> =
    {}
  /** What is said of a failure is no answer: it has none of the times of one. */
  const mark = (name: keyof typeof marks) => {
    if (now.failure && name !== 'abort') return
    marks[name] ??= Math.max(0, Math.round(pacer.now() - began))
  }
  const now: Progress = {
    cut: null,
    is_over: false,
    is_speaking: false,
    speaking_since: 0,
    speaker: null,
    answer: null,
    failure: null,
    standing: null,
    conversation_id: null,
  }
  /** What was given to the synthesiser, in order. */
  const sentences: Sentence[] = []
  // Made while somebody else is waited for.
  const encoder = createOpusEncoder({ ...downlink })
  encoder.catch(() => undefined)

  const locale = () => now.standing?.locale ?? options.locale

  function beginSpeaking() {
    if (now.is_speaking || now.cut) return
    now.is_speaking = true
    now.speaking_since = pacer.now()
    send({ type: 'tts', session_id, state: 'start' })
  }

  function stopSpeaking() {
    if (!now.is_speaking) return
    now.is_speaking = false
    send({ type: 'tts', session_id, state: 'stop' })
  }

  function cut(why: 'abort' | 'failure') {
    if (now.is_over || now.cut) return
    now.cut = why
    now.speaker?.stop()
    stopSpeaking()
    if (prompt.kind === 'voice') prompt.utterance.cancel()
    controller.abort()
  }

  /** Errors are shown, and spoken where speaking is not what failed. */
  function fail(error: unknown): string {
    if (now.failure) return ''
    if (!(error instanceof AppError)) options.onUnexpected(error)
    now.failure = error instanceof AppError ? error : turnBroken({}, { cause: error })
    const message = translateError(now.failure, locale())
    const status = locale() === 'en' ? 'Sorry' : '抱歉'
    send({ type: 'alert', session_id, status, message, emotion: 'sad' })
    return message
  }

  /** What is to be said, in pieces. Never throws: what fails is told in words. */
  async function* script(): AsyncGenerator<string> {
    try {
      const text = prompt.kind === 'voice' ? await prompt.utterance.recognition.finish() : prompt.text
      if (now.cut) return
      if (prompt.kind === 'voice') mark('text')
      if (text.trim() === '') return
      if (prompt.kind !== 'say') send({ type: 'stt', session_id, text })
      now.standing = await options.standing
      if (now.cut) return
      if (!now.standing) throw deviceUnowned()
      if (prompt.kind === 'say') yield text
      else {
        beginSpeaking()
        yield* reply(now.standing, text)
      }
    } catch (error) {
      await knowWhose()
      if (!now.cut) yield fail(error)
    }
  }

  /** Also what ends before anything was asked is somebody's, and told in their language. */
  async function knowWhose() {
    now.standing ??= await options.standing.catch(() => null)
  }

  async function* reply(who: Standing, text: string): AsyncGenerator<string> {
    const { user_id, bot_id, conversation_id, locale } = who
    const tools = options.tools(who)
    const answer = options.chat.spokenTurn({ user_id, bot_id, conversation_id, text, locale, tools, signal })
    now.answer = answer
    answer.conversation_id.then(
      known => {
        now.conversation_id = known
      },
      () => undefined,
    )
    answer.done.catch(() => undefined)
    for await (const delta of answer.deltas) yield delta.text
  }

  async function perform() {
    const splitter = createSentenceSplitter()
    const voice: { synthesis: Synthesis | null; playing: Promise<void> | null } = {
      synthesis: null,
      playing: null,
    }
    const say = (parts: readonly { text: string; raw: string }[]) => {
      for (const { text, raw } of parts) {
        if (now.cut) return
        if (text === '') continue
        mark('first_sentence')
        beginSpeaking()
        if (!voice.synthesis) {
          const language = locale() === 'en' ? 'en-US' : 'zh-CN'
          voice.synthesis = options
            .synthesizer()
            .open({ sample_rate: downlink.sample_rate, language, signal })
          voice.playing = play(voice.synthesis.audio)
          // A voice that fails ends the answer too, which would go on being written for nobody.
          voice.playing.catch(() => cut('failure'))
        }
        sentences.push({ text, raw, from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY })
        voice.synthesis.write(text)
      }
    }
    for await (const text of script()) {
      mark('first_token')
      say(splitter.push(text))
    }
    say(splitter.end())
    voice.synthesis?.end()
    await voice.playing
    if (!now.cut) await now.speaker?.end()
  }

  async function play(audio: Synthesis['audio']) {
    let current = -1
    const ready = await encoder
    if (now.cut) return
    const speaker = createSpeaker({
      pacer,
      encoder: ready,
      not_before: now.speaking_since + settling_ms,
      send(packet, timestamp) {
        mark('first_audio')
        options.sendAudio(packet, timestamp)
      },
    })
    now.speaker = speaker
    for await (const { pcm, index } of audio) {
      if (now.cut) return
      const sentence = sentences[index]
      if (sentence && index !== current) {
        current = index
        sentence.from = speaker.written_ms
        speaker.mark(() => {
          if (index === 0) send({ type: 'llm', session_id, ...emotionOf(sentence.raw) })
          send({ type: 'tts', session_id, state: 'sentence_start', text: sentence.text })
        })
      }
      const writing = speaker.write(pcm)
      if (sentence) sentence.to = speaker.written_ms
      await writing
    }
  }

  /** The part of the answer that came out of the loudspeaker; the last sentence is cut where the sound was. */
  function heardText(): string {
    const heard = now.speaker?.heard_ms() ?? 0
    return sentences
      .map(({ raw, from, to }) => {
        if (heard <= from) return ''
        if (heard >= to) return raw
        const letters = [...raw]
        return letters.slice(0, Math.ceil((letters.length * (heard - from)) / (to - from))).join('')
      })
      .join('')
  }

  async function run(): Promise<TurnResult> {
    try {
      await perform()
    } catch (error) {
      // The synthesiser failed, or we did.
      if (now.cut !== 'abort') {
        fail(error)
        cut('failure')
      }
    }
    now.is_over = true
    stopSpeaking()
    const end_ms = Math.round(pacer.now() - began)
    await knowWhose()
    const { speaker, answer, failure } = now
    if (speaker) speaker.stop()
    else encoder.then(unused => unused.free()).catch(() => undefined)
    if (now.cut && answer) await answer.spoken(heardText()).catch(options.onUnexpected)
    const at = (name: keyof typeof marks) => marks[name] ?? null
    const isEmpty = !now.cut && !failure && sentences.length === 0 && answer === null
    return {
      id,
      outcome: failure ? 'failed' : now.cut ? 'aborted' : isEmpty ? 'empty' : 'done',
      error_code: failure?.code ?? null,
      standing: now.standing,
      conversation_id: now.conversation_id,
      silence_ms: prompt.kind === 'voice' ? Math.round(prompt.utterance.silence_ms) : null,
      text_ms: at('text'),
      first_token_ms: at('first_token'),
      first_sentence_ms: at('first_sentence'),
      first_audio_ms: at('first_audio'),
      abort_ms: at('abort'),
      end_ms,
      spoken_ms: Math.round(speaker?.heard_ms() ?? 0),
    }
  }

  return {
    abort() {
      if (now.is_over || now.cut) return false
      const wasSpeaking = now.is_speaking
      mark('abort')
      cut('abort')
      return wasSpeaking
    },
    done: run(),
  }
}
