import { createHmac, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startFakeService, withEnv } from './fake-service.ts'
import {
  createOver,
  type FakeConnection,
  type FakeError,
  type FakeSpeech,
  type FakeWords,
  fakeSound,
  type SpeechFault,
  soundPieces,
  strike,
  whenDue,
} from './fake-speech.ts'

const keyId = 'fake-access-key-id'
const keySecret = 'fake-access-key-secret'
const appKey = 'fake-app-key'
const codes: Record<FakeError, [number, string]> = {
  key: [40000001, 'Gateway:ACCESS_DENIED:The token is invalid!'],
  rate: [40000005, 'Gateway:TOO_MANY_REQUESTS:Too many requests!'],
  server: [50000000, 'Gateway:GRPC_ERROR:Grpc error!'],
  rejected: [41020001, 'TTS:TtsClientError:Request json illegal, failed to parse request.'],
}

export type FakeAliyun = FakeSpeech & {
  /** Tokens that were given out. */
  tokens: string[]
  /** Seconds that the next tokens last. */
  tokenSeconds: number
  /** How the next request for a token fails. */
  tokenFault: SpeechFault | null
  /** Makes every token that was given out worthless. */
  revoke(): void
}

/** Alibaba Cloud NLS: tokens by a signed request, SpeechTranscriber and FlowingSpeechSynthesizer over WebSocket. */
export async function startFakeAliyun(clock: { now(): number } = Date): Promise<FakeAliyun> {
  const valid = new Set<string>()
  const service = await startFakeService({
    beside(request, response) {
      giveToken(request, response)
      return true
    },
    check(url, headers) {
      const token = headers['x-nls-token'] ?? url.searchParams.get('token')
      if (url.pathname !== '/ws/v1') return { status: 404, body: '' }
      return valid.has(String(token))
        ? null
        : { status: 403, body: `{"message":"The token '${token}' is invalid"}` }
    },
    connect: connection => connectNls(connection, fake),
  })
  const giveToken = (request: IncomingMessage, response: ServerResponse) => {
    const fault = fake.tokenFault
    fake.tokenFault = null
    if (fault?.is === 'silent') return
    if (fault?.is === 'refused') return void response.writeHead(fault.status).end(fault.body ?? '')
    if (fault?.is === 'malformed') return void response.end('<html>')
    const refused = refusalOf(new URL(request.url ?? '', service.http), clock.now())
    response.setHeader('content-type', 'application/json')
    if (refused) return void response.writeHead(400).end(JSON.stringify(refused))
    const token = randomUUID().replaceAll('-', '')
    valid.add(token)
    fake.tokens.push(token)
    const ExpireTime = Math.floor(clock.now() / 1000) + fake.tokenSeconds
    response.end(JSON.stringify({ ErrMsg: '', Token: { UserId: '1', Id: token, ExpireTime } }))
  }
  const fake: FakeAliyun = withEnv(service, {
    env: {
      ALIYUN_ACCESS_KEY_ID: keyId,
      ALIYUN_ACCESS_KEY_SECRET: keySecret,
      ALIYUN_NLS_APP_KEY: appKey,
      ALIYUN_NLS_URL: `${service.ws}/ws/v1`,
      ALIYUN_NLS_TOKEN_URL: `${service.http}/`,
    },
    tokens: [] as string[],
    tokenSeconds: 86_400,
    tokenFault: null as SpeechFault | null,
    revoke: () => valid.clear(),
  })
  return fake
}

/** What the token service would object to. */
function refusalOf(url: URL, now: number): { Code: string; Message: string } | null {
  const parameters = [...url.searchParams]
    .filter(([name]) => name !== 'Signature')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const encode = (text: string) => encodeURIComponent(text).replaceAll('*', '%2A').replaceAll("'", '%27')
  const query = parameters.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  const signature = createHmac('sha1', `${keySecret}&`)
    .update(`GET&%2F&${encode(query)}`)
    .digest('base64')
  const { Action, Version, AccessKeyId, SignatureNonce, Timestamp } = Object.fromEntries(parameters)
  if (url.searchParams.get('Signature') !== signature)
    return {
      Code: 'SignatureDoesNotMatch',
      Message: 'Specified signature is not matched with our calculation.',
    }
  if (AccessKeyId !== keyId)
    return { Code: 'InvalidAccessKeyId.NotFound', Message: 'Specified access key is not found.' }
  if (Action !== 'CreateToken' || Version !== '2019-02-28' || !SignatureNonce)
    return { Code: 'InvalidAction.NotFound', Message: 'Specified api is not found.' }
  if (
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(Timestamp ?? '') ||
    Math.abs(Date.parse(Timestamp ?? '') - now) > 900_000
  )
    return { Code: 'InvalidTimeStamp.Expired', Message: 'Specified time stamp or date value is expired.' }
  return null
}

type Instruction = {
  header: { appkey: string; message_id: string; task_id: string; namespace: string; name: string }
  payload?: Record<string, unknown>
}

