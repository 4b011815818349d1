import { Readable } from 'node:stream'
import {
  type AttemptDeps,
  ask,
  isEventStream,
  openAnswer,
  readJson,
  startAttempt,
  timeoutsOf,
} from './attempt.ts'
import { countDelta } from './characters.ts'
import { forTarget, isRecord, openaiCompletion } from './openai-wire.ts'
import { CompletionTap, type TapEnd } from './tap.ts'
import { chunkWriter, collect, completionBodyOf, requestOf, wantsUsage } from './translate.ts'
import type { Delta, PassThroughEnd, ProviderKey, Target } from './types.ts'
import { asFailure, toAppError, type UpstreamFailure } from './upstream-failure.ts'

type Body = Record<string, unknown>

/** An answer in OpenAI's format, ready to be sent on. Destroying `body` cancels it upstream. */
export type PassThrough = {
  status: 200
  headers: Record<string, string>
  body: Readable
  /** Settles when the answer is over, one way or another; never rejects. */
  completed: Promise<PassThroughEnd>
}

const streamLimitMs = 3_600_000
const streamHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }
const jsonHeaders = { 'content-type': 'application/json; charset=utf-8' }

export type PassThroughCall = {
  deps: AttemptDeps
  body: Body
  signal: AbortSignal
  /** `performance.now()` at the call. */
  startedAt: number
  /** The answer broke after its first delta. */
  onBroken: (target: Target, failure: UpstreamFailure) => void
}

/** Tries one target. Resolves at the first delta; what fails before it is thrown, so that another can be tried. */
export function openPassThrough(
  call: PassThroughCall,
  target: Target,
  key: ProviderKey | null,
): Promise<PassThrough> {
  const isStream = call.body.stream === true
  if (target.provider_kind === 'openai')
    return isStream ? passStream(call, target, key) : passWhole(call, target, key)
  return isStream ? translateStream(call, target, key) : translateWhole(call, target, key)
}

/** The hot path: bytes go through as they came. The response's `model` stays the provider's own name of it. */
async function passStream(
  call: PassThroughCall,
  target: Target,
  key: ProviderKey | null,
): Promise<PassThrough> {
  const { first_token_ms, idle_ms } = timeoutsOf(target)
  const attempt = startAttempt(call.signal, first_token_ms)
  const tap = new CompletionTap({
    stripUsage: !wantsUsage(call.body),
    errorEvent: failure => errorEvent(failure, target),
  })
  try {
    const options = isRecord(call.body.stream_options) ? call.body.stream_options : {}
    const answer = await ask(call.deps, target, key, {
      method: 'POST',
      path: '/chat/completions',
      body: forTarget(target, { ...call.body, stream_options: { ...options, include_usage: true } }),
      signal: attempt.signal,
      tap,
    })
    answer.body.once('close', attempt.release)
    if (!isEventStream(answer.headers))
      return await unexpectedlyWhole(call, target, await readJson(answer.body))
    await tap.first
    const first_token_ms = performance.now() - call.startedAt
    attempt.arrived()
    answer.body.watch(call.deps.idleWatch, idle_ms, streamLimitMs)
    const completed = tap.completed.then(end => {
      if (end.failure) call.onBroken(target, end.failure)
      return endOf(target, end, first_token_ms)
    })
    return { status: 200, headers: streamHeaders, body: answer.body, completed }
  } catch (error) {
    attempt.release()
    // A deadline that passes while the tap waits shows there only as an answer that was given up.
    throw attempt.signal.aborted ? attempt.signal.reason : error
  }
}

async function passWhole(
  call: PassThroughCall,
  target: Target,
  key: ProviderKey | null,
): Promise<PassThrough> {
  const attempt = startAttempt(call.signal, timeoutsOf(target).total_ms)
  try {
    const answer = await ask(call.deps, target, key, {
      method: 'POST',
      path: '/chat/completions',
      body: forTarget(target, call.body),
      signal: attempt.signal,
    })
    const json = await readJson(answer.body)
    const { deltas, usage } = openaiCompletion(json)
    return inOnePiece(call, target, json, deltas, usage)
  } finally {
    attempt.release()
  }
}

/** Some servers ignore `stream`. Their one piece becomes a short stream. */
function unexpectedlyWhole(call: PassThroughCall, target: Target, json: unknown): PassThrough {
  const { deltas, usage } = openaiCompletion(json)
  async function* rest(): AsyncGenerator<Delta> {
    if (usage) yield { type: 'usage', usage }
  }
  return written(call, target, { first: deltas, rest: rest(), close() {} })
}

