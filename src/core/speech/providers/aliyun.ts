import { randomUUID } from 'node:crypto'
import type { SpeechProvider, SynthesisOptions, Voice } from '../types.ts'
import { createAliyunTokens } from './aliyun-token.ts'
import { createFailures, type Failures, kindOf, type SpeechFailure } from './failures.ts'
import type { Address } from './link.ts'
import { recognitionRate } from './outbox.ts'
import { createStreamingRecognizer, type RecognitionWire } from './recognition.ts'
import {
  joinSentences,
  limitsOf,
  nearestRate,
  objectIn,
  type ProviderOptions,
  readObject,
  textIn,
} from './service.ts'
import { createStreamingSynthesizer, type SynthesisWire } from './synthesis.ts'
import { partsOf } from './texts.ts'

const success = 20_000_000
const rates = [8_000, 16_000, 24_000] as const
/** One message may hold 2,000 units, and a Chinese character counts two. */
const partLength = 500
const defaultVoice = 'longxiaochun_v2'
/** Some of the many; any other id of the service works as well. */
const voices: readonly Voice[] = [
  { id: defaultVoice, name: '龙小淳', language: 'zh-CN' },
  { id: 'longxiaoxia_v2', name: '龙小夏', language: 'zh-CN' },
  { id: 'longwan_v2', name: '龙婉', language: 'zh-CN' },
  { id: 'longcheng_v2', name: '龙橙', language: 'zh-CN' },
  { id: 'longhua_v2', name: '龙华', language: 'zh-CN' },
  { id: 'longhuhu', name: '龙呼呼', language: 'zh-CN' },
  { id: 'longshu_v2', name: '龙书', language: 'zh-CN' },
  { id: 'loongbella_v2', name: 'Bella', language: 'zh-CN' },
]

type Header = { status: number; name: string; task: string; text: string }

/**
 * Alibaba Cloud’s Intelligent Speech Interaction (NLS): real-time transcription and the synthesis of flowing text.
 * Sources: https://help.aliyun.com/document_detail/324262.html,
 * https://help.aliyun.com/zh/isi/user-guide/websocket-protocol-description-for-cosyvoice-tts
 */
export function createAliyunSpeech(options: ProviderOptions): SpeechProvider {
  const { settings, log, clock } = options
  const keyId = settings.ALIYUN_ACCESS_KEY_ID
  const keySecret = settings.ALIYUN_ACCESS_KEY_SECRET
  const appKey = settings.ALIYUN_NLS_APP_KEY
  if (keyId === '' || keySecret === '' || appKey === '') return { recognizer: null, synthesizer: null }
  const region = settings.ALIYUN_NLS_REGION
  const isInChina = region.startsWith('cn-')
  const failures = createFailures('aliyun', () => [keyId, keySecret, appKey, tokens.last()])
  const tokens = createAliyunTokens({
    // One service gives out the tokens of all regions in China.
    region: isInChina ? 'cn-shanghai' : region,
    url:
      settings.ALIYUN_NLS_TOKEN_URL ||
      (isInChina ? 'https://nls-meta.cn-shanghai.aliyuncs.com/' : `https://nlsmeta.${region}.aliyuncs.com/`),
    keyId,
    keySecret,
    clock,
    failures,
  })
  const limits = limitsOf(options)
  const gateway = (at: string) => settings.ALIYUN_NLS_URL || `wss://nls-gateway-${at}.aliyuncs.com/ws/v1`
  const addressAt = async (at: string): Promise<Address> => ({
    url: gateway(at),
    headers: { 'X-NLS-Token': await tokens.get() },
  })
  const adapt = (failure: SpeechFailure, { address }: { address: Address }) => {
    const token = address.headers?.['X-NLS-Token']
    if (failure.kind !== 'key' || !token) return false
    tokens.drop(token)
    return true
  }
  const shared = { name: 'aliyun', failures, limits, log, adapt }
  return {
    recognizer: createStreamingRecognizer({
      ...shared,
      chunk_ms: 100,
      wire: async () => recognitionWire(await addressAt(region), appKey, failures),
    }),
    synthesizer: createStreamingSynthesizer({
      ...shared,
      voices,
      async wire(answer) {
        const voice = answer.voice ?? (settings.SPEECH_VOICE || defaultVoice)
        // In China, flowing text is spoken in Beijing only.
        const address = await addressAt(isInChina ? 'cn-beijing' : region)
        return synthesisWire(address, appKey, voice, answer, failures)
      },
    }),
  }
}

