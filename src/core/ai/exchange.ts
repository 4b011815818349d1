import { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import type { IdleWatch } from './idle-watch.ts'

/** Names in lower case, as undici gives them. */
export type ResponseHeaders = Record<string, string | string[] | undefined>

/** Looks at bytes on their way and decides what is passed on. It must never keep the stream waiting. */
export type Tap = {
  /** What goes on for this chunk; null for nothing. */
  data(chunk: Buffer): Buffer | null
  /** Set by `data` when the answer is broken: it is then ended at once. */
  readonly failure: Error | null
  /** The provider finished, or failed with `error`: what is still to be sent. The body then ends cleanly. */
  end(error: Error | null): Buffer | null
  /** The reader went away before the end. */
  abandoned(): void
}

export type ExchangeRequest = {
  dispatcher: Dispatcher
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body: string | null
  signal: AbortSignal
  /** Called once with the answer's head; without a tap the bytes go through untouched and errors break the body. */
  tap?: (status: number, headers: ResponseHeaders) => Tap | null
}

export type Exchange = { status: number; headers: ResponseHeaders; body: UpstreamBody }

const maxBodyBytes = 64 * 1024 * 1024

/**
 * Connections to providers: kept alive, as many as there are answers under way, each with one answer at a time
 * (HTTP/1.1), so that a cancelled answer takes down nothing else. Redirects are not followed: a provider that
 * redirects would be sent the key of another.
 */
export const createProviderAgent = (): Agent =>
  new Agent({
    allowH2: false,
    connections: null,
    connect: { timeout: 10_000 },
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 120_000,
    headersTimeout: 0,
    bodyTimeout: 0,
  })

/** The answer's bytes. Destroying it cancels the answer upstream at once. */
export class UpstreamBody extends Readable {
  /** Set by every chunk, read and cleared by the idle watch: cheaper than a timer per chunk. */
  active = true
  stalledByReader = false
  readonly #control: Dispatcher.DispatchController
  readonly #tap: Tap | null
  #finished = false
  #bytes = 0

  constructor(control: Dispatcher.DispatchController, tap: Tap | null) {
    super({ highWaterMark: 64 * 1024 })
    this.#control = control
    this.#tap = tap
  }

  receive(chunk: Buffer): void {
    this.active = true
    this.#bytes += chunk.length
    if (this.#bytes > maxBodyBytes) throw new Error('The answer is larger than 64 MiB')
    const out = this.#tap === null ? chunk : this.#tap.data(chunk)
    if (out !== null && !this.push(out)) {
      this.stalledByReader = true
      this.#control.pause()
    }
    if (this.#tap !== null && this.#tap.failure !== null) throw this.#tap.failure
  }

  finish(error: Error | null): void {
    if (this.#finished || this.destroyed) return
    this.#finished = true
    if (this.#tap === null && error !== null) {
      this.destroy(error)
      return
    }
    const rest = this.#tap?.end(error) ?? null
    if (rest !== null) this.push(rest)
    this.push(null)
  }

  /** Ends the answer from this side, for a reason that is the provider's fault. */
  giveUp(error: Error): void {
    this.finish(error)
    this.#control.abort(error)
  }

  override _read(): void {
    if (!this.stalledByReader) return
    this.stalledByReader = false
    this.#control.resume()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#finished) {
      this.#finished = true
      this.#tap?.abandoned()
      this.#control.abort(error ?? new DOMException('The answer is no longer wanted', 'AbortError'))
    }
    done(error)
  }

  /** Watches for silence until the body closes. */
  watch(idleWatch: IdleWatch, idleMs: number, totalMs: number): void {
    const unwatch = idleWatch.add(this, idleMs, totalMs)
    this.once('close', unwatch)
  }
}

/**
 * Sends one request and resolves with the head of the answer. Rejects with the signal's reason as soon as it aborts,
 * whether connecting, waiting or reading; the connection is then closed, which tells the provider to stop.
 */
export function exchange(request: ExchangeRequest): Promise<Exchange> {
  const { dispatcher, signal } = request
  const url = new URL(request.url)
  return new Promise((resolve, reject) => {
    let control: Dispatcher.DispatchController | null = null
    let body: UpstreamBody | null = null
    const onAbort = () => {
      const reason = signal.reason instanceof Error ? signal.reason : new Error('aborted')
      reject(reason)
      if (body) body.destroy(reason)
      else control?.abort(reason)
    }
    const settle = () => signal.removeEventListener('abort', onAbort)
    if (signal.aborted) {
      onAbort()
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: request.headers,
        body: request.body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(controller) {
          control = controller
          if (signal.aborted) onAbort()
        },
        onResponseStart(controller, status, headers) {
          if (status < 200) return
          body = new UpstreamBody(controller, request.tap?.(status, headers) ?? null)
          body.once('close', settle)
          // Without a reader yet, an error would take the process down; readers still see it.
          body.on('error', () => {})
          resolve({ status, headers, body })
        },
        onResponseData(_controller, chunk) {
          body?.receive(chunk)
        },
        onResponseEnd() {
          body?.finish(null)
        },
        onResponseError(_controller, error) {
          if (body === null) settle()
          reject(error)
          body?.finish(error)
        },
      },
    )
  })
}

/** Reads a whole body as text, at most `maxBytes` of it. */
export async function readText(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxBytes)
}