async function translateStream(call: PassThroughCall, target: Target, key: ProviderKey | null) {
  const answer = await openAnswer(call.deps, target, key, requestOf(call.body), call.signal)
  return written(call, target, answer)
}

async function translateWhole(call: PassThroughCall, target: Target, key: ProviderKey | null) {
  const answer = await openAnswer(call.deps, target, key, requestOf(call.body), call.signal)
  async function* deltas() {
    yield* answer.first
    yield* answer.rest
  }
  try {
    const seen: Delta[] = []
    async function* noted() {
      for await (const delta of deltas()) {
        seen.push(delta)
        yield delta
      }
    }
    const completion = await collect(noted())
    const json = completionBodyOf(completion, { model: modelName(call, target), kind: target.provider_kind })
    return inOnePiece(call, target, json, seen, completion.usage)
  } finally {
    answer.close()
  }
}

const modelName = (call: PassThroughCall, target: Target) =>
  typeof call.body.model === 'string' ? call.body.model : target.upstream_model

function inOnePiece(
  call: PassThroughCall,
  target: Target,
  json: unknown,
  deltas: readonly Delta[],
  usage: PassThroughEnd['usage'],
): PassThrough {
  const end: TapEnd = {
    usage,
    finish_reason: null,
    characters: { narrow: 0, wide: 0 },
    ended: 'done',
    failure: null,
  }
  for (const delta of deltas) note(end, delta)
  return {
    status: 200,
    headers: jsonHeaders,
    body: Readable.from([Buffer.from(JSON.stringify(json))], { objectMode: false }),
    completed: Promise.resolve(endOf(target, end, performance.now() - call.startedAt)),
  }
}

/** Deltas, written as OpenAI's chunks while they come. */
function written(
  call: PassThroughCall,
  target: Target,
  answer: { first: Delta[]; rest: AsyncGenerator<Delta>; close(): void },
): PassThrough {
  const first_token_ms = performance.now() - call.startedAt
  const writer = chunkWriter({
    model: modelName(call, target),
    kind: target.provider_kind,
    includeUsage: wantsUsage(call.body),
  })
  const end: TapEnd = {
    usage: null,
    finish_reason: null,
    characters: { narrow: 0, wide: 0 },
    ended: 'aborted',
    failure: null,
  }
  let complete: (end: PassThroughEnd) => void = () => {}
  const completed = new Promise<PassThroughEnd>(resolve => {
    complete = resolve
  })
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      yield* encode(answer.first)
      for await (const delta of answer.rest) yield* encode([delta])
      end.ended = 'done'
      yield writer.end()
    } catch (error) {
      if (call.signal.aborted) throw error
      end.ended = 'cut'
      end.failure = asFailure(error)
      call.onBroken(target, end.failure)
      yield errorEvent(end.failure, target)
    } finally {
      answer.close()
    }
  }
  function* encode(deltas: readonly Delta[]): Generator<Buffer> {
    for (const delta of deltas) {
      note(end, delta)
      const chunk = writer.write(delta)
      if (chunk) yield chunk
    }
  }
  const body = Readable.from(chunks(), { objectMode: false })
  const onAbort = () => body.destroy()
  call.signal.addEventListener('abort', onAbort, { once: true })
  body.once('close', () => {
    call.signal.removeEventListener('abort', onAbort)
    answer.close()
    complete(endOf(target, end, first_token_ms))
  })
  body.on('error', () => {})
  return { status: 200, headers: streamHeaders, body, completed }
}

function note(end: TapEnd, delta: Delta): void {
  if (delta.type === 'usage') end.usage = delta.usage
  else if (delta.type === 'finish') end.finish_reason = delta.reason
  else countDelta(end.characters, delta)
}

const endOf = (
  target: Target,
  { failure: _, ...end }: TapEnd,
  first_token_ms: number | null,
): PassThroughEnd => ({
  provider_id: target.provider_id,
  upstream_model: target.upstream_model,
  ...end,
  first_token_ms,
})

/** How a client of the OpenAI door learns that a running answer broke: OpenAI's own SDKs raise such an event. */
function errorEvent(failure: UpstreamFailure, target: Target): Buffer {
  const { code, message } = toAppError(failure, target)
  return Buffer.from(
    `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code } })}\n\n`,
  )
}
