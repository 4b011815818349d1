import { createHmac, randomUUID } from 'node:crypto'
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
import { createFakeVoice } from './fake-tencent-voice.ts'

const appId = '1250000000'
const secretId = 'AKIDfakesecretid'
const secretKey = 'fake-tencent-secret-key'
const codes: Record<FakeError, [number, string]> = {
  key: [4002, '鉴权失败'],
  rate: [4006, '账号当前调用并发超限'],
  server: [5000, '后台错误，请重新发起新识别'],
  rejected: [4001, '参数不合法 engine_model_type'],
}

export type FakeTencent = FakeSpeech & {
  /** Environment that leads to `TextToVoice` instead of the synthesis of flowing text. */
  voiceEnv: Record<string, string>
  /** What becomes of the sound of `TextToVoice`, in base64, on its way. */
  spoil: (audio: string) => string
}

/** Tencent Cloud: recognition (`/asr/v2`), synthesis of flowing text (`/stream_wsv2`), and `TextToVoice` over HTTP. */
export async function startFakeTencent(clock: { now(): number } = Date): Promise<FakeTencent> {
  const service = await startFakeService({
    check: url =>
      url.pathname === `/asr/v2/${appId}` || url.pathname === '/stream_wsv2'
        ? null
        : { status: 404, body: '' },
    connect(connection) {
      const { pathname } = connection.url
      const isRecognition = pathname.startsWith('/asr')
      const prefix = isRecognition
        ? `asr.cloud.tencent.com${pathname}`
        : `GETtts.cloud.tencent.com${pathname}`
      const refusal = refusalOf(connection.url, prefix, clock.now())
      const send = (fields: object) =>
        connection.socket.send(JSON.stringify({ code: 0, message: 'success', ...fields }))
      if (connection.fault?.is === 'silent') return
      // A refused signature is a message, not a status of HTTP.
      if (refusal) {
        send({ code: 4002, message: refusal })
        connection.socket.close()
      } else if (isRecognition) connectRecognition(connection, fake, send)
      else connectSynthesis(connection, fake, send)
    },
    answer: exchange => voice(exchange),
  })
  const keys = { TENCENT_APP_ID: appId, TENCENT_SECRET_ID: secretId, TENCENT_SECRET_KEY: secretKey }
  const env = { ...keys, TENCENT_ASR_URL: service.ws, TENCENT_TTS_URL: service.ws }
  const fake: FakeTencent = withEnv(service, {
    env,
    voiceEnv: { ...env, TENCENT_TTS_URL: service.http },
    spoil: (audio: string) => audio,
  })
  const voice = createFakeVoice(fake, { secretId, secretKey, clock })
  return fake
}

/** The same, for a driver that speaks by `TextToVoice`. */
export async function startFakeTencentVoice(): Promise<FakeTencent> {
  const fake = await startFakeTencent()
  return Object.assign(fake, { env: fake.voiceEnv })
}

/** What is wrong with the signed parameters, or null. */
function refusalOf(url: URL, prefix: string, now: number): string | null {
  const all = [...url.searchParams]
  const given = all.find(([name]) => name.toLowerCase() === 'signature')?.[1]
  const plain = all
    .filter(([name]) => name.toLowerCase() !== 'signature')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const fields = Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), value]))
  const seconds = now / 1000
  if (given !== createHmac('sha1', secretKey).update(`${prefix}?${plain}`).digest('base64'))
    return '鉴权失败：签名错误'
  if (fields.secretid !== secretId) return '鉴权失败：密钥不存在'
  if (Math.abs(Number(fields.timestamp) - seconds) > 300 || Number(fields.expired) <= seconds)
    return '鉴权失败：签名过期'
  return null
}

type Send = (fields: object) => void

const wordsOf = (
  connection: FakeConnection,
  send: Send,
  { more, chat }: Pick<FakeWords, 'more' | 'chat'>,
): FakeWords => ({
  more,
  chat,
  malformed: 'this is not JSON',
  error(what) {
    const [code, message] = codes[what]
    send({ code, message })
    connection.socket.close()
  },
})

function connectRecognition(connection: FakeConnection, fake: FakeSpeech, send: Send) {
  const parameters = Object.fromEntries(connection.url.searchParams)
  const { over, finish } = createOver(connection.closed)
  const heard = { bytes: 0, parameters, over }
  const voice_id = parameters.voice_id
  const own = wordsOf(connection, send, {
    more: count => result(1, 0, '字'.repeat(count)),
    chat: () => result(1, 0, fake.heard[0] ?? ''),
  })
  if (parameters.voice_format !== '1' || !voice_id) return own.error('rejected')
  fake.recognitions.push(heard)
  let isStruck = false
  const arrivals: { at: number; bytes: number }[] = []
  send({ voice_id })
  const result = (slice_type: number, index: number, voice_text_str: string) =>
    send({
      voice_id,
      message_id: randomUUID(),
      result: { slice_type, index, voice_text_str, word_size: 0, word_list: [] },
    })
  connection.socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      const now = performance.now()
      arrivals.push({ at: now, bytes: data.length })
      const lately = arrivals.filter(({ at }) => at > now - 1000).reduce((sum, { bytes }) => sum + bytes, 0)
      if (lately > 3 * 32_000) {
        send({ code: 4000, message: '音频数据发送过多' })
        return connection.socket.close()
      }
      const isFirst = heard.bytes === 0
      heard.bytes += data.length
      if (isFirst) isStruck = strike(connection, own)
      if (isFirst && !isStruck) {
        result(0, 0, fake.heard[0]?.slice(0, 1) ?? '')
        result(1, 0, fake.heard[0]?.slice(0, 2) ?? '')
      }
      return
    }
    if (isStruck) return
    if (data.toString() !== '{"type":"end"}') {
      send({ code: 4010, message: '客户端上传未知文本消息' })
      return connection.socket.close()
    }
    whenDue(connection, () => {
      for (const [index, text] of fake.heard.entries()) result(2, index, text)
      finish()
      send({ voice_id, message_id: randomUUID(), final: 1 })
      connection.socket.close()
    })
  })
}

function connectSynthesis(connection: FakeConnection, fake: FakeSpeech, send: Send) {
  const { SessionId: session_id = '', ...parameters } = Object.fromEntries(connection.url.searchParams)
  const own = wordsOf(connection, send, { more() {}, chat: () => send({ ...ids(), heartbeat: 1 }) })
  if (parameters.Action !== 'TextToStreamAudioWSv2' || parameters.Codec !== 'pcm' || !session_id)
    return own.error('rejected')
  const { over, finish } = createOver(connection.closed)
  const texts: string[] = []
  const ids = () => ({ session_id, request_id: randomUUID(), message_id: randomUUID() })
  connection.socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { session_id: string; action: string; data: string }
    if (message.session_id !== session_id) return own.error('rejected')
    if (message.action === 'ACTION_SYNTHESIS') return void texts.push(message.data)
    if (message.action !== 'ACTION_COMPLETE') return own.error('rejected')
    const text = texts.join('')
    fake.utterances.push({ text, parameters, over })
    whenDue(connection, () => {
      for (const piece of soundPieces(fakeSound(text, Number(parameters.SampleRate)))) {
        connection.socket.send(piece)
        if (strike(connection, { ...own, more: () => connection.socket.send(piece) })) return
      }
      send({ ...ids(), heartbeat: 1 })
      finish()
      send({ ...ids(), final: 1 })
    })
  })
  send({ ...ids(), ready: 1 })
}
