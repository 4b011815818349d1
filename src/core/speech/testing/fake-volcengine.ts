import { gunzipSync, gzipSync } from 'node:zlib'
import { startFakeService, withEnv } from './fake-service.ts'
import {
  createOver,
  type FakeConnection,
  type FakeError,
  type FakeSpeech,
  type FakeWords,
  fakeSound,
  soundPieces,
  strike,
  whenDue,
} from './fake-speech.ts'

const appId = '1234567890'
const accessToken = 'fake-volcengine-access-token'
const apiKey = 'fake-volcengine-api-key'
const codes: Record<FakeError, [number, string]> = {
  key: [45000010, 'invalid X-Api-Access-Key'],
  rate: [55000031, 'server busy'],
  server: [55000000, 'internal error'],
  rejected: [45000001, 'request parameter is invalid'],
}

export type FakeVolcengine = FakeSpeech & {
  /** Resources that the account has; others are refused with 403. */
  resources: string[]
  /** The key of the newer console instead of app id and access token. */
  envWithApiKey: Record<string, string>
}

/** Volcengine: the large model's streaming recognition and the bidirectional synthesis, in its binary framing. */
export async function startFakeVolcengine(): Promise<FakeVolcengine> {
  const service = await startFakeService({
    check(url, headers) {
      const isKnown =
        headers['x-api-key'] === apiKey ||
        (headers['x-api-app-key'] === appId && headers['x-api-access-key'] === accessToken)
      if (!/^\/api\/v3\/(sauc\/bigmodel_async|tts\/bidirection)$/.test(url.pathname))
        return { status: 404, body: '' }
      if (!isKnown)
        return { status: 401, body: '{"header":{"code":45000010,"message":"load grant: invalid token"}}' }
      if (!headers['x-api-connect-id']) return { status: 400, body: '{"error":"no X-Api-Connect-Id"}' }
      if (!fake.resources.includes(String(headers['x-api-resource-id'])))
        return {
          status: 403,
          body: '{"header":{"code":45000030,"message":"requested resource not granted"}}',
        }
      return null
    },
    connect(connection) {
      if (connection.fault?.is === 'silent') return
      if (connection.url.pathname.endsWith('bidirection')) connectSynthesis(connection, fake)
      else connectRecognition(connection, fake)
    },
  })
  const urls = { VOLCENGINE_ASR_URL: service.ws, VOLCENGINE_TTS_URL: service.ws }
  const fake: FakeVolcengine = withEnv(service, {
    env: { VOLCENGINE_SPEECH_APP_ID: appId, VOLCENGINE_SPEECH_ACCESS_TOKEN: accessToken, ...urls },
    envWithApiKey: { VOLCENGINE_SPEECH_API_KEY: apiKey, ...urls },
    resources: ['volc.seedasr.sauc.duration', 'volc.bigasr.sauc.duration', 'seed-tts-1.0', 'seed-tts-2.0'],
  })
  return fake
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
const block = (bytes: Buffer) => Buffer.concat([uint32(bytes.length), bytes])

const wordsOf = (
  { socket }: FakeConnection,
  { more, chat }: Pick<FakeWords, 'more' | 'chat'>,
): FakeWords => ({
  more,
  chat,
  // A header that announces more than comes.
  malformed: Buffer.from([0x11, 0x94, 0x10, 0x00, 0x00, 0x00, 0x01, 0x60, 0x7f, 0xff]),
  error(what) {
    const [code, message] = codes[what]
    const payload = Buffer.from(JSON.stringify({ error: message }))
    socket.send(Buffer.concat([Buffer.from([0x11, 0xf0, 0x10, 0]), uint32(code), block(payload)]))
    socket.close()
  },
})

function connectRecognition(connection: FakeConnection, fake: FakeVolcengine) {
  const { socket } = connection
  const { over, finish } = createOver(connection.closed)
  const own = wordsOf(connection, {
    more: count => answer('字'.repeat(count)),
    chat: () => answer(fake.heard.join('')),
  })
  let heard: FakeSpeech['recognitions'][number] | null = null
  let isStruck = false
  let sequence = 0
  const answer = (text: string, isLast = false) => {
    sequence += 1
    const body = gzipSync(
      JSON.stringify({ audio_info: { duration: 1000 }, result: { text, utterances: [] } }),
    )
    const head = Buffer.from([0x11, isLast ? 0x93 : 0x91, 0x11, 0])
    socket.send(Buffer.concat([head, uint32(isLast ? -sequence : sequence), block(body)]))
  }
  socket.on('message', (data: Buffer) => {
    const type = data.readUInt8(1) >> 4
    const isLast = (data.readUInt8(1) & 0b0010) !== 0
    const length = data.readUInt32BE(4)
    if (data.readUInt8(0) !== 0x11 || (data.readUInt8(2) & 0x0f) !== 1 || data.length !== 8 + length)
      return own.error('rejected')
    const payload = gunzipSync(data.subarray(8))
    if (type === 1 && !heard) {
      const request = JSON.parse(payload.toString()) as { audio: object; request: { model_name: string } }
      if (request.request.model_name !== 'bigmodel') return own.error('rejected')
      heard = { bytes: 0, parameters: { ...request, headers: connection.headers }, over }
      fake.recognitions.push(heard)
      return answer('')
    }
    if (type !== 2 || !heard) return own.error('rejected')
    const isFirst = heard.bytes === 0 && payload.length > 0
    heard.bytes += payload.length
    if (isFirst) isStruck = strike(connection, own)
    if (isStruck) return
    if (!isLast) return answer(isFirst ? (fake.heard[0]?.slice(0, 2) ?? '') : fake.heard.join(''))
    whenDue(connection, () => {
      finish()
      answer(fake.heard.join(''), true)
      socket.close()
    })
  })
}

/** One message of a client of the bidirectional synthesis. */
function readEvent(data: Buffer): { event: number; session: string; body: Record<string, unknown> } {
  if (data.readUInt8(0) !== 0x11 || data.readUInt8(1) !== 0x14 || data.readUInt8(2) !== 0x10)
    throw new Error('header')
  const event = data.readInt32BE(4)
  let at = 8
  let session = ''
  if (event >= 100) {
    const length = data.readUInt32BE(at)
    session = data.subarray(at + 4, at + 4 + length).toString()
    at += 4 + length
  }
  const length = data.readUInt32BE(at)
  if (data.length !== at + 4 + length) throw new Error('length')
  return { event, session, body: JSON.parse(data.subarray(at + 4).toString()) as Record<string, unknown> }
}

type RequestParameters = {
  speaker?: string
  text?: string
  audio_params?: { format: string; sample_rate: number }
}

function connectSynthesis(connection: FakeConnection, fake: FakeVolcengine) {
  const { socket } = connection
  const own = wordsOf(connection, { more() {}, chat() {} })
  let isStarted = false
  let current: {
    id: string
    text: string
    parameters: RequestParameters
    over: ReturnType<typeof createOver>
  } | null = null
  const send = (event: number, id: string, payload: Buffer, head = [0x11, 0x94, 0x10, 0]) =>
    socket.send(Buffer.concat([Buffer.from(head), uint32(event), block(Buffer.from(id)), block(payload)]))
  const speak = (session: NonNullable<typeof current>) => {
    const { id, text, parameters, over } = session
    send(350, id, Buffer.from(JSON.stringify({ text })))
    for (const piece of soundPieces(fakeSound(text, parameters.audio_params?.sample_rate ?? 24_000))) {
      const sound = () => send(352, id, piece, [0x11, 0xb4, 0, 0])
      sound()
      const chat = () => send(351, id, Buffer.from('{}'))
      if (strike(connection, { ...own, more: sound, chat })) return
    }
    send(351, id, Buffer.from('{}'))
    over.finish()
    send(152, id, Buffer.from('{"status_code":20000000,"message":"ok"}'))
  }
  const act = ({ event, session, body }: ReturnType<typeof readEvent>): boolean => {
    const parameters = (body.req_params ?? {}) as RequestParameters
    if (event === 1 && !isStarted) {
      isStarted = true
      send(50, 'connection-1', Buffer.from('{}'))
    } else if (event === 2) {
      send(52, 'connection-1', Buffer.from('{}'))
      socket.close(1000)
    } else if (event === 100 && isStarted && !current) {
      if (!parameters.speaker || parameters.audio_params?.format !== 'pcm') return false
      current = { id: session, text: '', parameters, over: createOver(connection.closed) }
      send(150, session, Buffer.from('{}'))
    } else if (event === 200 && current?.id === session) current.text += parameters.text ?? ''
    else if (event === 102 && current?.id === session) {
      const ended = current
      current = null
      fake.utterances.push({
        text: ended.text,
        parameters: { ...ended.parameters, headers: connection.headers },
        over: ended.over.over,
      })
      whenDue(connection, () => speak(ended))
    } else return false
    return true
  }
  socket.on('message', (data: Buffer) => {
    if (!act(readEvent(data))) own.error('rejected')
  })
}
