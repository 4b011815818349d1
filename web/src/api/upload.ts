import { ApiError, address, type Query } from './client.ts'

/** Sends a file like `api.upload`, telling how much of it (0 to 1) has gone. `fetch` cannot tell that. */
export function uploadFile<T>(
  path: string,
  file: File,
  options: { query?: Query; signal: AbortSignal; onProgress: (fraction: number) => void },
): Promise<T> {
  const request = new XMLHttpRequest()
  const form = new FormData()
  form.set('file', file)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  request.upload.onprogress = event => {
    if (event.lengthComputable) options.onProgress(event.loaded / event.total)
  }
  request.onload = () => {
    const body = parse(request.responseText)
    if (request.status >= 200 && request.status < 300) resolve(body as T)
    else reject(errorOf(request, body))
  }
  request.onerror = () => reject(new ApiError({ status: 0, code: 'network.failed', detail: '' }))
  request.onabort = () => reject(options.signal.reason)
  options.signal.addEventListener('abort', () => request.abort(), { once: true })
  request.open('POST', address(path, options.query))
  request.setRequestHeader('Accept', 'application/json')
  request.setRequestHeader('Accept-Language', document.documentElement.lang)
  request.send(form)
  return promise
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function errorOf({ status }: XMLHttpRequest, body: unknown): ApiError {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  return new ApiError({
    status,
    code: typeof problem.code === 'string' ? problem.code : `http.${status}`,
    detail: typeof problem.detail === 'string' ? problem.detail : '',
    request_id: typeof problem.request_id === 'string' ? problem.request_id : undefined,
  })
}
