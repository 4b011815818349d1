/** One bad part of the input, as problem+json names it. `pointer` is a JSON pointer into the body, `/query/…` otherwise. */
export type InputIssue = { pointer: string; detail: string }

type Problem = {
  status: number
  code: string
  detail: string
  request_id?: string | undefined
  errors?: InputIssue[] | undefined
  retry_after?: number | undefined
}

/** Everything that a request can fail with, except its own abort. `status` 0 and code `network.failed`: no answer at all. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** What happened, in the person's language; empty when the server did not say. */
  readonly detail: string
  readonly requestId: string | undefined
  readonly issues: readonly InputIssue[]
  /** Seconds to wait before a retry makes sense. */
  readonly retryAfter: number | undefined

  constructor(problem: Problem, cause?: unknown) {
    super(problem.detail || problem.code, { cause })
    this.name = 'ApiError'
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail
    this.requestId = problem.request_id
    this.issues = problem.errors ?? []
    this.retryAfter = problem.retry_after
  }
}

export type QueryValue = string | number | boolean | null | undefined
export type Query = Record<string, QueryValue>

export type RequestOptions = {
  query?: Query
  signal?: AbortSignal | undefined
  /** Makes a repeated POST safe: the same key and body get the same answer. See `newIdempotencyKey`. */
  idempotencyKey?: string
  headers?: Record<string, string>
}

/** Longest wait for the head of an answer, in ms; streams may then take as long as they need. */
const headTimeout = 60_000

/** One key per thing that the person does, kept over retries of it. */
export const newIdempotencyKey = (): string => crypto.randomUUID()

/**
 * A request to the server, signed in by cookie, in the language of the interface. `path` without a leading
 * `/api/v1` part is put under it. Resolves with the response when it is 2xx; throws `ApiError` otherwise, and
 * the signal's own `AbortError` when the caller stopped it.
 */
export async function request(
  method: string,
  path: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<Response> {
  const headers = new Headers(options.headers)
  if (!headers.has('Accept')) headers.set('Accept', 'application/json')
  headers.set('Accept-Language', document.documentElement.lang || 'zh-CN')
  if (options.idempotencyKey) headers.set('Idempotency-Key', options.idempotencyKey)
  const isForm = body instanceof FormData
  if (body !== undefined && !isForm) headers.set('Content-Type', 'application/json')

  const late = new AbortController()
  const timer = isForm ? undefined : setTimeout(() => late.abort(), headTimeout)
  try {
    const response = await fetch(address(path, options.query), {
      method,
      headers,
      body: isForm ? body : body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      signal: options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal,
    })
    if (!response.ok) throw await errorOf(response)
    return response
  } catch (error) {
    if (error instanceof ApiError || options.signal?.aborted) throw error
    throw new ApiError({ status: 0, code: 'network.failed', detail: '' }, error)
  } finally {
    clearTimeout(timer)
  }
}

/** The address of something that the browser itself fetches (image, download), with its query. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const base = path.startsWith('/api/') || path.startsWith('/v1/') ? path : `/api/v1${path}`
  return search.size > 0 ? `${base}?${search}` : base
}

async function json<T>(response: Promise<Response>): Promise<T> {
  const done = await response
  const text = await done.text()
  // An empty answer is right only where the caller expects nothing (T = void).
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** The server's JSON by method. Paths are relative to `/api/v1`: `api.get<Page<Bot>>('/chat/bots')`. */
export const api = {
  get: <T>(path: string, options?: RequestOptions) => json<T>(request('GET', path, undefined, options)),
  post: <T = void>(path: string, body?: unknown, options?: RequestOptions) =>
    json<T>(request('POST', path, body, options)),
  put: <T = void>(path: string, body?: unknown, options?: RequestOptions) =>
    json<T>(request('PUT', path, body, options)),
  patch: <T = void>(path: string, body?: unknown, options?: RequestOptions) =>
    json<T>(request('PATCH', path, body, options)),
  delete: <T = void>(path: string, options?: RequestOptions) =>
    json<T>(request('DELETE', path, undefined, options)),
  /** Sends one file as multipart field `file`. */
  upload: <T>(method: 'POST' | 'PUT', path: string, file: File | Blob, options?: RequestOptions) => {
    const form = new FormData()
    form.set('file', file)
    return json<T>(request(method, path, form, options))
  },
}

async function errorOf(response: Response): Promise<ApiError> {
  const fallback: Problem = {
    status: response.status,
    code: `http.${response.status}`,
    detail: '',
    request_id: response.headers.get('X-Request-Id') ?? undefined,
    retry_after: seconds(response.headers.get('Retry-After')),
  }
  try {
    const body: unknown = await response.json()
    if (typeof body !== 'object' || body === null) return new ApiError(fallback)
    const { code, detail, request_id, errors } = body as Record<string, unknown>
    return new ApiError({
      ...fallback,
      code: typeof code === 'string' ? code : fallback.code,
      detail: typeof detail === 'string' ? detail : '',
      request_id: typeof request_id === 'string' ? request_id : fallback.request_id,
      errors: Array.isArray(errors) ? errors.filter(isIssue) : [],
    })
  } catch {
    // A proxy's error page, or a cut answer: the status says enough.
    return new ApiError(fallback)
  }
}

function isIssue(value: unknown): value is InputIssue {
  if (typeof value !== 'object' || value === null) return false
  const issue = value as Record<string, unknown>
  return typeof issue.pointer === 'string' && typeof issue.detail === 'string'
}

function seconds(header: string | null): number | undefined {
  const value = Number(header)
  return header && Number.isFinite(value) ? value : undefined
}
