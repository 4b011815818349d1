import type { Routes } from './types.ts'

export type * from './types.ts'

/** A method and a path, as the OpenAPI document has them: `GET /api/v1/chat/conversations/{id}`. */
export type Route = keyof Routes
/** What a route takes: `params` (of its path), `query`, `body` or `file`. */
export type RouteInput<R extends Route> = Omit<Routes[R], 'response'>
export type RouteQuery<R extends Route> = Routes[R] extends { query?: infer Q } ? NonNullable<Q> : never
export type RouteBody<R extends Route> = Routes[R] extends { body?: infer B } ? NonNullable<B> : never
export type RouteResponse<R extends Route> = Routes[R] extends { response: infer A } ? A : never
/** Routes that answer with JSON or with nothing. The others are for `request`. */
export type JsonRoute = { [R in Route]: Routes[R] extends { response: unknown } ? R : never }[Route]

/** One bad part of the input. `pointer` is a JSON pointer into the body, or begins with `/query` or `/params`. */
export type InputIssue = { pointer: string; detail: string }

type ErrorParts = {
  status: number
  code: string
  detail: string
  requestId?: string | undefined
  issues?: InputIssue[]
  retryAfter?: number | undefined
}

/** Everything that a call fails with, except its own abort. */
export class ApiError extends Error {
  override name = 'ApiError'
  /** Of HTTP; 0 when no answer came. */
  readonly status: number
  /** Made for programs: `conversation.not_found`; `network.failed` or `network.timeout` when no answer came. */
  readonly code: string
  /** What happened and what to do, in the language of the client. */
  readonly detail: string
  readonly requestId: string | undefined
  readonly issues: readonly InputIssue[]
  /** Seconds to wait before a retry makes sense. */
  readonly retryAfter: number | undefined

  constructor({ status, code, detail, requestId, issues = [], retryAfter }: ErrorParts, cause?: unknown) {
    super(detail || code, { cause })
    this.status = status
    this.code = code
    this.detail = detail
    this.requestId = requestId
    this.issues = issues
    this.retryAfter = retryAfter
  }
}

export type ClientOptions = {
  /** Where Banyan is, such as `https://banyan.example.com`. Default: where the page comes from. */
  url?: string
  /** An API token or an access token; a function is asked before each call. Default: the browser's session cookie. */
  token?: string | (() => string | Promise<string>)
  /** Language of errors; the default is Chinese. */
  locale?: 'zh-CN' | 'en'
}

export type CallOptions = {
  signal?: AbortSignal | undefined
  /** Milliseconds that the answer may take, 60,000 by default; of a `request`, what comes before its body. */
  timeoutMs?: number
  /** Makes a repeated POST safe: the same key and body get the same answer for 24 hours. */
  idempotencyKey?: string
  headers?: Record<string, string>
}

type Arguments<R extends Route> =
  Partial<RouteInput<R>> extends RouteInput<R>
    ? [options?: CallOptions & RouteInput<R>]
    : [options: CallOptions & RouteInput<R>]

type AnyOptions = CallOptions & {
  params?: Record<string, string | number>
  query?: Record<string, unknown>
  body?: unknown
  file?: Blob
}

export type Client = {
  /**
   * The JSON that a route answers.
   * @throws {ApiError} for every answer that is not a success, and for none at all. The signal's reason on an abort.
   */
  call<R extends JsonRoute>(route: R, ...options: Arguments<R>): Promise<RouteResponse<R>>
  /** The answer itself, for streams and files; throws as `call` does. */
  request<R extends Route>(route: R, ...options: Arguments<R>): Promise<Response>
}

/** A client of a Banyan. It keeps nothing but its options. */
export function createClient(client: ClientOptions = {}): Client {
  async function send<T>(route: Route, options: AnyOptions, read: (response: Response) => T | Promise<T>) {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), options.timeoutMs ?? 60_000)
    const signals = options.signal ? [options.signal, late.signal] : [late.signal]
    try {
      const response = await fetch(`${client.url?.replace(/\/+$/, '') ?? ''}${addressOf(route, options)}`, {
        method: route.slice(0, route.indexOf(' ')),
        headers: await headersOf(client, options),
        body: bodyOf(options),
        credentials: client.token === undefined ? 'same-origin' : 'omit',
        signal: AbortSignal.any(signals),
      })
      if (!response.ok) throw await errorOf(response)
      return await read(response)
    } catch (error) {
      if (error instanceof ApiError) throw error
      options.signal?.throwIfAborted()
      const code = late.signal.aborted ? 'network.timeout' : 'network.failed'
      throw new ApiError({ status: 0, code, detail: '' }, error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    call: (route, options: AnyOptions = {}) =>
      send(route, options, async response => {
        const text = await response.text()
        return text === '' ? undefined : JSON.parse(text)
      }),
    request: (route, options: AnyOptions = {}) => send(route, options, response => response),
  }
}

function addressOf(route: Route, { params = {}, query = {} }: AnyOptions): string {
  const path = route.slice(route.indexOf(' ') + 1)
  const filled = path.replace(/\{([\w-]+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null) search.set(name, String(value))
  return search.size > 0 ? `${filled}?${search}` : filled
}

async function headersOf({ token, locale }: ClientOptions, options: AnyOptions): Promise<Headers> {
  const headers = new Headers({ accept: 'application/json', ...options.headers })
  const bearer = typeof token === 'function' ? await token() : token
  if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`)
  if (locale) headers.set('accept-language', locale)
  if (options.idempotencyKey) headers.set('idempotency-key', options.idempotencyKey)
  if (options.body !== undefined) headers.set('content-type', 'application/json')
  return headers
}

function bodyOf({ body, file }: AnyOptions): FormData | string | null {
  if (file) {
    const form = new FormData()
    form.set('file', file)
    return form
  }
  return body === undefined ? null : JSON.stringify(body)
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status, headers } = response
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN)
  // What is no problem+json comes from a proxy, or speaks a foreign protocol: the status says enough.
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json')
  const problem = isProblem ? ((await response.json().catch(() => ({}))) as ProblemParts) : {}
  return new ApiError({
    status,
    code: problem.code ?? `http.${status}`,
    detail: problem.detail ?? '',
    requestId: problem.request_id ?? headers.get('x-request-id') ?? undefined,
    issues: problem.errors ?? [],
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  })
}

type ProblemParts = { code?: string; detail?: string; request_id?: string; errors?: InputIssue[] }
