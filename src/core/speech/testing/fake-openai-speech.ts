import type { ServerResponse } from 'node:http'
import { pause } from '#core/testing/fake-server.ts'
import { startFakeService, withEnv } from './fake-service.ts'
import {
  createOver,
  type FakeError,
  type FakeExchange,
  type FakeSpeech,
  fakeSound,
  sendBody,
  soundPieces,
} from './fake-speech.ts'

const key = 'sk-fake-openai-speech-key'
const refusals: Record<FakeError, [number, string]> = {
  key: [401, 'Incorrect API key provided.'],
  rate: [429, 'Rate limit reached for gpt-4o-mini-tts.'],
  server: [500, 'The server had an error while processing your request.'],
  rejected: [400, 'Invalid value: voice.'],
}

/** OpenAI's `/v1/audio/transcriptions` (multipart, WAV) and `/v1/audio/speech` (streamed pcm at 24 kHz). */
export async function startFakeOpenaiSpeech(): Promise<FakeSpeech> {
  const service = await startFakeService({
    async answer(exchange) {
      const { request, response } = exchange
      if (request.headers.authorization !== `Bearer ${key}`) refuse(response, ...refusals.key)
      else if (request.url === '/v1/audio/speech') await speak(fake, exchange)
      else if (request.url === '/v1/audio/transcriptions') await transcribe(fake, exchange)
      else response.writeHead(404).end('{}')
    },
  })
  const fake = withEnv(service, {
    env: { OPENAI_SPEECH_URL: `${service.http}/v1`, OPENAI_SPEECH_API_KEY: key },
  })
  return fake
}

function refuse(response: ServerResponse, status: number, message: string) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code: null } }))
}

async function transcribe(fake: FakeSpeech, exchange: FakeExchange) {
  const { request, body, response, fault, closed } = exchange
  const headers = { 'content-type': request.headers['content-type'] ?? '' }
  const form = await new Response(new Uint8Array(body), { headers }).formData()
  const file = form.get('file')
  const { file: _, ...parameters } = Object.fromEntries(form)
  if (!(file instanceof Blob) || !parameters.model) return refuse(response, ...refusals.rejected)
  const wav = Buffer.from(await file.arrayBuffer())
  if (wav.toString('latin1', 0, 4) !== 'RIFF' || wav.readUInt32LE(40) !== wav.length - 44)
    return refuse(response, 400, 'Invalid file format.')
  const { over, finish } = createOver(closed)
  const rate = wav.readUInt32LE(24)
  fake.recognitions.push({ bytes: wav.length - 44, parameters: { ...parameters, rate }, over })
  if (fault?.is === 'silent') return
  if (fault?.is === 'error') return refuse(response, ...refusals[fault.what])
  if (fault?.is === 'slow') await pause(response, fault.ms)
  response.setHeader('content-type', 'application/json')
  if (fault?.is === 'malformed') return void response.end('this is not JSON')
  const text = JSON.stringify({ text: fake.heard.join('') })
  finish(await sendBody(exchange, [text.slice(0, 6), text.slice(6)]))
}

async function speak(fake: FakeSpeech, exchange: FakeExchange) {
  const { body, response, fault, closed } = exchange
  const { input, ...parameters } = JSON.parse(body.toString()) as Record<string, unknown>
  if (
    typeof input !== 'string' ||
    parameters.response_format !== 'pcm' ||
    typeof parameters.voice !== 'string'
  )
    return refuse(response, ...refusals.rejected)
  const { over, finish } = createOver(closed)
  fake.utterances.push({ text: input, parameters, over })
  if (fault?.is === 'silent') return
  if (fault?.is === 'error') return refuse(response, ...refusals[fault.what])
  if (fault?.is === 'slow') await pause(response, fault.ms)
  response.writeHead(200, { 'content-type': fault?.is === 'malformed' ? 'text/html' : 'audio/pcm' })
  finish(await sendBody(exchange, soundPieces(fakeSound(input, 24_000))))
}
