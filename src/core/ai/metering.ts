import { LRUCache } from 'lru-cache'
import type { Clock } from '#core/clock.ts'
import { AppError, isAbort } from '#core/errors.ts'
import { type Log, logContext } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type { ModelInfo, Resolved } from './catalogue.ts'
import type { Ledger, Reservation } from './ledger.ts'
import type { Limit } from './limits.ts'
import { tokensOfCharacters } from './tokens.ts'
import type { Usage } from './types.ts'

/** What a call came to. */
export type Settled = {
  model: string
  provider_id: string
  usage: Usage
  /** Micro-units of the installation's currency. */
  cost_micros: number
  first_token_ms: number | null
  latency_ms: number
}

/** What is known of a call when it is over. */
export type CallEnd = {
  /** Null: nobody served it. */
  served: { provider_id: string; upstream_model: string; first_token_ms: number | null } | null
  /** The provider's own count, if any. */
  usage: Usage | null
  /** Of what came, for an estimate. */
  characters: { narrow: number; wide: number }
  ended: 'done' | 'cut' | 'aborted' | 'failed'
  finish: string | null
}

/** A call that is under way. */
export type Call = {
  resolved: Resolved
  /** Set when the user's tokens are nearly used up: the answer must not be longer. */
  max_tokens: number | undefined
  /** Settles what came, or releases the hold where nothing came. Null when released. Never throws. */
  end(end: CallEnd): Promise<Settled | null>
}

export type CallInput = {
  user_id: string
  feature: string
  resolved: Resolved
  prompt_tokens: number
  is_background?: boolean | undefined
  /** Longest answer that the caller asks for. */
  max_tokens?: number | undefined
}

export type Metering = {
  /** Holds what the call may cost. @throws AppError `quota.*` */
  begin(input: CallInput): Promise<Call>
  /**
   * Whether the user's last hold left room for so many such calls that this one will not be refused, but for a change
   * of the limits within the last minute.
   */
  hasPlenty(input: CallInput): boolean
}

/** Held for an answer whose length nobody has limited. Longer ones are rare, and are settled at what they are. */
const usualAnswer = 4096
/** A shorter answer is of no use. */
const shortestAnswer = 64
/** More calls than one user has under way at a time. */
const plenty = 100

export function createMetering({
  ledger,
  limitsFor,
  costOf,
  metrics,
  clock,
  log,
}: {
  ledger: Ledger
  limitsFor: (user_id: string) => Promise<readonly Limit[]>
  costOf: (model: ModelInfo, usage: Usage) => number
  metrics: Metrics
  clock: Clock
  log: Log
}): Metering {
  const count = createCounters(metrics)
  /** By user and model: how many times the tokens of the last call there was room for. */
  const rooms = new LRUCache<string, { calls: number; tokens: number }>({ max: 10_000, ttl: 60_000 })
  const roomOf = ({ user_id, resolved }: CallInput) => `${user_id} ${resolved.model.id}`

  async function reserve(input: CallInput): Promise<{ reservation: Reservation; max_tokens?: number }> {
    const { resolved, user_id, feature, prompt_tokens } = input
    const { model } = resolved
    const answer = longestAnswer(input)
    const limits = await limitsFor(user_id)
    const hold = async (completion_tokens: number) => {
      const isFree = model.provider_id === 'offline'
      const usage: Usage = { prompt_tokens, completion_tokens, source: 'estimated' }
      const reservation = await ledger.reserve({
        user_id,
        feature,
        model: model.id,
        provider_id: model.provider_id,
        is_background: input.is_background ?? false,
        estimate: isFree
          ? { tokens: 0, cost_micros: 0 }
          : {
              tokens: prompt_tokens + completion_tokens,
              cost_micros: Math.max(...resolved.models.map(candidate => costOf(candidate, usage))),
            },
        limits,
        request_id: logContext.getStore()?.request_id,
      })
      const calls = reservation.room ?? Number.POSITIVE_INFINITY
      rooms.set(roomOf(input), { calls, tokens: prompt_tokens + completion_tokens })
      return reservation
    }
    try {
      return { reservation: await hold(answer) }
    } catch (error) {
      rooms.delete(roomOf(input))
      const left = tokensLeft(error) - prompt_tokens
      if (left < Math.min(shortestAnswer, answer)) throw error
      // The last tokens of a quota can be used too, by an answer that is cut to fit.
      return { reservation: await hold(left), max_tokens: left }
    }
  }

  return {
    hasPlenty(input) {
      const room = rooms.get(roomOf(input))
      if (!room) return false
      const tokens = input.prompt_tokens + longestAnswer(input)
      return room.calls >= plenty * Math.max(1, tokens / Math.max(1, room.tokens))
    },
    async begin(input) {
      const { model } = input.resolved
      const startedAt = clock.now()
      const { reservation, max_tokens } = await reserve(input).catch(error => {
        count.request(model, 'refused')
        throw error
      })
      let ending: Promise<Settled | null> | undefined
      const end = async (how: CallEnd): Promise<Settled | null> => {
        count.request(model, how.ended)
        try {
          if (how.served === null && how.usage === null) {
            await ledger.release(reservation)
            return null
          }
          const settled = settlementOf(input, how, clock.now() - startedAt, costOf)
          count.settled(model, settled)
          await ledger.settle(reservation, { ...settled, finish: how.finish ?? how.ended })
          return settled
        } catch (error) {
          log.error({ error, model: model.id }, 'a call could not be booked; its hold ends with the lease')
          return null
        }
      }
      return {
        resolved: input.resolved,
        max_tokens,
        end(how) {
          ending ??= end(how)
          return ending
        },
      }
    },
  }
}

