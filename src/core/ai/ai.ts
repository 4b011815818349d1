import type { z } from 'zod'
import type { Cache } from '#core/cache/cache.ts'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Log } from '#core/log.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { startSpan } from '#core/telemetry/tracing.ts'
import { createCatalogue, createPricing, type Labels, type ModelInfo, type Resolved } from './catalogue.ts'
import { createGateway, type Gateway, type Served } from './gateway.ts'
import { createLedger, type Ledger, type LimitState } from './ledger.ts'
import type { Limit } from './limits.ts'
import { type Call, type CallEnd, createMetering, endedBy, type Settled } from './metering.ts'
import { createModels, type Models } from './model-admin.ts'
import type { PassThrough } from './pass-through.ts'
import { createProviders, type Providers } from './provider-admin.ts'
import { type ProviderTest, type ProviderTestResult, testProvider } from './provider-test.ts'
import type { ProviderState } from './routing.ts'
import type { aiSettings } from './settings.ts'
import { createSpendCaps, type SpendCaps } from './spend-cap.ts'
import { askForStructure } from './structured.ts'
import { estimatePrompt, estimateTokens } from './tokens.ts'
import type { ChatMessage, Delta, UpstreamRequest, Usage } from './types.ts'

/** Who calls, for the books. */
type Caller = {
  /** A public model id; '' or nothing for the user's default. */
  model?: string
  user_id: string
  /** What the call is for: `chat`, `openai_door` … */
  feature: string
  /** Part of a request that is counted already (a title, say): tokens and cost count, the request does not. */
  is_background?: boolean
  signal?: AbortSignal
  /** Called once the call is booked; not at all when nothing came of it. */
  onSettled?: (settled: Settled) => void
}

export type ChatRequest = UpstreamRequest & Caller

/** The body of an OpenAI chat completion whose shape has been checked. */
export type OpenAiChatRequest = Omit<Caller, 'model' | 'onSettled'> & { body: Record<string, unknown> }

/** A call whose share of the limits is held. It is run once, or given back. */
export type HeldChat = {
  /** The model that it goes to. */
  model: ModelInfo
  /** The answer, with a signal of its own instead of the request's. */
  answer(signal?: AbortSignal): AsyncGenerator<Delta>
  /** Gives the hold back. Does nothing once the answer has begun. */
  release(): Promise<void>
}

export type Ai = {
  /**
   * An answer, delta by delta, metered: reserved before, settled or released after. Aborting, or leaving the loop,
   * cancels it at the provider and settles what came.
   * @throws AppError `ai.*`, `quota.*`
   */
  chat(request: ChatRequest): AsyncGenerator<Delta>
  /**
   * The first half of `chat`, for callers that must know before they begin: refuses what would be refused, and holds
   * what the call may cost.
   * @throws AppError `ai.model_not_found`, `quota.*`
   */
  reserve(request: ChatRequest): Promise<HeldChat>
  /** An answer in OpenAI's own format, byte for byte where the provider speaks it, metered. `settled` never rejects. */
  openaiChat(request: OpenAiChatRequest): Promise<PassThrough & { settled: Promise<Settled | null> }>
  /** One vector per text, metered. */
  embeddings(
    request: Caller & { input: readonly string[]; dimensions?: number },
  ): Promise<{ vectors: number[][]; usage: Usage; model: string }>
  /** JSON that fits a schema, with one more try when it does not. @throws AppError `ai.bad_structure` */
  structured<T>(
    request: Caller &
      Pick<UpstreamRequest, 'temperature' | 'max_tokens'> & { messages: readonly ChatMessage[] },
    schema: z.ZodType<T>,
  ): Promise<T>
  /** What a user may choose among, the default marked. */
  modelsFor(user_id: string, kind?: ModelInfo['kind']): Promise<ModelInfo[]>
  /** The model that a call of this user would go to. @throws AppError `ai.model_not_found` */
  modelFor(user_id: string, model?: string): Promise<ModelInfo>
  /** What is left to a user of each limit. */
  quota(user_id: string): Promise<LimitState[]>
  /** Billing says who may use how much. Until then there are no limits. */
  useLimits(limitsFor: (user_id: string) => Promise<readonly Limit[]>): void
  /** Says what a user is, for models that are not for everyone: names of roles and plans. Until then everyone is just everyone. */
  useLabels(labelsOf: (user_id: string) => Promise<Iterable<string>>): void
  /** For administrators. */
  providers: Providers & {
    test(test: ProviderTest, signal: AbortSignal): Promise<ProviderTestResult>
    /** Circuits and resting keys, as this process sees them. */
    states(): ProviderState[]
  }
  models: Models
  ledger: Ledger
  spendCap: SpendCaps
  /** ISO 4217; all costs are in millionths of it. */
  currency: string
  /** Takes changed settings over. */
  reload(): void
  stop(): Promise<void>
}

