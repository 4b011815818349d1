import { onTestFinished } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import { AppError } from '#core/errors.ts'
import { createLog } from '#core/log.ts'
import type { Limits } from './providers/limits.ts'
import type { ProviderOptions } from './providers/service.ts'
import { joinPcm } from './resample.ts'
import { speechSettings } from './settings.ts'
import { type FakeSpeech, fakeSound, type SpeechFault } from './testing/fake-speech.ts'
import type {
  Pcm,
  RecognitionOptions,
  Recognizer,
  SpeechProvider,
  Synthesis,
  SynthesisOptions,
  Synthesizer,
} from './types.ts'

/** Generous, since a busy machine must not look like a slow service. */
export const patient: Partial<Limits> = { connect_ms: 30_000, first_ms: 30_000, idle_ms: 30_000 }
export const impatient: Partial<Limits> = { connect_ms: 300, first_ms: 300, idle_ms: 300, rest_ms: 300 }
/** What an honest answer of the tests does not reach. */
export const small: Partial<Limits> = {
  ...patient,
  message_bytes: 256 * 1024,
  text_length: 500,
  audio_seconds: 5,
}

/** How a service fails, and what becomes of it. */
export const faults: { how: string; fault: SpeechFault; code: string; limits?: Partial<Limits> }[] = [
  { how: '401', fault: { is: 'refused', status: 401 }, code: 'speech.bad_key' },
  { how: '403', fault: { is: 'refused', status: 403 }, code: 'speech.bad_key' },
  { how: '429', fault: { is: 'refused', status: 429 }, code: 'speech.provider_rate_limited' },
  {
    how: '500, with a page of a proxy',
    fault: { is: 'refused', status: 500, body: '<html>oops</html>' },
    code: 'speech.provider_failed',
  },
  {
    how: '400',
    fault: { is: 'refused', status: 400, body: '{"message":"no"}' },
    code: 'speech.provider_rejected',
  },
  {
    how: 'a connection that breaks before it stands',
    fault: { is: 'dropped' },
    code: 'speech.provider_failed',
  },
  { how: 'an answer that is cut in the middle', fault: { is: 'cut' }, code: 'speech.provider_failed' },
  { how: 'half a frame', fault: { is: 'half_frame' }, code: 'speech.provider_failed' },
  { how: 'an answer that ends too early', fault: { is: 'closed' }, code: 'speech.provider_failed' },
  { how: 'what makes no sense', fault: { is: 'malformed' }, code: 'speech.provider_malformed' },
  { how: 'its own word for a bad key', fault: { is: 'error', what: 'key' }, code: 'speech.bad_key' },
  {
    how: 'its own word for too many requests',
    fault: { is: 'error', what: 'rate' },
    code: 'speech.provider_rate_limited',
  },
  {
    how: 'its own word for a failure inside',
    fault: { is: 'error', what: 'server' },
    code: 'speech.provider_failed',
  },
  {
    how: 'its own word for a bad request',
    fault: { is: 'error', what: 'rejected' },
    code: 'speech.provider_rejected',
  },
  { how: 'no handshake', fault: { is: 'deaf' }, code: 'speech.provider_timeout', limits: impatient },
  { how: 'no answer', fault: { is: 'silent' }, code: 'speech.provider_timeout', limits: impatient },
  {
    how: 'an answer that stops in the middle',
    fault: { is: 'stalled' },
    code: 'speech.provider_timeout',
    limits: { ...patient, idle_ms: 300, first_ms: 1_500 },
  },
  {
    how: 'heartbeats instead of an answer',
    fault: { is: 'chatty' },
    code: 'speech.provider_timeout',
    limits: { ...patient, idle_ms: 300, first_ms: 1_500 },
  },
  {
    how: 'an answer that is too large',
    fault: { is: 'oversized' },
    code: 'speech.provider_malformed',
    limits: small,
  },
  {
    how: 'an answer without an end',
    fault: { is: 'endless' },
    code: 'speech.provider_malformed',
    limits: small,
  },
]

/** Where an abort finds a driver: what its service does then. */
export const stages: { when: string; fault: SpeechFault }[] = [
  { when: 'while it connects', fault: { is: 'deaf' } },
  { when: 'while it waits for the answer', fault: { is: 'slow', ms: 600_000 } },
  { when: 'in the middle of the answer', fault: { is: 'stalled' } },
]

/** What the parts of the contract work with: the fake of now, and a driver for it. */
export type Stage = {
  readonly fake: FakeSpeech
  open(options?: Parameters<typeof openProvider>[2]): { recognizer: Recognizer; synthesizer: Synthesizer }
  /** Another fake, after this one was stopped. */
  restart(): Promise<void>
}

/** A driver with the settings of a fake; `lines` gets what it logs. */
export function openProvider(
  create: (options: ProviderOptions) => SpeechProvider,
  env: Record<string, string>,
  options: { limits?: Partial<Limits>; lines?: string[]; clock?: { now(): number } } = {},
): { recognizer: Recognizer; synthesizer: Synthesizer } {
  const { values: settings } = loadConfig(speechSettings, { env })
  const log = createLog('debug', line => options.lines?.push(line))
  const { clock = systemClock, limits = patient } = options
  const { recognizer, synthesizer } = create({ settings, log, clock, limits })
  if (!recognizer || !synthesizer) throw new Error('the driver finds no keys')
  return { recognizer, synthesizer }
}

/** Sound of so many milliseconds, as a microphone would bring it: in pieces of 20 ms. */
export function* spokenPieces(ms: number, sample_rate: number): Iterable<Pcm> {
  const whole = fakeSound('x'.repeat(Math.ceil(ms / 100)), sample_rate).subarray(0, (ms * sample_rate) / 1000)
  const step = sample_rate / 50
  for (let at = 0; at < whole.length; at += step) yield whole.subarray(at, at + step)
}

/** A fake until the end of the test. */
export async function start<T extends FakeSpeech>(starting: Promise<T>): Promise<T> {
  const fake = await starting
  onTestFinished(() => fake.stop())
  return fake
}

/** One utterance, spoken at once. */
export function hear(
  recognizer: Recognizer,
  options: Partial<RecognitionOptions> = {},
  ms = 200,
): Promise<string> {
  const recognition = recognizer.open({ sample_rate: 16_000, signal: never(), ...options })
  for (const pcm of spokenPieces(ms, 16_000)) recognition.write(pcm)
  return recognition.finish()
}

/** The sound of texts that are there at once. */
export function say(
  synthesizer: Synthesizer,
  texts: readonly string[],
  options: Partial<SynthesisOptions> = {},
): Promise<Map<number, Pcm>> {
  const synthesis = synthesizer.open({ sample_rate: 24_000, signal: never(), ...options })
  for (const text of texts) synthesis.write(text)
  synthesis.end()
  return listen(synthesis)
}

/** All sound of a synthesis, by the text that it belongs to. */
export async function listen({ audio }: Synthesis): Promise<Map<number, Pcm>> {
  const parts = new Map<number, Pcm[]>()
  for await (const { pcm, index } of audio) {
    const last = [...parts.keys()].at(-1) ?? -1
    if (index < last) throw new Error('the sound is not in order')
    parts.set(index, [...(parts.get(index) ?? []), pcm])
  }
  return new Map([...parts].map(([index, pieces]) => [index, joinPcm(pieces)]))
}

/** What a promise rejects with. */
export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  )

/** The code that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await errorOf(promise)
  return error instanceof AppError ? error.code : String(error)
}

export const never = (): AbortSignal => new AbortController().signal
