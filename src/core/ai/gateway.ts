import type { Dispatcher } from 'undici'
import type { Clock } from '#core/clock.ts'
import type { AppError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { type AttemptDeps, ask, openAnswer, readJson, startAttempt, timeoutsOf } from './attempt.ts'
import { notConfigured } from './errors.ts'
import { createProviderAgent } from './exchange.ts'
import { createIdleWatch } from './idle-watch.ts'
import { isCount, isRecord } from './openai-wire.ts'
import { openPassThrough, type PassThrough } from './pass-through.ts'
import { createRouting, type ProviderState } from './routing.ts'
import { type Completion, collect } from './translate.ts'
import type { Delta, Embeddings, ProviderKey, Target, UpstreamRequest } from './types.ts'
import { asFailure, type FailureKind, toAppError, UpstreamFailure } from './upstream-failure.ts'

/** Who serves a call, known at its first delta. */
export type Served = { target: Target; first_token_ms: number }

/**
 * Talks to model providers. It knows nothing of users, prices or quotas: `ai.ts` meters what goes through here.
 * Every method throws `ai.*` AppErrors, or the signal's reason when the signal aborts, which also cancels the call
 * upstream at once. Targets are a fallback chain; nothing is tried again once a delta has been handed out.
 */
export type Gateway = {
  /** An answer, delta by delta. `onServed` is called once, before the first. Leaving the loop early cancels it. */
  stream(
    targets: readonly Target[],
    request: UpstreamRequest,
    signal: AbortSignal,
    onServed?: (served: Served) => void,
  ): AsyncGenerator<Delta>
  /** The same, collected. */
  complete(
    targets: readonly Target[],
    request: UpstreamRequest,
    signal: AbortSignal,
    onServed?: (served: Served) => void,
  ): Promise<Completion>
  /**
   * Answers the body of an OpenAI chat completion (`stream` or not) in OpenAI's format, byte by byte where the
   * provider speaks it too. The body must be checked by the caller; its `model` is replaced.
   */
  passThrough(
    targets: readonly Target[],
    openaiBody: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<PassThrough>
  /** One vector per text, in order. */
  embeddings(
    targets: readonly Target[],
    input: readonly string[],
    signal: AbortSignal,
    options?: { dimensions?: number; onServed?: (served: Served) => void },
  ): Promise<Embeddings>
  /** Asks one provider for its models, with its first key: the test of a provider's settings. Within 10 s. */
  listModels(target: Target, signal: AbortSignal): Promise<string[]>
  /** Circuits and resting keys of the providers used so far, as this process sees them. */
  states(): ProviderState[]
  stop(): Promise<void>
}

const listModelsMs = 10_000

export function createGateway({
  log,
  clock,
  metrics,
  dispatcher,
}: {
  log: Log
  clock: Clock
  metrics?: Metrics
  /** Where connections come from; by default an agent of the gateway's own. */
  dispatcher?: Dispatcher
}): Gateway {
  const agent = dispatcher ?? createProviderAgent()
  const deps: AttemptDeps = { dispatcher: agent, idleWatch: createIdleWatch() }
  const attempts = metrics?.counter({
    name: 'ai_upstream_attempts_total',
    help: 'Requests to model providers, by kind of provider and outcome.',
    labels: ['kind', 'outcome'],
  })
  const routing = createRouting({
    clock,
    log,
    observe: (target, outcome) => attempts?.inc({ kind: target.provider_kind, outcome }),
  })

  const onBroken = (target: Target, failure: UpstreamFailure): AppError => {
    log.warn({ provider: target.provider_id, kind: failure.kind }, 'an answer broke on the way')
    attempts?.inc({ kind: target.provider_kind, outcome: 'broken' })
    if (countsAgainstProvider.has(failure.kind)) routing.broke(target, failure.kind)
    return toAppError(failure, target)
  }

  async function* stream(
    targets: readonly Target[],
    request: UpstreamRequest,
    signal: AbortSignal,
    onServed?: (served: Served) => void,
  ): AsyncGenerator<Delta> {
    const startedAt = performance.now()
    const { answer, target } = await routing.run(targets, signal, async (target, key) => ({
      answer: await openAnswer(deps, target, key, request, signal),
      target,
    }))
    onServed?.({ target, first_token_ms: performance.now() - startedAt })
    try {
      yield* answer.first
      yield* answer.rest
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw onBroken(target, asFailure(error))
    } finally {
      answer.close()
    }
  }

  return {
    stream,
    complete: (targets, request, signal, onServed) => collect(stream(targets, request, signal, onServed)),
    passThrough(targets, body, signal) {
      const startedAt = performance.now()
      const call = { deps, body, signal, startedAt, onBroken }
      return routing.run(targets, signal, (target, key) => openPassThrough(call, target, key))
    },
    async embeddings(targets, input, signal, options = {}) {
      const startedAt = performance.now()
      const { target, value } = await routing.run(targets, signal, async (target, key) => ({
        target,
        value: await embed(deps, target, key, input, options.dimensions, signal),
      }))
      options.onServed?.({ target, first_token_ms: performance.now() - startedAt })
      return value
    },
    async listModels(target, signal) {
      if (target.provider_kind === 'offline') return [target.upstream_model]
      const attempt = startAttempt(signal, listModelsMs)
      try {
        const path = target.provider_kind === 'anthropic' ? '/models?limit=1000' : '/models'
        const request = { method: 'GET' as const, path, body: null, signal: attempt.signal }
        const answer = await ask(deps, target, target.keys[0] ?? null, request)
        return modelIds(await readJson(answer.body))
      } catch (error) {
        if (signal.aborted) throw signal.reason
        const failure = asFailure(error)
        // No model was named, so a 404 means that nothing of the kind lives at this address.
        throw toAppError(failure.kind === 'model' ? new UpstreamFailure('malformed', '404') : failure, target)
      } finally {
        attempt.release()
      }
    },
    states: routing.states,
    stop: () => agent.destroy(),
  }
}

const countsAgainstProvider: ReadonlySet<FailureKind> = new Set(['server', 'network', 'timeout', 'malformed'])

async function embed(
  deps: AttemptDeps,
  target: Target,
  key: ProviderKey | null,
  input: readonly string[],
  dimensions: number | undefined,
  signal: AbortSignal,
): Promise<Embeddings> {
  if (target.provider_kind === 'offline') throw notConfigured()
  if (target.provider_kind === 'anthropic') throw new UpstreamFailure('unsupported', 'embeddings')
  const attempt = startAttempt(signal, timeoutsOf(target).total_ms)
  try {
    const answer = await ask(deps, target, key, {
      method: 'POST',
      path: '/embeddings',
      body: {
        model: target.upstream_model,
        input,
        encoding_format: 'float',
        ...(dimensions === undefined ? {} : { dimensions }),
      },
      signal: attempt.signal,
    })
    return embeddingsOf(await readJson(answer.body), input.length)
  } finally {
    attempt.release()
  }
}

function embeddingsOf(json: unknown, count: number): Embeddings {
  if (!isRecord(json) || !Array.isArray(json.data)) throw new UpstreamFailure('malformed', 'no embeddings')
  const vectors: number[][] = []
  for (const [position, item] of json.data.entries()) {
    if (!isRecord(item) || !isVector(item.embedding)) throw new UpstreamFailure('malformed', 'not a vector')
    vectors[isCount(item.index) && item.index < count ? item.index : position] = item.embedding
  }
  if (vectors.length !== count || vectors.includes(undefined as never))
    throw new UpstreamFailure('malformed', 'not one vector per text')
  const usage = isRecord(json.usage) ? json.usage.prompt_tokens : undefined
  return {
    vectors,
    usage: isCount(usage) ? { prompt_tokens: usage, completion_tokens: 0, source: 'upstream' } : null,
  }
}

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isFinite)

function modelIds(json: unknown): string[] {
  if (!isRecord(json) || !Array.isArray(json.data))
    throw new UpstreamFailure('malformed', 'no list of models')
  return json.data.flatMap((model: unknown) =>
    isRecord(model) && typeof model.id === 'string' ? [model.id] : [],
  )
}