export type AiOptions = {
  db: Db
  cache: Cache
  secrets: Secrets
  settings: Settings<typeof aiSettings>
  clock: Clock
  log: Log
  metrics: Metrics
}

const never = new AbortController().signal

/** The AI gateway: models and providers, metered calls to them, and the books. */
export function createAi(options: AiOptions): Ai {
  const { db, cache, secrets, settings, clock, metrics } = options
  const log = options.log.child('ai')
  const gateway = createGateway({ log, clock, metrics })
  const pricing = createPricing(settings)
  const catalogue = createCatalogue({ db, cache, secrets, gateway, settings, clock, log })
  const spendCap = createSpendCaps({ db, cache, settings })
  const ledger = createLedger({ db, clock, log, spendCap: spendCap.get })
  let limitsFor: (user_id: string) => Promise<readonly Limit[]> = async () => []
  let labelsOf: (user_id: string) => Promise<Iterable<string>> = async () => []
  const labels =
    (user_id: string): Labels =>
    () =>
      labelsOf(user_id)
  const metering = createMetering({
    ledger,
    limitsFor: user_id => limitsFor(user_id),
    costOf: pricing.costOf,
    metrics,
    clock,
    log,
  })
  const begin = async (
    caller: Caller,
    sizes: { prompt_tokens: number; max_tokens?: number | undefined },
    kind: ModelInfo['kind'] = 'chat',
  ) => {
    const resolved = await catalogue.resolve(caller.model, labels(caller.user_id), kind)
    const { user_id, feature, is_background } = caller
    const input = { user_id, feature, is_background, resolved, ...sizes }
    return {
      resolved,
      hasPlenty: metering.hasPlenty(input),
      held: traced(metering.begin(input), feature, kind),
    }
  }
  const calls = createCalls({ gateway, begin })

  return {
    ...calls,
    structured: ({ messages, ...caller }, schema) =>
      askForStructure(schema, messages, request => calls.chat({ ...caller, ...request })),
    modelsFor: async (user_id, kind) => catalogue.listFor(labels(user_id), kind),
    modelFor: async (user_id, model) => (await catalogue.resolve(model, labels(user_id))).model,
    quota: async user_id => ledger.quota(user_id, await limitsFor(user_id)),
    useLimits(given) {
      limitsFor = given
    },
    useLabels(given) {
      labelsOf = given
    },
    providers: {
      ...createProviders({ db, secrets, catalogue }),
      test: (test, signal) => testProvider({ catalogue, gateway }, test, signal),
      states: gateway.states,
    },
    models: createModels({ db, catalogue, pricing }),
    ledger,
    spendCap,
    currency: settings.AI_CURRENCY,
    reload: catalogue.reload,
    async stop() {
      ledger.stop()
      await gateway.stop()
    },
  }
}

/** A call from its hold to its end, as a span. */
async function traced(held: Promise<Call>, feature: string, kind: ModelInfo['kind']): Promise<Call> {
  const call = await held
  const span = startSpan(`ai ${kind}`, { 'ai.model': call.resolved.model.id, 'ai.feature': feature })
  return {
    ...call,
    end(end) {
      span.setAttribute('ai.ended', end.ended)
      span.end()
      return call.end(end)
    },
  }
}

type Begin = (
  caller: Caller,
  sizes: { prompt_tokens: number; max_tokens?: number | undefined },
  kind?: ModelInfo['kind'],
) => Promise<{ resolved: Resolved; hasPlenty: boolean; held: Promise<Call> }>

