import { Agent, FormData, request } from 'undici'
import type { Log } from '#core/log.ts'
import { audioTooLong } from '../errors.ts'
import { joinPcm } from '../resample.ts'
import type { Pcm, Recognition, RecognitionOptions, SpeechProvider, Voice } from '../types.ts'
import { writeWav } from '../wav.ts'
import { createFailures, type Failures } from './failures.ts'
import type { Limits } from './limits.ts'
import { createOutcome } from './outcome.ts'
import { openRequestSynthesis } from './request-synthesis.ts'
import { baseUrl, limitsOf, type ProviderOptions, readAtMost, readObject } from './service.ts'
import { partsOf } from './texts.ts'

/** What `response_format: pcm` is, by https://platform.openai.com/docs/guides/text-to-speech */
const synthesisRate = 24_000
/** Largest upload, and the largest text of one request, by https://platform.openai.com/docs/api-reference/audio */
const uploadBytes = 25_000_000
const partLength = 4_000
const answerBytes = 1024 * 1024
const refusalBytes = 4096
/** How much longer a transcription may take for each second of sound, in milliseconds. */
const perSecond_ms = 200
const defaultVoice = 'alloy'
const voices: readonly Voice[] = [
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'fable',
  'nova',
  'onyx',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
].map(id => ({ id, name: id.charAt(0).toUpperCase() + id.slice(1), language: 'mul' }))

type Api = {
  url: string
  headers: Record<string, string>
  dispatcher: Agent
  limits: Limits
  failures: Failures
  log: Log
}

/**
 * OpenAI’s audio API, and every server that speaks it: an utterance is transcribed after its end, a text is spoken
 * while its sound arrives. Source: https://platform.openai.com/docs/api-reference/audio
 */
export function createOpenaiSpeech(options: ProviderOptions): SpeechProvider {
  const { settings } = options
  const key = settings.OPENAI_SPEECH_API_KEY
  if (key === '' && settings.OPENAI_SPEECH_URL === '') return { recognizer: null, synthesizer: null }
  const limits = limitsOf(options)
  const api: Api = {
    url: baseUrl(settings.OPENAI_SPEECH_URL, 'https://api.openai.com/v1'),
    headers: key === '' ? {} : { authorization: `Bearer ${key}` },
    dispatcher: new Agent({ connect: { timeout: limits.connect_ms } }),
    limits,
    failures: createFailures('openai', () => [key]),
    log: options.log,
  }
  return {
    recognizer: {
      name: 'openai',
      open: utterance => recognize(api, settings.OPENAI_SPEECH_RECOGNITION_MODEL, utterance),
    },
    synthesizer: {
      name: 'openai',
      is_preview: false,
      voices,
      open({ voice = settings.SPEECH_VOICE || defaultVoice, speed = 1, ...answer }) {
        const wanted = { model: settings.OPENAI_SPEECH_SYNTHESIS_MODEL, voice, speed }
        return openRequestSynthesis(
          {
            ...api,
            sample_rate: synthesisRate,
            partsOf: text => partsOf(text, partLength),
            request: (input, signal) => requestSpeech(api, { ...wanted, input }, signal),
          },
          answer,
        )
      },
    },
  }
}

function recognize(api: Api, model: string, options: RecognitionOptions): Recognition {
  const { sample_rate } = options
  const pieces: Pcm[] = []
  let samples = 0
  let isFinishing = false
  const cancel = new AbortController()
  const outcome = createOutcome(options.signal, () => {
    pieces.length = 0
  })
  outcome.onAbort(() => cancel.abort())
  return {
    write(pcm) {
      if (isFinishing || outcome.isOver) return
      pieces.push(pcm.slice())
      samples += pcm.length
      const minutes = Math.floor(uploadBytes / 2 / sample_rate / 60)
      if (samples * 2 > uploadBytes) outcome.reject(audioTooLong({ minutes }))
    },
    finish() {
      if (isFinishing || outcome.isOver) return outcome.promise
      isFinishing = true
      if (samples === 0) outcome.resolve('')
      else
        transcribe(api, model, joinPcm(pieces), options, cancel.signal).then(outcome.resolve, error => {
          const failure = api.failures.from(error)
          if (!cancel.signal.aborted)
            api.log.info({ kind: failure.kind, reason: failure.message }, 'recognition failed')
          outcome.reject(failure.error)
        })
      return outcome.promise
    },
  }
}

async function transcribe(
  { url, headers, dispatcher, limits, failures }: Api,
  model: string,
  pcm: Pcm,
  { sample_rate, language, hot_words = [] }: RecognitionOptions,
  signal: AbortSignal,
): Promise<string> {
  const form = new FormData()
  const wav = new Blob([writeWav(pcm, sample_rate) as Uint8Array<ArrayBuffer>], { type: 'audio/wav' })
  form.append('file', wav, 'speech.wav')
  form.append('model', model)
  form.append('response_format', 'json')
  if (language) form.append('language', language.split('-')[0] ?? language)
  if (hot_words.length > 0) form.append('prompt', hot_words.join(', ').slice(0, 500))
  const { statusCode, body } = await request(`${url}/audio/transcriptions`, {
    method: 'POST',
    headers,
    body: form,
    signal,
    dispatcher,
    headersTimeout: limits.first_ms + (pcm.length / sample_rate) * perSecond_ms,
    bodyTimeout: limits.idle_ms,
  })
  const text = await readAtMost(body, answerBytes)
  if (statusCode !== 200) throw failures.ofResponse(statusCode, text)
  const heard = readObject(Buffer.from(text)).text
  if (typeof heard !== 'string') throw failures.of('malformed', 'an answer without a text')
  return heard.trim()
}

async function* requestSpeech(
  { url, headers, dispatcher, limits, failures }: Api,
  wanted: { model: string; voice: string; speed: number; input: string },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const response = await request(`${url}/audio/speech`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ ...wanted, response_format: 'pcm' }),
    signal,
    dispatcher,
    headersTimeout: limits.first_ms,
    bodyTimeout: limits.idle_ms,
  })
  const { statusCode, body } = response
  if (statusCode !== 200) throw failures.ofResponse(statusCode, await readAtMost(body, refusalBytes))
  const type = String(response.headers['content-type'] ?? '')
  if (/json|^text\/|mpeg|mp3|ogg|opus|wav|flac|aac/i.test(type)) {
    body.destroy()
    throw failures.of('malformed', `${type} instead of pcm`)
  }
  yield* body as AsyncIterable<Buffer>
}
