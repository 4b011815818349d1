import { createHash, createHmac, randomUUID } from 'node:crypto'
import { pause } from '#core/testing/fake-server.ts'
import { createOver, type FakeError, type FakeExchange, fakeSound, sendBody } from './fake-speech.ts'
import type { FakeTencent } from './fake-tencent.ts'

const refusals: Record<FakeError, [string, string]> = {
  key: ['UnsupportedOperation.NoFreeAccount', '免费额度已用完'],
  rate: ['RequestLimitExceeded', 'The request exceeds the limit of 20 per second.'],
  server: ['InternalError.ErrorGetRoute', '路由错误'],
  rejected: ['InvalidParameterValue.VoiceType', 'VoiceType非法'],
}
const wordLimits = { latin: 500, other: 150 }

type Keys = { secretId: string; secretKey: string; clock: { now(): number } }

/** `TextToVoice` of Tencent Cloud: a signed request, an answer with all of the sound in base64. */
export function createFakeVoice(fake: FakeTencent, keys: Keys) {
  return async (exchange: FakeExchange): Promise<void> => {
    const { request, response, body, fault, closed } = exchange
    const refuse = (code: string, message: string) => {
      const Response = { Error: { Code: code, Message: message }, RequestId: randomUUID() }
      // As it is: an error of the API is a 200.
      response.end(JSON.stringify({ Response }))
    }
    response.setHeader('content-type', 'application/json')
    if (request.method !== 'POST' || request.url !== '/') return void response.writeHead(404).end('{}')
    const refusal = refusalOf(exchange, keys)
    if (refusal) return refuse(...refusal)
    const { Text, SessionId, ...parameters } = JSON.parse(body.toString()) as Record<string, unknown>
    if (typeof Text !== 'string' || typeof SessionId !== 'string' || parameters.Codec !== 'pcm')
      return refuse('InvalidParameterValue.MissParameters', '缺少参数')
    if (Text.length > (/^[\0-\x7F]*$/.test(Text) ? wordLimits.latin : wordLimits.other))
      return refuse('UnsupportedOperation.TextTooLong', '文本过长')
    const { over, finish } = createOver(closed)
    fake.utterances.push({ text: Text, parameters, over })
    if (fault?.is === 'silent') return
    if (fault?.is === 'error') return refuse(...refusals[fault.what])
    if (fault?.is === 'malformed') return void response.end('{"Response":')
    if (fault?.is === 'slow') await pause(response, fault.ms)
    const Audio = fake.spoil(pcmText(Text, Number(parameters.SampleRate)))
    const text = JSON.stringify({ Response: { Audio, SessionId, RequestId: randomUUID(), Subtitles: [] } })
    finish(await sendBody(exchange, [text.slice(0, 50), text.slice(50)]))
  }
}

function pcmText(text: string, sample_rate: number): string {
  const pcm = fakeSound(text, sample_rate)
  return Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString('base64')
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()

/** What is wrong with the signature, as https://cloud.tencent.com/document/api/213/30654 computes it; or null. */
function refusalOf({ request, body }: FakeExchange, keys: Keys): [code: string, message: string] | null {
  const header = (name: string) => String(request.headers[name] ?? '')
  const [, id, date, signed = '', signature] =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/([\d-]+)\/tts\/tc3_request, SignedHeaders=([\w;-]+), Signature=(\w+)$/.exec(
      header('authorization'),
    ) ?? []
  if (!id || !date) return ['AuthFailure.InvalidAuthorization', '请求头部的 Authorization 不符合腾讯云标准。']
  if (id !== keys.secretId) return ['AuthFailure.SecretIdNotFound', '密钥不存在。']
  const seconds = Number(header('x-tc-timestamp'))
  const isOfDate = new Date(seconds * 1000).toISOString().startsWith(date)
  if (Math.abs(seconds - keys.clock.now() / 1000) > 300 || !isOfDate)
    return ['AuthFailure.SignatureExpire', '签名过期。']
  const names = signed.split(';')
  const values = names.map(name => `${name}:${header(name).toLowerCase()}\n`).join('')
  const canonical = `POST\n/\n\n${values}\n${signed}\n${sha256(body)}`
  const toSign = `TC3-HMAC-SHA256\n${seconds}\n${date}/tts/tc3_request\n${sha256(canonical)}`
  const key = hmac(hmac(hmac(`TC3${keys.secretKey}`, date), 'tts'), 'tc3_request')
  if (
    !names.includes('content-type') ||
    !names.includes('host') ||
    hmac(key, toSign).toString('hex') !== signature
  )
    return ['AuthFailure.SignatureFailure', 'The provided credentials could not be validated.']
  if (header('x-tc-action') !== 'TextToVoice' || header('x-tc-version') !== '2019-08-23')
    return ['InvalidAction', 'The API does not exist.']
  return null
}