/** The calls themselves: begin, run, end whatever happens. */
function createCalls({ gateway, begin }: { gateway: Gateway; begin: Begin }) {
  async function reserve(request: ChatRequest): Promise<HeldChat> {
    const { model, user_id, feature, is_background, signal: outer = never, onSettled, ...upstream } = request
    const prompt_tokens = estimatePrompt(upstream.messages, upstream.tools)
    const { held } = await begin(request, { prompt_tokens, max_tokens: upstream.max_tokens })
    const call = await held
    if (call.max_tokens !== undefined) upstream.max_tokens = call.max_tokens
    let hasBegun = false
    return {
      model: call.resolved.model,
      // A generator that nobody reads never begins, so its hold can still be given back.
      async *answer(signal = outer) {
        hasBegun = true
        yield* run(call, upstream, signal, onSettled)
      },
      async release() {
        if (!hasBegun) await call.end({ ...unserved(null, never), ended: 'aborted' })
      },
    }
  }

  async function* chat(request: ChatRequest): AsyncGenerator<Delta> {
    yield* (await reserve(request)).answer()
  }

  async function* run(
    call: Call,
    upstream: UpstreamRequest,
    signal: AbortSignal,
    onSettled: Caller['onSettled'],
  ): AsyncGenerator<Delta> {
    const end: CallEnd = {
      served: null,
      usage: null,
      characters: { narrow: 0, wide: 0 },
      // What a caller gets who leaves the loop early.
      ended: 'aborted',
      finish: null,
    }
    const onServed = ({ target, first_token_ms }: Served) => {
      end.served = { provider_id: target.provider_id, upstream_model: target.upstream_model, first_token_ms }
    }
    try {
      for await (const delta of gateway.stream(call.resolved.targets, upstream, signal, onServed)) {
        note(end, delta)
        yield delta
      }
      end.ended = 'done'
    } catch (error) {
      end.ended = endedBy(error, signal, end.served !== null)
      throw error
    } finally {
      const settled = await call.end(end)
      if (settled) onSettled?.(settled)
    }
  }

  return {
    chat,
    reserve,
    async openaiChat({ body, signal = never, ...caller }: OpenAiChatRequest) {
      const messages = body.messages as readonly ChatMessage[]
      const tools = body.tools ? estimateTokens(JSON.stringify(body.tools)) : 0
      const prompt_tokens = estimatePrompt(messages) + tools
      const max_tokens = [body.max_completion_tokens, body.max_tokens].find(
        value => typeof value === 'number',
      )
      const model = typeof body.model === 'string' ? body.model : ''
      const { resolved, hasPlenty, held } = await begin({ ...caller, model }, { prompt_tokens, max_tokens })
      // Where there is plenty of room the answer does not wait for its hold; if that is refused all the same, because
      // the limits have just changed, the answer is cut off.
      const refused = new AbortController()
      held.catch(error => refused.abort(error))
      const longest = hasPlenty ? undefined : (await held).max_tokens
      const cut = longest === undefined ? {} : { max_tokens: longest, max_completion_tokens: undefined }
      const until = hasPlenty ? AbortSignal.any([signal, refused.signal]) : signal
      try {
        const answer = await gateway.passThrough(resolved.targets, { ...body, ...cut }, until)
        const settled = answer.completed
          .then(async ({ provider_id, upstream_model, first_token_ms, finish_reason, ...rest }) =>
            (await held).end({
              ...rest,
              served: { provider_id, upstream_model, first_token_ms },
              finish: finish_reason,
            }),
          )
          .catch(() => null)
        return { ...answer, settled }
      } catch (error) {
        await (await held).end(unserved(error, signal))
        throw error
      }
    },
    async embeddings({
      input,
      dimensions,
      signal = never,
      onSettled,
      ...caller
    }: Parameters<Ai['embeddings']>[0]) {
      const prompt_tokens = input.reduce((sum, text) => sum + estimateTokens(text), 0)
      const { held } = await begin(caller, { prompt_tokens, max_tokens: 0 }, 'embedding')
      const call = await held
      let served: CallEnd['served'] = null
      const options = {
        ...(dimensions === undefined ? {} : { dimensions }),
        onServed({ target, first_token_ms }: Served) {
          served = { provider_id: target.provider_id, upstream_model: target.upstream_model, first_token_ms }
        },
      }
      try {
        const { vectors, usage } = await gateway.embeddings(call.resolved.targets, input, signal, options)
        const characters = { narrow: 0, wide: 0 }
        const settled = await call.end({ served, usage, characters, ended: 'done', finish: null })
        if (settled) onSettled?.(settled)
        const estimated: Usage = { prompt_tokens, completion_tokens: 0, source: 'estimated' }
        return { vectors, usage: usage ?? estimated, model: call.resolved.model.id }
      } catch (error) {
        await call.end(unserved(error, signal))
        throw error
      }
    },
  }
}

const unserved = (error: unknown, signal: AbortSignal): CallEnd => ({
  served: null,
  usage: null,
  characters: { narrow: 0, wide: 0 },
  ended: endedBy(error, signal, false),
  finish: null,
})

/** Takes down what an answer says about itself, and counts it for the case that the provider does not. */
function note(end: CallEnd, delta: Delta): void {
  if (delta.type === 'usage') end.usage = delta.usage
  else if (delta.type === 'finish') end.finish = delta.reason
  else {
    const text = delta.type === 'tool_call' ? (delta.arguments ?? '') : delta.text
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) < 0x80) end.characters.narrow++
      else end.characters.wide++
    }
  }
}