function connectNls(connection: FakeConnection, fake: FakeAliyun) {
  const { socket, fault } = connection
  let task = ''
  let namespace = ''
  const send = (name: string, payload?: object, status = 20000000, text = 'Gateway:SUCCESS:Success.') =>
    socket.send(
      JSON.stringify({
        header: { namespace, name, status, message_id: randomUUID(), task_id: task, status_text: text },
        ...(payload ? { payload } : {}),
      }),
    )
  const refuse = (status: number, text: string) => {
    send('TaskFailed', undefined, status, text)
    socket.close()
  }
  const own = {
    malformed: '{"header":',
    error(what: FakeError) {
      refuse(...codes[what])
    },
  }
  const transcriber = createTranscriber(connection, fake, send, own)
  const synthesizer = createSynthesizer(connection, fake, send, own)
  socket.on('message', (data: Buffer, isBinary) => {
    if (fault?.is === 'silent') return
    if (isBinary) {
      if (!transcriber.hear(data))
        refuse(40000002, 'Gateway:MESSAGE_INVALID:Sound before StartTranscription!')
      return
    }
    const { header, payload } = JSON.parse(data.toString()) as Instruction
    const hex = /^[0-9a-f]{32}$/
    if (header.appkey !== appKey) return refuse(40020105, 'Meta:APPKEY_NOT_EXIST:Appkey not exist!')
    if (!hex.test(header.message_id) || !hex.test(header.task_id)) return refuse(40000000, 'bad ids')
    if (header.name.startsWith('Start')) {
      task = header.task_id
      namespace = header.namespace
    }
    if (header.task_id !== task || header.namespace !== namespace) return refuse(40000002, 'other task')
    const handler = { SpeechTranscriber: transcriber.act, FlowingSpeechSynthesizer: synthesizer }[namespace]
    if (!handler?.(header.name, payload ?? {}))
      refuse(40000002, `Gateway:MESSAGE_INVALID:Can't process ${header.name}!`)
  })
}

type Send = (name: string, payload?: object) => void
type Own = Omit<FakeWords, 'more' | 'chat'>

function createTranscriber(connection: FakeConnection, fake: FakeAliyun, send: Send, own: Own) {
  let heard: FakeSpeech['recognitions'][number] | null = null
  let isStruck = false
  const { over, finish } = createOver(connection.closed)
  const changed = (result: string) => send('TranscriptionResultChanged', { index: 1, time: 100, result })
  const chat = () => changed(fake.heard[0] ?? '')
  const words = { ...own, chat, more: (count: number) => changed('字'.repeat(count)) }
  return {
    hear(data: Buffer): boolean {
      if (!heard) return false
      const isFirst = heard.bytes === 0
      heard.bytes += data.length
      if (isFirst) isStruck = strike(connection, words)
      if (isFirst && !isStruck) {
        send('SentenceBegin', { index: 1, time: 0 })
        changed(fake.heard[0]?.slice(0, 2) ?? '')
      }
      return true
    },
    act(name: string, payload: Record<string, unknown>): boolean {
      if (name === 'StartTranscription' && !heard) {
        if (payload.format !== 'pcm' || payload.sample_rate !== 16000) return false
        heard = { bytes: 0, parameters: payload, over }
        fake.recognitions.push(heard)
        send('TranscriptionStarted')
        return true
      }
      if (name !== 'StopTranscription' || !heard) return false
      if (isStruck) return true
      whenDue(connection, () => {
        for (const [i, result] of fake.heard.entries())
          send('SentenceEnd', { index: i + 1, time: 900, result })
        finish()
        send('TranscriptionCompleted')
      })
      return true
    },
  }
}

/** Speaks one task after another on the same connection. */
function createSynthesizer(connection: FakeConnection, fake: FakeAliyun, send: Send, own: Own) {
  let current: {
    text: string
    parameters: Record<string, unknown>
    over: ReturnType<typeof createOver>
  } | null = null
  return (name: string, payload: Record<string, unknown>): boolean => {
    if (name === 'StartSynthesis' && !current) {
      if (payload.format !== 'pcm' || typeof payload.voice !== 'string') return false
      current = { text: '', parameters: payload, over: createOver(connection.closed) }
      send('SynthesisStarted')
      return true
    }
    if (!current) return false
    if (name === 'RunSynthesis' && typeof payload.text === 'string') {
      current.text += payload.text
      return true
    }
    if (name !== 'StopSynthesis') return false
    const { text, parameters, over } = current
    current = null
    fake.utterances.push({ text, parameters, over: over.over })
    whenDue(connection, () => {
      send('SentenceBegin', { index: 1 })
      for (const piece of soundPieces(fakeSound(text, Number(parameters.sample_rate)))) {
        connection.socket.send(piece)
        const more = () => connection.socket.send(piece)
        const chat = () => send('SentenceSynthesis', { subtitles: [] })
        if (strike(connection, { ...own, more, chat })) return
      }
      send('SentenceEnd', { index: 1 })
      over.finish()
      send('SynthesisCompleted')
    })
    return true
  }
}