/** Writes the instructions of one namespace and reads its events. */
function createNls(namespace: string, appkey: string, failures: Failures) {
  return {
    write(name: string, task_id: string, payload?: object): string {
      const header = { appkey, message_id: newNlsId(), task_id, namespace, name }
      return JSON.stringify(payload ? { header, payload } : { header })
    },
    /** @throws SyntaxError */
    read(data: Buffer): { header: Header; payload: Record<string, unknown>; failure: SpeechFailure | null } {
      const message = readObject(data)
      const fields = objectIn(message, 'header')
      const header = {
        status: Number(fields.status ?? success),
        name: textIn(fields, 'name'),
        task: textIn(fields, 'task_id'),
        text: textIn(fields, 'status_text') || textIn(fields, 'status_message'),
      }
      if (header.name === '') throw new SyntaxError('an event without a name')
      const isFailure = header.name === 'TaskFailed' || header.status !== success
      return {
        header,
        payload: objectIn(message, 'payload'),
        failure: isFailure ? failureOf(failures, header) : null,
      }
    },
  }
}

function recognitionWire(address: Address, appKey: string, failures: Failures): RecognitionWire {
  const nls = createNls('SpeechTranscriber', appKey, failures)
  const task = newNlsId()
  const sentences: string[] = []
  return {
    address,
    trace: task,
    opening: [
      nls.write('StartTranscription', task, {
        format: 'pcm',
        sample_rate: recognitionRate,
        enable_intermediate_result: true,
        enable_punctuation_prediction: true,
        enable_inverse_text_normalization: true,
      }),
    ],
    audio: pcm => pcm,
    ending: rest => [...(rest.length > 0 ? [rest] : []), nls.write('StopTranscription', task)],
    read(data) {
      const { header, payload, failure } = nls.read(data)
      if (failure) return failure
      const heard = textIn(payload, 'result')
      switch (header.name) {
        case 'TranscriptionStarted':
          return 'ready'
        case 'TranscriptionResultChanged':
          return { text: joinSentences([...sentences, heard]), isFinal: false }
        case 'SentenceEnd':
          if (heard !== '') sentences.push(heard)
          return { text: joinSentences(sentences), isFinal: false }
        case 'TranscriptionCompleted':
          return { text: joinSentences(sentences), isFinal: true }
        default:
          return null
      }
    },
  }
}

function synthesisWire(
  address: Address,
  appKey: string,
  voice: string,
  { sample_rate: wanted, speed = 1 }: SynthesisOptions,
  failures: Failures,
): SynthesisWire {
  const nls = createNls('FlowingSpeechSynthesizer', appKey, failures)
  const sample_rate = nearestRate(rates, wanted)
  let task = ''
  let text = ''
  return {
    address,
    get trace() {
      return task
    },
    opening: [],
    isReadyAtOnce: true,
    isReusable: true,
    farewell: [],
    sample_rate,
    speak(next) {
      task = newNlsId()
      text = next
      const payload = { voice, format: 'pcm', sample_rate, speech_rate: speechRate(speed) }
      return [nls.write('StartSynthesis', task, payload)]
    },
    read(data, isBinary) {
      if (isBinary) return { audio: data }
      const { header, failure } = nls.read(data)
      if (failure) return failure
      if (header.task !== '' && header.task !== task) return null
      if (header.name === 'SynthesisCompleted') return 'spoken'
      if (header.name !== 'SynthesisStarted') return null
      const parts = partsOf(text, partLength).map(part => nls.write('RunSynthesis', task, { text: part }))
      return { send: [...parts, nls.write('StopSynthesis', task)] }
    },
  }
}

/** -500 is half as fast, 500 twice: https://help.aliyun.com/zh/isi/developer-reference/overview-of-speech-synthesis */
function speechRate(speed: number): number {
  const rate = (1 - 1 / speed) / (speed < 1 ? 0.002 : 0.001)
  return Math.round(Math.max(-500, Math.min(500, rate)))
}

/** Source: https://help.aliyun.com/document_detail/459864.html */
function failureOf(failures: Failures, { status, text }: Header): SpeechFailure {
  const message = `${status} ${text}`
  if (status === 40_000_001 || status === 40_000_010 || status === 40_020_105)
    return failures.of('key', message)
  if (status === 40_000_005) return failures.of('rate', message)
  if (status === 40_000_004) return failures.of('timeout', message)
  if (status >= 50_000_000) return failures.of('server', message)
  return failures.of(kindOf(text), message)
}

const newNlsId = (): string => randomUUID().replaceAll('-', '')
