import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { RecognitionOptions, SpeechProvider, SynthesisOptions, Voice } from '../types.ts'
import { createFailures, type Failures, kindOf, type SpeechFailure } from './failures.ts'
import { recognitionRate } from './outbox.ts'
import { createStreamingRecognizer, type RecognitionWire } from './recognition.ts'
import {
  baseUrl,
  limitsOf,
  nearestRate,
  objectIn,
  type ProviderOptions,
  readObject,
  textIn,
} from './service.ts'
import { createStreamingSynthesizer, type SynthesisWire } from './synthesis.ts'
import { partsOf } from './texts.ts'
import {
  flag,
  messageType,
  readVolcengine,
  type VolcengineMessage,
  volcengineEvent,
  writeEvent,
  writeVolcengine,
} from './volcengine-frames.ts'

const host = 'wss://openspeech.bytedance.com'
/** The model of the second generation, then that of the first, for accounts that have only that one. */
const recognitionResources = ['volc.seedasr.sauc.duration', 'volc.bigasr.sauc.duration'] as const
const rates = [8_000, 16_000, 24_000, 32_000, 44_100, 48_000] as const
const partLength = 500
const defaultVoice = 'zh_female_vv_uranus_bigtts'
/** Some of the many; any other id of the console works as well. */
const voices: readonly Voice[] = [
  { id: defaultVoice, name: 'Vivi', language: 'zh-CN' },
  { id: 'zh_female_xiaohe_uranus_bigtts', name: '小何', language: 'zh-CN' },
  { id: 'zh_female_shuangkuaisisi_uranus_bigtts', name: '爽快思思', language: 'zh-CN' },
  { id: 'zh_male_m191_uranus_bigtts', name: '云舟', language: 'zh-CN' },
  { id: 'zh_male_taocheng_uranus_bigtts', name: '小天', language: 'zh-CN' },
  { id: 'en_male_tim_uranus_bigtts', name: 'Tim', language: 'en-US' },
  { id: 'en_female_dacey_uranus_bigtts', name: 'Dacey', language: 'en-US' },
]

/**
 * Volcengine (Doubao): the streaming recognition of its large model, and the bidirectional streaming synthesis.
 * Sources: https://www.volcengine.com/docs/6561/1354869, https://www.volcengine.com/docs/6561/1329505
 */
export function createVolcengineSpeech(options: ProviderOptions): SpeechProvider {
  const { settings, log } = options
  const apiKey = settings.VOLCENGINE_SPEECH_API_KEY
  const appId = settings.VOLCENGINE_SPEECH_APP_ID
  const accessToken = settings.VOLCENGINE_SPEECH_ACCESS_TOKEN
  if (apiKey === '' && (appId === '' || accessToken === '')) return { recognizer: null, synthesizer: null }
  const failures = createFailures('volcengine', () => [apiKey, accessToken])
  const limits = limitsOf(options)
  const credentials: Record<string, string> =
    apiKey === '' ? { 'X-Api-App-Key': appId, 'X-Api-Access-Key': accessToken } : { 'X-Api-Key': apiKey }
  const headersFor = (resource: string, connection: string) => ({
    ...credentials,
    'X-Api-Resource-Id': resource,
    'X-Api-Request-Id': connection,
    'X-Api-Connect-Id': connection,
  })
  let resource: (typeof recognitionResources)[number] = recognitionResources[0]
  return {
    recognizer: createStreamingRecognizer({
      name: 'volcengine',
      failures,
      limits,
      log,
      chunk_ms: 200,
      async wire(utterance) {
        const trace = randomUUID()
        const url = `${baseUrl(settings.VOLCENGINE_ASR_URL, host)}/api/v3/sauc/bigmodel_async`
        const headers = { ...headersFor(resource, trace), 'X-Api-Sequence': '-1' }
        return recognitionWire({ url, headers }, trace, utterance, failures)
      },
      adapt(failure, { address }) {
        if (failure.kind !== 'key' || address.headers?.['X-Api-Resource-Id'] !== recognitionResources[0])
          return false
        resource = recognitionResources[1]
        return true
      },
    }),
    synthesizer: createStreamingSynthesizer({
      name: 'volcengine',
      voices,
      failures,
      limits,
      log,
      async wire(answer) {
        const voice = answer.voice ?? (settings.SPEECH_VOICE || defaultVoice)
        const trace = randomUUID()
        const url = `${baseUrl(settings.VOLCENGINE_TTS_URL, host)}/api/v3/tts/bidirection`
        const headers = headersFor(resourceOf(voice), trace)
        return synthesisWire({ url, headers }, trace, voice, answer, failures)
      },
    }),
  }
}

