import { createHash, createHmac, randomUUID } from 'node:crypto'
import { type Agent, request } from 'undici'
import type { Clock } from '#core/clock.ts'
import { type FailureKind, type Failures, kindOf } from './failures.ts'
import type { Limits } from './limits.ts'
import { objectIn, readAtMost, readObject, textIn } from './service.ts'

const contentType = 'application/json; charset=utf-8'
const signedHeaders = 'content-type;host;x-tc-action'
const refusalBytes = 4096
/** Sound that is handed on at once, in bytes. */
const pieceBytes = 32 * 1024

/**
 * The `Authorization` of a request to an API of Tencent Cloud, by TC3-HMAC-SHA256. `timestamp` is in seconds.
 * Source: https://cloud.tencent.com/document/api/213/30654
 */
export function signTc3(
  { secretId, secretKey }: { secretId: string; secretKey: string },
  call: { service: string; host: string; action: string; timestamp: number; payload: string },
): string {
  const date = new Date(call.timestamp * 1000).toISOString().slice(0, 10)
  const scope = `${date}/${call.service}/tc3_request`
  const canonical = [
    'POST',
    '/',
    '',
    `content-type:${contentType}`,
    `host:${call.host}`,
    `x-tc-action:${call.action.toLowerCase()}`,
    '',
    signedHeaders,
    sha256(call.payload),
  ].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((last, part) => hmac(last, part).digest(), `TC3${secretKey}`)
  const signature = hmac(key, `TC3-HMAC-SHA256\n${call.timestamp}\n${scope}\n${sha256(canonical)}`).digest(
    'hex',
  )
  return `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text)

/** A request holds 150 Chinese characters or 500 letters. */
export const longestVoiceText = (text: string): number => (/^[\0-\x7F]*$/.test(text) ? 500 : 150)

/**
 * A short text as sound by `TextToVoice`: the whole of it comes at once, so it must be there within `first_ms`.
 * Source: https://cloud.tencent.com/document/product/1073/37995
 * @throws SpeechFailure, and what the network throws
 */
export async function* requestVoice(
  api: {
    url: string
    account: { secretId: string; secretKey: string; clock: Clock }
    dispatcher: Agent
    limits: Limits
    failures: Failures
  },
  wanted: { text: string; voice: string; sample_rate: number; speed: number; language?: string },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { url, account, dispatcher, limits, failures } = api
  const timestamp = Math.floor(account.clock.now() / 1000)
  const payload = JSON.stringify({
    Text: wanted.text,
    SessionId: randomUUID(),
    VoiceType: Number(wanted.voice),
    PrimaryLanguage: languages[wanted.language?.split('-')[0]?.toLowerCase() ?? ''] ?? 1,
    SampleRate: wanted.sample_rate,
    Codec: 'pcm',
    Speed: wanted.speed,
  })
  const call = { service: 'tts', host: new URL(url).host, action: 'TextToVoice', timestamp, payload }
  const { statusCode, body } = await request(url, {
    method: 'POST',
    headers: {
      'content-type': contentType,
      authorization: signTc3(account, call),
      'x-tc-action': call.action,
      'x-tc-version': '2019-08-23',
      'x-tc-timestamp': String(timestamp),
      'x-tc-region': 'ap-guangzhou',
    },
    body: payload,
    dispatcher,
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.first_ms)]),
  })
  if (statusCode !== 200) throw failures.ofResponse(statusCode, await readAtMost(body, refusalBytes))
  const sound = soundIn(await readAtMost(body, limits.message_bytes), failures)
  for (let at = 0; at < sound.length; at += pieceBytes) yield sound.subarray(at, at + pieceBytes)
}

const languages: Record<string, number> = { en: 2, ja: 3 }

/** @throws SpeechFailure, SyntaxError */
function soundIn(text: string, failures: Failures): Buffer {
  const answer = objectIn(readObject(Buffer.from(text)), 'Response')
  const error = objectIn(answer, 'Error')
  const code = textIn(error, 'Code')
  if (code !== '')
    throw failures.of(kindOfCode(code, textIn(error, 'Message')), `${code} ${textIn(error, 'Message')}`)
  const audio = textIn(answer, 'Audio')
  // `Buffer` would pass over what is no base64.
  if (audio.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(audio))
    throw failures.of('malformed', 'an answer without sound')
  return Buffer.from(audio, 'base64')
}

/** Sources: https://cloud.tencent.com/document/product/1073/37997, https://cloud.tencent.com/document/api/213/30435 */
function kindOfCode(code: string, message: string): FailureKind {
  if (/^(RequestLimitExceeded|LimitExceeded)|\.ExceedMaxLimit$/.test(code)) return 'rate'
  if (
    /^(AuthFailure|UnauthorizedOperation)|\.(Authorization|Account|AppIdNot|Forbidden|No|Pkg|Server)\w*$/.test(
      code,
    )
  )
    return 'key'
  if (/^(InternalError|ServiceUnavailable)/.test(code)) return 'server'
  return kindOf(message)
}
