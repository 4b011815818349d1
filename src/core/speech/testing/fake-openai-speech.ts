import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pause, write } from '#core/testing/fake-server.ts'
import {
  createOver,
  type FakeError,
  type FakeSpeech,
  fakeSound,
  type SpeechFault,
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
  const faults: { fault: SpeechFault; keep: boolean }[] = []
  let connections = 0
  let open = 0
  const nextFault = (): SpeechFault | null => {
    const next = faults[0]
    if (next && !next.keep) faults.shift()
    return next?.fault ?? null
  }
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const fault = nextFault()
    connections += 1
    open += 1
    response.once('close', () => {
      open -= 1
    })
    const closed = new Promise<void>(resolve => response.once('close', resolve))
    const isSpeech = request.url === '/v1/audio/speech'
    if (fault?.is === 'dropped') return void response.destroy()
    if (request.headers.authorization !== `Bearer ${key}`) return refuse(response, ...refusals.key)
    if (fault?.is === 'refused') return void response.writeHead(fault.status).end(fault.body ?? '')
    if (isSpeech) return speak(fake, body, response, fault, closed)
    if (request.url !== '/v1/audio/transcriptions') return void response.writeHead(404).end('{}')
    await transcribe(fake, request.headers['content-type'] ?? '', body, response, fault, closed)
  }
  const server = createServer((request, response) => {
    response.on('error', () => {})
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const fake: FakeSpeech = {
    env: {
      OPENAI_SPEECH_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
      OPENAI_SPEECH_API_KEY: key,
    },
    heard: ['今天天气怎么样？'],
    recognitions: [],
    utterances: [],
    fail: (fault, keep) => void faults.push({ fault, keep: keep === 'keep' }),
    heal() {
      faults.length = 0
    },
    get connections() {
      return connections
    },
    get open() {
      return open
    },
    hangUp: () => server.closeAllConnections(),
    stop() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  return fake
}

function refuse(response: ServerResponse, status: number, message: string) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code: null } }))
}

async function transcribe(
  fake: FakeSpeech,
  type: string,
  body: Buffer,
  response: ServerResponse,
  fault: SpeechFault | null,
  closed: Promise<void>,
) {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
  const file = form.get('file')
  const { file: _, ...parameters } = Object.fromEntries(form)
  if (!(file instanceof Blob) || !parameters.model) return refuse(response, ...refusals.rejected)
  const wav = Buffer.from(await file.arrayBuffer())
  if (wav.toString('latin1', 0, 4) !== 'RIFF' || wav.readUInt32LE(40) !== wav.length - 44)
    return refuse(response, 400, 'Invalid file format.')
  const { over, finish } = createOver(closed)
  fake.recognitions.push({
    bytes: wav.length - 44,
    parameters: { ...parameters, rate: wav.readUInt32LE(24) },
    over,
  })
  if (fault?.is === 'silent' || fault?.is === 'deaf') return
  if (fault?.is === 'error') return refuse(response, ...refusals[fault.what])
  if (fault?.is === 'slow') await pause(response, fault.ms)
  const text = JSON.stringify({ text: fake.heard.join('') })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  if (fault?.is === 'malformed') return void response.end('x'.repeat(Buffer.byteLength(text)))
  await write(response, text.slice(0, 6))
  if (fault && fault.is !== 'slow') return void response.destroy()
  finish()
  response.end(text.slice(6))
}

async function speak(
  fake: FakeSpeech,
  body: Buffer,
  response: ServerResponse,
  fault: SpeechFault | null,
  closed: Promise<void>,
) {
  const { input, ...parameters } = JSON.parse(body.toString()) as Record<string, unknown>
  if (
    typeof input !== 'string' ||
    parameters.response_format !== 'pcm' ||
    typeof parameters.voice !== 'string'
  )
    return refuse(response, ...refusals.rejected)
  const { over, finish } = createOver(closed)
  fake.utterances.push({ text: input, parameters, over })
  if (fault?.is === 'silent' || fault?.is === 'deaf') return
  if (fault?.is === 'error') return refuse(response, ...refusals[fault.what])
  if (fault?.is === 'slow') await pause(response, fault.ms)
  response.writeHead(200, { 'content-type': fault?.is === 'malformed' ? 'text/html' : 'audio/pcm' })
  for (const piece of soundPieces(fakeSound(input, 24_000))) {
    if (response.destroyed) return
    await write(response, piece)
    if (fault && fault.is !== 'slow') return void response.destroy()
  }
  finish()
  response.end()
}
