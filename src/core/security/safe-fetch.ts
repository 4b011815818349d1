import { type Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { type Dispatcher, errors } from 'undici'
import { AppError, defineError } from '#core/errors.ts'
import { type Allow, assertSafeUrl, createSafeAgent, currentAllowList } from './safe-fetch-agent.ts'

export type SafeRequest = {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Ends the call; its own reason is thrown, so that a cancelled call is no failure. */
  signal?: AbortSignal
  /** For everything together, redirects and body included. Default 15 s. */
  timeout_ms?: number
  /** Of the body, before and after decompression. Default 5 MB. */
  max_bytes?: number
  /** Default 5. */
  max_redirects?: number
}

/** A whole answer. Any status: whether 404 is a failure, the caller knows. */
export type SafeResponse = {
  status: number
  /** Where the answer came from, after redirects. */
  url: string
  headers: Headers
  bytes(): Promise<Buffer>
  text(): Promise<string>
  /** @throws `fetch.failed` when the body is not JSON. */
  json(): Promise<unknown>
}

/**
 * Fetches a URL that a user, a model or another server named: public addresses only (`OUTBOUND_ALLOW` aside), every
 * redirect checked again, credentials not carried to another origin, time and size bounded.
 * @throws `fetch.url_invalid`, `fetch.address_refused`, `fetch.too_large`, `fetch.timeout`,
 *   `fetch.too_many_redirects`, `fetch.failed`; the signal's reason when the caller cancels.
 */
export type SafeFetch = (url: string, options?: SafeRequest) => Promise<SafeResponse>

export const fetchTooLarge = defineError({
  code: 'fetch.too_large',
  status: 502,
  en: 'The answer of {host} is larger than {limit} bytes.',
  'zh-CN': '{host} 的响应超过了 {limit} 字节的上限。',
})
export const fetchTimeout = defineError({
  code: 'fetch.timeout',
  status: 504,
  en: '{host} did not answer within {seconds} s.',
  'zh-CN': '{host} 在 {seconds} 秒内没有完成响应。',
})
export const tooManyRedirects = defineError({
  code: 'fetch.too_many_redirects',
  status: 502,
  en: '{host} redirects too often.',
  'zh-CN': '{host} 的重定向次数过多。',
})
export const fetchFailed = defineError({
  code: 'fetch.failed',
  status: 502,
  en: '{host} could not be reached, or its answer could not be read.',
  'zh-CN': '无法访问 {host}，或其响应无法读取。',
})

const defaults = { method: 'GET', timeout_ms: 15_000, max_bytes: 5 * 1024 * 1024, max_redirects: 5 }

type Exchange = { status: number; headers: Headers; body: Buffer }

export function createSafeFetch({ allow }: { allow: Allow }): SafeFetch {
  const agent = createSafeAgent(allow)
  const list = currentAllowList(allow)
  return async (text, options = {}) => {
    const limits = { ...defaults, ...options }
    let url = assertSafeUrl(text, list())
    let request = { method: limits.method, headers: new Headers(options.headers), body: options.body }
    const deadline = AbortSignal.timeout(limits.timeout_ms)
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
    try {
      for (let redirects = 0; ; redirects++) {
        const answer = await exchange(agent, url, request, { signal, max_bytes: limits.max_bytes })
        const location = isRedirect(answer.status) ? answer.headers.get('location') : null
        if (location === null) return response(url, answer)
        if (redirects >= limits.max_redirects) throw tooManyRedirects({ host: url.host })
        const next = assertSafeUrl(URL.parse(location, url.href)?.href ?? '', list())
        request = redirected(request, answer.status, next.origin === url.origin)
        url = next
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      if (deadline.aborted) throw fetchTimeout({ host: url.host, seconds: limits.timeout_ms / 1000 })
      if (error instanceof AppError) throw error
      throw fetchFailed({ host: url.host }, { cause: error })
    }
  }
}

type Outgoing = { method: string; headers: Headers; body: string | Buffer | undefined }

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

/** What another origin may see: nothing that could be a credential under a name of its own, like X-Api-Key. */
const harmlessHeaders = new Set(['accept', 'accept-language', 'content-type', 'range', 'user-agent'])

/** The request that follows a redirect, as the Fetch standard has it (section 4.4, HTTP-redirect fetch). */
function redirected(request: Outgoing, status: number, sameOrigin: boolean): Outgoing {
  const becomesGet =
    (status === 303 && request.method !== 'HEAD' && request.method !== 'GET') ||
    ((status === 301 || status === 302) && request.method === 'POST')
  const kept = [...request.headers].filter(
    ([name]) => (sameOrigin || harmlessHeaders.has(name)) && !(becomesGet && name.startsWith('content-')),
  )
  return {
    method: becomesGet ? 'GET' : request.method,
    headers: new Headers(kept),
    body: becomesGet ? undefined : request.body,
  }
}

async function exchange(
  agent: Dispatcher,
  url: URL,
  { method, headers, body }: Outgoing,
  { signal, max_bytes }: { signal: AbortSignal; max_bytes: number },
): Promise<Exchange> {
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: method as Dispatcher.HttpMethod,
    headers: { 'accept-encoding': 'gzip, br', 'user-agent': 'Banyan', ...Object.fromEntries(headers) },
    body,
    signal,
  })
  const answerHeaders = toHeaders(answer.headers)
  if (isRedirect(answer.statusCode)) {
    // The next hop matters, not this body; an endless one ends the connection instead of being read.
    await answer.body.dump({ limit: 64 * 1024, signal })
    return { status: answer.statusCode, headers: answerHeaders, body: Buffer.alloc(0) }
  }
  const tooLarge = () => fetchTooLarge({ host: url.host, limit: max_bytes })
  const hasBody = method !== 'HEAD' && answer.statusCode !== 204 && answer.statusCode !== 304
  if (hasBody && Number(answerHeaders.get('content-length')) > max_bytes) {
    answer.body.on('error', () => {}).destroy()
    throw tooLarge()
  }
  const bytes = await readBody(
    answer.body,
    hasBody ? encodings(answerHeaders) : [],
    max_bytes,
    tooLarge,
    signal,
  )
  return { status: answer.statusCode, headers: answerHeaders, body: bytes }
}

