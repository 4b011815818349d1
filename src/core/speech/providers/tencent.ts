import { createHmac, randomInt, randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import type { Clock } from '#core/clock.ts'
import type { Log } from '#core/log.ts'
import { unknownVoice } from '../errors.ts'
import type { RecognitionOptions, SpeechProvider, SynthesisOptions, Synthesizer, Voice } from '../types.ts'
import { createFailures, type Failures, kindOf, SpeechFailure } from './failures.ts'
import type { Limits } from './limits.ts'
import { createStreamingRecognizer, type RecognitionWire } from './recognition.ts'
import { openRequestSynthesis } from './request-synthesis.ts'
import {
  baseUrl,
  joinSentences,
  limitsOf,
  nearestRate,
  objectIn,
  type ProviderOptions,
  readObject,
  textIn,
} from './service.ts'
import { createStreamingSynthesizer, type SynthesisWire } from './synthesis.ts'
import { longestVoiceText, requestVoice } from './tencent-voice.ts'
import { partsOf } from './texts.ts'

const recognitionHost = 'asr.cloud.tencent.com'
const synthesisHost = 'tts.cloud.tencent.com'
/** How long a signed address may be used, in seconds. */
const validity = 600
/** The service breaks off at more than three seconds of sound per second; the burst and delays need their share. */
const pace = 1.6
const partLength = 500
const defaultVoice = '502001'
/** Some of the many: https://cloud.tencent.com/document/product/1073/92668; any other number works as well. */
const voices: readonly Voice[] = [
  { id: defaultVoice, name: '智小柔', language: 'zh-CN' },
  { id: '502006', name: '智小悟', language: 'zh-CN' },
  { id: '502007', name: '智小虎', language: 'zh-CN' },
  { id: '603004', name: '温柔小柠', language: 'zh-CN' },
  { id: '603002', name: '软萌心心', language: 'zh-CN' },
  { id: '501004', name: '月华', language: 'zh-CN' },
  { id: '501008', name: 'WeJames', language: 'en-US' },
  { id: '501009', name: 'WeWinny', language: 'en-US' },
]
/** Engines by language, where the default is not the right one. */
const engines: Record<string, string> = {
  en: '16k_en',
  ja: '16k_ja',
  ko: '16k_ko',
  yue: '16k_yue',
  fr: '16k_fr',
  de: '16k_de',
  es: '16k_es',
  pt: '16k_pt',
  th: '16k_th',
  vi: '16k_vi',
  id: '16k_id',
  ms: '16k_ms',
  ar: '16k_ar',
}

type Account = { appId: string; secretId: string; secretKey: string; clock: Clock }

/**
 * Tencent Cloud: real-time recognition and the synthesis of flowing text, both over a signed address.
 * Sources: https://cloud.tencent.com/document/product/1093/48982, https://cloud.tencent.com/document/product/1073/108595
 */
export function createTencentSpeech(options: ProviderOptions): SpeechProvider {
  const { settings, log, clock } = options
  const appId = settings.TENCENT_APP_ID
  const secretId = settings.TENCENT_SECRET_ID
  const secretKey = settings.TENCENT_SECRET_KEY
  if (appId === '' || secretId === '' || secretKey === '') return { recognizer: null, synthesizer: null }
  const failures = createFailures('tencent', () => [secretId, secretKey])
  const account = { appId, secretId, secretKey, clock }
  const limits = limitsOf(options)
  const shared = { name: 'tencent', failures, limits, log }
  const voiceOf = ({ voice }: SynthesisOptions) => voice ?? (settings.SPEECH_VOICE || defaultVoice)
  return {
    recognizer: createStreamingRecognizer({
      ...shared,
      chunk_ms: 200,
      pace,
      wire: async utterance =>
        recognitionWire(
          baseUrl(settings.TENCENT_ASR_URL, `wss://${recognitionHost}`),
          account,
          utterance,
          failures,
        ),
    }),
    synthesizer: /^https?:/.test(settings.TENCENT_TTS_URL)
      ? voiceSynthesizer(baseUrl(settings.TENCENT_TTS_URL, ''), account, voiceOf, shared)
      : createStreamingSynthesizer({
          ...shared,
          voices,
          async wire(answer) {
            const base = baseUrl(settings.TENCENT_TTS_URL, `wss://${synthesisHost}`)
            return synthesisWire(base, account, numberOf(voiceOf(answer)), answer, failures)
          },
        }),
  }
}

/** Speaks by `TextToVoice`, a request a text, where the address is one of HTTP. */
function voiceSynthesizer(
  url: string,
  account: Account,
  voiceOf: (answer: SynthesisOptions) => string,
  service: { name: string; failures: Failures; limits: Limits; log: Log },
): Synthesizer {
  const dispatcher = new Agent({ connect: { timeout: service.limits.connect_ms } })
  const api = { ...service, url, account, dispatcher }
  return {
    name: service.name,
    is_preview: false,
    voices,
    open(answer) {
      const { language, speed = 1 } = answer
      const voice = voiceOf(answer)
      const sample_rate = rateOf(voice, answer.sample_rate)
      return openRequestSynthesis(
        {
          ...service,
          sample_rate,
          partsOf: text => partsOf(text, longestVoiceText(text)),
          async *request(text, signal) {
            const wanted = { text, voice: numberOf(voice), sample_rate, speed: tencentSpeed(speed), language }
            yield* requestVoice(api, wanted, signal)
          },
        },
        answer,
      )
    },
  }
}

/**
 * Signs a query: HMAC-SHA1 over host, path and the sorted parameters as they are, in base64. `prefix` is what stands
 * before the question mark in the signed text.
 */
export function signTencentQuery(
  prefix: string,
  parameters: Record<string, string | number>,
  secretKey: string,
): { query: string; signature: string } {
  const names = Object.keys(parameters).sort()
  const plain = names.map(name => `${name}=${parameters[name]}`).join('&')
  const query = names.map(name => `${name}=${encodeURIComponent(String(parameters[name]))}`).join('&')
  return { query, signature: createHmac('sha1', secretKey).update(`${prefix}?${plain}`).digest('base64') }
}

function recognitionWire(
  base: string,
  { appId, secretId, secretKey, clock }: Account,
  { language = '', hot_words = [] }: RecognitionOptions,
  failures: Failures,
): RecognitionWire {
  const voice_id = randomUUID()
  const timestamp = Math.floor(clock.now() / 1000)
  const words = hotWordList(hot_words)
  const { query, signature } = signTencentQuery(
    `${recognitionHost}/asr/v2/${appId}`,
    {
      engine_model_type: engines[language.split('-')[0]?.toLowerCase() ?? ''] ?? '16k_zh',
      expired: timestamp + validity,
      ...(words === '' ? {} : { hotword_list: words }),
      needvad: 1,
      nonce: randomInt(1, 1_000_000_000),
      secretid: secretId,
      timestamp,
      voice_format: 1,
      voice_id,
    },
    secretKey,
  )
  const url = `${base}/asr/v2/${appId}?${query}&signature=${encodeURIComponent(signature)}`
  const sentences: string[] = []
  return {
    address: { url },
    trace: voice_id,
    opening: [],
    audio: pcm => pcm,
    ending: rest => [...(rest.length > 0 ? [rest] : []), JSON.stringify({ type: 'end' })],
    read(data) {
      const message = readObject(data)
      const code = Number(message.code)
      if (code !== 0) return failureOf(failures, code, textIn(message, 'message'))
      if (message.final === 1) return { text: joinSentences(sentences), isFinal: true }
      // The first word is only that the signature is good.
      if (!('result' in message)) return 'ready'
      const result = objectIn(message, 'result')
      const text = textIn(result, 'voice_text_str')
      if (result.slice_type !== 2) return { text: joinSentences([...sentences, text]), isFinal: false }
      sentences.push(text)
      return { text: joinSentences(sentences), isFinal: false }
    },
  }
}

function synthesisWire(
  base: string,
  { appId, secretId, secretKey, clock }: Account,
  voice: string,
  { sample_rate: wanted, speed = 1 }: SynthesisOptions,
  failures: Failures,
): SynthesisWire {
  const session_id = randomUUID()
  const timestamp = Math.floor(clock.now() / 1000)
  const sample_rate = rateOf(voice, wanted)
  const { query, signature } = signTencentQuery(
    `GET${synthesisHost}/stream_wsv2`,
    {
      Action: 'TextToStreamAudioWSv2',
      AppId: appId,
      Codec: 'pcm',
      Expired: timestamp + validity,
      SampleRate: sample_rate,
      SecretId: secretId,
      SessionId: session_id,
      Speed: tencentSpeed(speed),
      Timestamp: timestamp,
      VoiceType: voice,
    },
    secretKey,
  )
  const message = (action: string, data: string) =>
    JSON.stringify({ session_id, message_id: randomUUID(), action, data })
  return {
    address: { url: `${base}/stream_wsv2?${query}&Signature=${encodeURIComponent(signature)}` },
    trace: session_id,
    opening: [],
    farewell: [],
    isReusable: false,
    sample_rate,
    speak: text => [
      ...partsOf(text, partLength).map(part => message('ACTION_SYNTHESIS', part)),
      message('ACTION_COMPLETE', ''),
    ],
    read(data, isBinary) {
      if (isBinary) return { audio: data }
      const answer = readObject(data)
      const code = Number(answer.code)
      if (code !== 0) return failureOf(failures, code, textIn(answer, 'message'))
      if (answer.final === 1) return 'spoken'
      return answer.ready === 1 ? 'ready' : null
    },
  }
}

/** The id of a voice is a number. @throws SpeechFailure */
function numberOf(voice: string): string {
  if (/^\d{1,12}$/.test(voice)) return voice
  throw new SpeechFailure('rejected', 'no such voice', () => unknownVoice({ voice }))
}

/** The older voices, with ids below 500000, have no 24 kHz. */
const rateOf = (voice: string, wanted: number): number =>
  nearestRate(Number(voice) < 500_000 ? [8_000, 16_000] : [8_000, 16_000, 24_000], wanted)

/** At most 128 words without spaces, ten Chinese characters or thirty others each, with a middling weight. */
function hotWordList(words: readonly string[]): string {
  return words
    .filter(word => /^[^\s|,]+$/.test(word) && word.length <= (/\p{Script=Han}/u.test(word) ? 10 : 30))
    .slice(0, 128)
    .map(word => `${word}|10`)
    .join(',')
}

/** -2 is 0.6 times as fast, 0 normal, 1 1.2 times, 2 1.5 times, 6 2.5 times; in between it is linear. */
function tencentSpeed(speed: number): number {
  const value =
    speed <= 1.2 ? (speed - 1) * 5 : speed <= 1.5 ? 1 + (speed - 1.2) / 0.3 : 2 + (speed - 1.5) * 4
  return Math.round(Math.max(-2, Math.min(6, value)) * 100) / 100
}

/** Source: https://cloud.tencent.com/document/product/1093/48982, section on error codes. */
function failureOf(failures: Failures, code: number, text: string): SpeechFailure {
  const message = `${code} ${text}`
  if (!Number.isFinite(code)) return failures.of('malformed', 'a message without a code')
  if (code >= 4002 && code <= 4005) return failures.of('key', message)
  if (code === 4006) return failures.of('rate', message)
  if (code === 4008) return failures.of('timeout', message)
  if (code >= 5000 && code < 6000) return failures.of('server', message)
  return failures.of(kindOf(text), message)
}