const longestAnswer = ({ max_tokens = usualAnswer, resolved }: CallInput): number =>
  Math.min(max_tokens, resolved.model.max_output)

/** How a call ended that an error ended. */
export const endedBy = (error: unknown, signal: AbortSignal, hasBegun: boolean): CallEnd['ended'] => {
  if (signal.aborted || isAbort(error)) return 'aborted'
  return hasBegun ? 'cut' : 'failed'
}

function settlementOf(
  { resolved, prompt_tokens }: CallInput,
  { served, usage: counted, characters, ended }: CallEnd,
  latency_ms: number,
  costOf: (model: ModelInfo, usage: Usage) => number,
): Settled {
  const usage: Usage = counted ?? {
    prompt_tokens: resolved.model.provider_id === 'offline' ? 0 : prompt_tokens,
    completion_tokens: tokensOfCharacters(characters),
    source: ended === 'done' ? 'estimated' : 'partial',
  }
  const server =
    resolved.models.find(
      model => model.provider_id === served?.provider_id && model.upstream_model === served.upstream_model,
    ) ?? resolved.model
  return {
    model: server.id,
    provider_id: server.provider_id,
    usage,
    cost_micros: costOf(server, usage),
    first_token_ms: served?.first_token_ms ?? null,
    latency_ms,
  }
}

function tokensLeft(error: unknown): number {
  if (!(error instanceof AppError) || error.code !== 'quota.exceeded' || error.details.metric !== 'tokens')
    return -1
  return Number(error.details.remaining)
}

/** Labels are ids of the catalogue, which administrators fill: a bounded number. */
function createCounters(metrics: Metrics) {
  const requests = metrics.counter({
    name: 'ai_requests_total',
    help: 'Calls to models by outcome',
    labels: ['model', 'provider', 'outcome'],
  })
  const tokens = metrics.counter({
    name: 'ai_tokens_total',
    help: 'Tokens settled',
    labels: ['model', 'direction'],
  })
  const firstToken = metrics.histogram({
    name: 'ai_time_to_first_token_seconds',
    help: 'From the call to the first delta',
    labels: ['model'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120],
  })
  return {
    request(model: ModelInfo, outcome: CallEnd['ended'] | 'refused') {
      requests.inc({ model: model.id, provider: model.provider_id, outcome })
    },
    settled(model: ModelInfo, { usage, first_token_ms }: Settled) {
      tokens.inc({ model: model.id, direction: 'prompt' }, usage.prompt_tokens)
      tokens.inc({ model: model.id, direction: 'completion' }, usage.completion_tokens)
      if (first_token_ms !== null) firstToken.observe({ model: model.id }, first_token_ms / 1000)
    },
  }
}