/** Voices belong to one generation of the model, which has a resource id of its own. */
function resourceOf(voice: string): string {
  if (voice.startsWith('S_')) return 'seed-icl-2.0'
  return /_(?:uranus|jupiter)_|^saturn_|_saturn_/.test(voice) ? 'seed-tts-2.0' : 'seed-tts-1.0'
}

function recognitionWire(
  address: { url: string; headers: Record<string, string> },
  trace: string,
  { hot_words = [] }: RecognitionOptions,
  failures: Failures,
): RecognitionWire {
  const words = hot_words.slice(0, 100).map(word => ({ word }))
  const request = {
    user: { uid: 'banyan' },
    audio: { format: 'pcm', codec: 'raw', rate: recognitionRate, bits: 16, channel: 1 },
    request: {
      model_name: 'bigmodel',
      enable_itn: true,
      enable_punc: true,
      result_type: 'full',
      ...(words.length > 0 ? { corpus: { context: JSON.stringify({ hotwords: words }) } } : {}),
    },
  }
  const audio = (pcm: Buffer, flags: number) =>
    writeVolcengine({ type: messageType.audioClient, flags, payload: gzipSync(pcm), isPacked: true })
  return {
    address,
    trace,
    // Messages are taken in order, so sound may follow the request at once.
    isReadyAtOnce: true,
    opening: [
      writeVolcengine({
        type: messageType.fullClient,
        payload: gzipSync(JSON.stringify(request)),
        isJson: true,
        isPacked: true,
      }),
    ],
    audio: pcm => audio(pcm, flag.none),
    ending: rest => [audio(rest, flag.last)],
    read(data) {
      const message = readVolcengine(data)
      if (message.type === messageType.error) return refused(message, failures)
      if (message.type !== messageType.fullServer) throw new Error(`type ${message.type}`)
      const body = readObject(message.payload)
      const code = Number(body.code ?? 0)
      if (code >= 40_000_000) return failureOf(failures, code, textIn(body, 'message'))
      const text = textIn(objectIn(body, 'result'), 'text')
      if ((message.flags & flag.last) !== 0) return { text, isFinal: true }
      return text === '' ? null : { text, isFinal: false }
    },
  }
}

function synthesisWire(
  address: { url: string; headers: Record<string, string> },
  trace: string,
  speaker: string,
  { sample_rate: wanted, speed = 1 }: SynthesisOptions,
  failures: Failures,
): SynthesisWire {
  const sample_rate = nearestRate(rates, wanted)
  const audio_params = { format: 'pcm', sample_rate, speech_rate: Math.round((speed - 1) * 100) }
  const payload = (event: number, text?: string) => ({
    user: { uid: 'banyan' },
    event,
    namespace: 'BidirectionalTTS',
    req_params: { ...(text === undefined ? {} : { text }), speaker, audio_params },
  })
  const event = volcengineEvent
  let session = ''
  return {
    address,
    trace,
    sample_rate,
    isReusable: true,
    opening: [writeEvent(event.startConnection, undefined, {})],
    farewell: [writeEvent(event.finishConnection, undefined, {})],
    speak(text) {
      session = randomUUID()
      return [
        writeEvent(event.startSession, session, payload(event.startSession)),
        ...partsOf(text, partLength).map(part =>
          writeEvent(event.taskRequest, session, payload(event.taskRequest, part)),
        ),
        writeEvent(event.finishSession, session, {}),
      ]
    },
    read(data) {
      const message = readVolcengine(data)
      if (message.type === messageType.error) return refused(message, failures)
      if (message.event === event.connectionStarted) return 'ready'
      if (message.event === event.connectionFailed || message.event === event.sessionFailed)
        return refused(message, failures)
      if (message.id !== session) return null
      if (message.type === messageType.audioServer) return { audio: message.payload }
      return message.event === event.sessionFinished ? 'spoken' : null
    },
  }
}

/** What an error message or a failed event says. */
function refused(message: VolcengineMessage, failures: Failures): SpeechFailure {
  let text = message.payload.toString()
  let code = message.error ?? 0
  try {
    const body = readObject(message.payload)
    code ||= Number(body.status_code ?? body.code ?? 0)
    text = textIn(body, 'message') || textIn(body, 'error') || text
  } catch {
    // Plain text, then.
  }
  return failureOf(failures, code, text)
}

/** 45… is the caller’s fault, 55… the service’s: https://www.volcengine.com/docs/6561/1354869 */
function failureOf(failures: Failures, code: number, text: string): SpeechFailure {
  const message = `${code} ${text}`
  if (code === 45_000_010 || code === 45_000_030) return failures.of('key', message)
  if (code === 45_000_292 || code === 55_000_031) return failures.of('rate', message)
  if (code === 45_000_081) return failures.of('timeout', message)
  const kind = kindOf(text)
  return failures.of(kind === 'rejected' && code >= 50_000_000 ? 'server' : kind, message)
}
