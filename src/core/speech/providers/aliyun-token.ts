import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'undici'
import type { Clock } from '#core/clock.ts'
import { type Failures, kindOf } from './failures.ts'
import { objectIn, readAtMost, readObject, textIn } from './service.ts'

/** How long before its end a token is no longer used. */
const margin_ms = 5 * 60_000
const timeout_ms = 8_000
const answerBytes = 64 * 1024

export type AliyunTokens = {
  /** The token of now. One request serves all who ask at the same time. @throws SpeechFailure */
  get(): Promise<string>
  /** The service refused this token: if it is still the one in use, the next `get` asks for another. */
  drop(token: string): void
  /** The last one, for blanking it in messages. */
  last(): string
}

/** RFC 3986, which is what Aliyun’s signature wants. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/**
 * The query of a signed GET request to an RPC-style API of Aliyun: HMAC-SHA1 over the sorted parameters.
 * Source: https://help.aliyun.com/document_detail/113251.html
 */
export function signAliyunQuery(parameters: Record<string, string>, secret: string): string {
  const query = Object.keys(parameters)
    .sort()
    .map(name => `${encode(name)}=${encode(parameters[name] ?? '')}`)
    .join('&')
  const signature = createHmac('sha1', `${secret}&`)
    .update(`GET&${encode('/')}&${encode(query)}`)
    .digest('base64')
  return `Signature=${encode(signature)}&${query}`
}

/** Fetches access tokens of the speech service and keeps each until shortly before its end. */
export function createAliyunTokens(options: {
  url: string
  region: string
  keyId: string
  keySecret: string
  clock: Clock
  failures: Failures
}): AliyunTokens {
  const { clock, failures } = options
  let kept: { token: string; until: number } | null = null
  let last = ''
  let fetching: Promise<string> | null = null

  const fetchToken = async (): Promise<string> => {
    const query = signAliyunQuery(
      {
        AccessKeyId: options.keyId,
        Action: 'CreateToken',
        Format: 'JSON',
        RegionId: options.region,
        SignatureMethod: 'HMAC-SHA1',
        SignatureNonce: randomUUID(),
        SignatureVersion: '1.0',
        Timestamp: new Date(clock.now()).toISOString().replace(/\.\d+/, ''),
        Version: '2019-02-28',
      },
      options.keySecret,
    )
    const { statusCode, body } = await request(`${options.url}?${query}`, {
      signal: AbortSignal.timeout(timeout_ms),
    })
    const text = await readAtMost(body, answerBytes)
    if (statusCode !== 200) throw failures.ofResponse(statusCode, text)
    const answer = readObject(Buffer.from(text))
    const { Id: token, ExpireTime: seconds } = objectIn(answer, 'Token')
    if (typeof token !== 'string' || token === '' || !Number.isFinite(Number(seconds))) {
      const message = textIn(answer, 'ErrMsg') || textIn(answer, 'Message')
      throw failures.of(message === '' ? 'malformed' : kindOf(message), message || 'no token')
    }
    last = token
    kept = { token, until: Number(seconds) * 1000 - margin_ms }
    return token
  }
  return {
    async get() {
      if (kept && clock.now() < kept.until) return kept.token
      fetching ??= fetchToken().finally(() => {
        fetching = null
      })
      return fetching
    },
    drop(token) {
      if (kept?.token === token) kept = null
    },
    last: () => last,
  }
}