function toHeaders(raw: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(raw)) {
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  return headers
}

const decoders: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

function encodings(headers: Headers): string[] {
  const names = (headers.get('content-encoding') ?? '').toLowerCase().split(',')
  return names.map(name => name.trim()).filter(name => name !== '' && name !== 'identity')
}

/** Reads and unpacks a body. Both the packed and the unpacked bytes are counted, so a small bomb never unfolds. */
async function readBody(
  body: Readable,
  packedBy: string[],
  limit: number,
  tooLarge: () => Error,
  signal: AbortSignal,
): Promise<Buffer> {
  const unpackers = packedBy.map(name => decoders[name]?.()).reverse()
  if (unpackers.length > 2 || unpackers.includes(undefined)) {
    body.on('error', () => {}).destroy()
    throw new errors.NotSupportedError(`content-encoding ${packedBy.join(', ')}`)
  }
  const chunks: Buffer[] = []
  const collect = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const count = () => counter(limit, tooLarge)
  await pipeline([body, count(), ...unpackers.filter(one => one !== undefined), count(), collect], { signal })
  return Buffer.concat(chunks)
}

function counter(limit: number, tooLarge: () => Error): Transform {
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > limit) done(tooLarge())
      else done(null, chunk)
    },
  })
}

function response(url: URL, { status, headers, body }: Exchange): SafeResponse {
  const text = async () => new TextDecoder().decode(body)
  return {
    status,
    url: url.href,
    headers,
    bytes: async () => body,
    text,
    async json() {
      try {
        return JSON.parse(await text())
      } catch (cause) {
        throw fetchFailed({ host: url.host }, { cause })
      }
    },
  }
}
