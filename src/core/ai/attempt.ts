import type { Dispatcher } from 'undici'
import { anthropicBody, anthropicReader } from './anthropic-wire.ts'
import { type Characters, countDelta, partialUsage } from './characters.ts'
import {
  type Exchange,
  exchange,
  type ResponseHeaders,
  readText,
  type Tap,
  type UpstreamBody,
} from './exchange.ts'
import type { IdleWatch } from './idle-watch.ts'
import { offlineDeltas } from './offline/engine.ts'
import { openaiBody, openaiCompletion, openaiReader, type WireReader } from './openai-wire.ts'
import { createSseParser } from './sse-parser.ts'
import type { Delta, ProviderKey, Target, Timeouts, UpstreamRequest } from './types.ts'
import { failureOfResponse, UpstreamFailure } from './upstream-failure.ts'

/** What an attempt needs from the gateway. */
export type AttemptDeps = { dispatcher: Dispatcher; idleWatch: IdleWatch }

const defaultTimeouts: Timeouts = { first_token_ms: 120_000, idle_ms: 60_000, total_ms: 600_000 }
/** Even an answer that keeps dripping ends at some time. */
const streamLimitMs = 3_600_000
const maxErrorBytes = 64 * 1024
const maxAnswerBytes = 64 * 1024 * 1024

export const timeoutsOf = (target: Target): Timeouts => ({ ...defaultTimeouts, ...target.timeouts })

/**
 * The signal of one attempt: the caller's, and a deadline until `arrived` is called. `release` must be called when
 * the attempt or its answer is over.
 */
export function startAttempt(caller: AbortSignal, deadlineMs: number) {
  const controller = new AbortController()
  const onAbort = () => controller.abort(caller.reason)
  if (caller.aborted) onAbort()
  else caller.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(
    () => controller.abort(new UpstreamFailure('timeout', `nothing within ${deadlineMs} ms`)),
    deadlineMs,
  )
  return {
    signal: controller.signal,
    arrived: () => clearTimeout(timer),
    release() {
      clearTimeout(timer)
      caller.removeEventListener('abort', onAbort)
    },
  }
}

/** Sends a request to a provider with its key and resolves with an answer of status 200. */
export async function ask(
  deps: AttemptDeps,
  target: Target,
  key: ProviderKey | null,
  request: { method: 'GET' | 'POST'; path: string; body: object | null; signal: AbortSignal; tap?: Tap },
): Promise<Exchange> {
  const { tap } = request
  const answer = await exchange({
    dispatcher: deps.dispatcher,
    method: request.method,
    url: target.base_url + request.path,
    headers: headersFor(target, key, request.body !== null),
    body: request.body === null ? null : JSON.stringify(request.body),
    signal: request.signal,
    tap: (status, headers) => (tap && status === 200 && isEventStream(headers) ? tap : null),
  })
  if (answer.status === 200) return answer
  throw failureOfResponse(answer.status, answer.headers, await readText(answer.body, maxErrorBytes))
}

function headersFor(target: Target, key: ProviderKey | null, hasBody: boolean): Record<string, string> {
  const headers: Record<string, string> = { accept: 'text/event-stream, application/json' }
  if (hasBody) headers['content-type'] = 'application/json'
  if (target.provider_kind === 'anthropic') headers['anthropic-version'] = '2023-06-01'
  if (key === null) return headers
  if (target.provider_kind === 'anthropic') headers['x-api-key'] = key.value
  else headers.authorization = `Bearer ${key.value}`
  return headers
}

export const isEventStream = (headers: ResponseHeaders): boolean =>
  String(headers['content-type'] ?? '').startsWith('text/event-stream')

/** Reads a whole JSON answer. Throws SyntaxError for what is none. */
export const readJson = async (body: UpstreamBody): Promise<unknown> =>
  JSON.parse(await readText(body, maxAnswerBytes))

/** An answer whose first real delta has come: from here on nothing is tried again. */
export type OpenAnswer = {
  /** Everything up to and including the first delta that says something. */
  first: Delta[]
  rest: AsyncGenerator<Delta>
  close(): void
}

/** Opens a streamed answer and waits for its first delta. Throws UpstreamFailure or the signal's reason. */
export async function openAnswer(
  deps: AttemptDeps,
  target: Target,
  key: ProviderKey | null,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const { first_token_ms, idle_ms } = timeoutsOf(target)
  const attempt = startAttempt(signal, first_token_ms)
  let body: UpstreamBody | null = null
  const close = () => {
    body?.destroy()
    attempt.release()
  }
  try {
    let rest: AsyncGenerator<Delta>
    if (target.provider_kind === 'offline') rest = offlineDeltas(request)
    else {
      const isAnthropic = target.provider_kind === 'anthropic'
      const answer = await ask(deps, target, key, {
        method: 'POST',
        path: isAnthropic ? '/messages' : '/chat/completions',
        body: isAnthropic ? anthropicBody(target, request) : openaiBody(target, request),
        signal: attempt.signal,
      })
      body = answer.body
      const reader = isAnthropic ? anthropicReader() : openaiReader()
      rest = isEventStream(answer.headers) ? streamed(body, reader) : whole(body)
    }
    const first: Delta[] = []
    for (let step = await rest.next(); !step.done; step = await rest.next()) {
      first.push(step.value)
      if (step.value.type !== 'usage') break
    }
    attempt.arrived()
    body?.watch(deps.idleWatch, idle_ms, streamLimitMs)
    return { first, rest, close }
  } catch (error) {
    close()
    throw error
  }
}

/** The deltas of a streamed answer. When it breaks, what the provider had counted so far comes before the error. */
async function* streamed(body: UpstreamBody, reader: WireReader): AsyncGenerator<Delta> {
  let ready: Delta[] = []
  const characters: Characters = { narrow: 0, wide: 0 }
  const parser = createSseParser((data, event) => {
    for (const delta of reader.read(data, event)) {
      countDelta(characters, delta)
      ready.push(delta)
    }
  })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      parser.push(chunk)
      if (ready.length === 0) continue
      const now = ready
      ready = []
      for (const delta of now) yield delta
    }
    if (!reader.finished) throw new UpstreamFailure('network', 'the answer was cut')
  } catch (error) {
    yield* ready
    const usage = reader.usage()
    // A connection lost after the finish reason costs the usage at most.
    if (usage) yield { type: 'usage', usage: reader.finished ? usage : partialUsage(usage, characters) }
    if (reader.finished) return
    throw error
  }
  const usage = reader.usage()
  if (usage) yield { type: 'usage', usage }
}

/** The deltas of an answer that came in one piece although a stream was asked for. */
async function* whole(body: UpstreamBody): AsyncGenerator<Delta> {
  const { deltas, usage } = openaiCompletion(await readJson(body))
  yield* deltas
  if (usage) yield { type: 'usage', usage }
}
