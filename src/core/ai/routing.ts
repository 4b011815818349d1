import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#core/clock.ts'
import { AppError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import { upstreamFailed } from './errors.ts'
import type { ProviderKey, Target } from './types.ts'
import { asFailure, type FailureKind, toAppError, UpstreamFailure } from './upstream-failure.ts'

/** What `banyan doctor` and the health page show of one provider. */
export type ProviderState = {
  provider_id: string
  /** `open`: it failed several times in a row and is left alone until `opens_until`. */
  circuit: 'closed' | 'open'
  opens_until: string | null
  /** Ids of keys that rest after a refusal. */
  resting_keys: string[]
}

export type Routing = {
  /**
   * Runs `attempt` over the chain until one succeeds: groups by priority, weights inside a group, then the
   * provider's keys by weight. Everything in `attempt` must happen before the first delta reaches the caller.
   * Throws `ai.*` AppErrors; rethrows the signal's reason when it aborts.
   */
  run<T>(
    targets: readonly Target[],
    signal: AbortSignal,
    attempt: (target: Target, key: ProviderKey | null) => Promise<T>,
  ): Promise<T>
  /** A running answer broke after its first delta: counts against the provider's circuit. */
  broke(target: Target, kind: FailureKind): void
  states(): ProviderState[]
}

const failuresToOpen = 5
const openMs = 30_000
/** A refused key may have been corrected at the provider in the meantime, so it is not given up for long. */
const refusedKeyRestMs = 60_000
const limitedKeyRestMs = 20_000
const pauseBeforeSecondRoundMs = 200

const requestsOwnFault: ReadonlySet<FailureKind> = new Set(['context', 'refused', 'request', 'unsupported'])

type Circuit = { failures: number; openUntil: number; probing: boolean }
type Rest = { value: string; until: number; kind: 'key' | 'rate'; keyId: string; providerId: string }

/** Which target and key is tried next, and which are left alone for now. State lives in this process only. */
export function createRouting({
  clock,
  log,
  observe,
}: {
  clock: Clock
  log: Log
  observe: (target: Target, outcome: FailureKind | 'ok' | 'aborted') => void
}): Routing {
  const circuits = new Map<string, Circuit>()
  const rests = new Map<string, Rest>()

  const circuitOf = (id: string): Circuit => {
    let circuit = circuits.get(id)
    if (!circuit) {
      circuit = { failures: 0, openUntil: 0, probing: false }
      circuits.set(id, circuit)
    }
    return circuit
  }

  /** After the pause one request at a time may find out whether the provider is well again. */
  const mayTry = (circuit: Circuit): boolean => {
    if (circuit.openUntil === 0) return true
    if (clock.now() < circuit.openUntil || circuit.probing) return false
    circuit.probing = true
    return true
  }

  const countFailure = (target: Target, kind: FailureKind) => {
    const circuit = circuitOf(target.provider_id)
    circuit.failures++
    if (circuit.failures < failuresToOpen) return
    if (circuit.openUntil === 0)
      log.warn(
        { provider: target.provider_id, kind },
        'provider failed several times in a row and is left alone',
      )
    circuit.openUntil = clock.now() + openMs
  }

  const countSuccess = (target: Target) => {
    const circuit = circuitOf(target.provider_id)
    circuit.failures = 0
    circuit.openUntil = 0
  }

  const restId = (target: Target, key: ProviderKey | null) => `${target.provider_id}\n${key?.id ?? ''}`

  const restOf = (target: Target, key: ProviderKey | null): Rest | null => {
    const rest = rests.get(restId(target, key))
    if (!rest) return null
    if (clock.now() < rest.until && rest.value === (key?.value ?? '')) return rest
    rests.delete(restId(target, key))
    return null
  }

  const restKey = (target: Target, key: ProviderKey | null, failure: UpstreamFailure) => {
    const kind = failure.kind === 'key' ? 'key' : 'rate'
    const fallback = kind === 'key' ? refusedKeyRestMs : limitedKeyRestMs
    const ms = failure.retryAfter === undefined ? fallback : failure.retryAfter * 1000
    rests.set(restId(target, key), {
      value: key?.value ?? '',
      until: clock.now() + ms,
      kind,
      keyId: key?.id ?? '',
      providerId: target.provider_id,
    })
    log.warn({ provider: target.provider_id, key_id: key?.id, kind, rest_ms: ms }, 'provider refused a key')
  }

  const restedFailure = (target: Target, resting: readonly Rest[]): UpstreamFailure => {
    const soonest = resting.reduce((a, b) => (b.until < a.until ? b : a))
    const retryAfter = Math.max(1, Math.ceil((soonest.until - clock.now()) / 1000))
    return new UpstreamFailure(soonest.kind, `every key of ${target.provider_id} rests`, { retryAfter })
  }

  /** Tries one target with each of its usable keys. Returns the failure when none served. */
  async function tryTarget<T>(
    target: Target,
    signal: AbortSignal,
    attempt: (target: Target, key: ProviderKey | null) => Promise<T>,
  ): Promise<{ value: T } | { failure: UpstreamFailure }> {
    const keys: (ProviderKey | null)[] = target.keys.length === 0 ? [null] : weighted(target.keys)
    const resting: Rest[] = []
    let failure: UpstreamFailure | null = null
    for (const key of keys) {
      const rest = restOf(target, key)
      if (rest) {
        resting.push(rest)
        continue
      }
      try {
        const value = await attempt(target, key)
        observe(target, 'ok')
        countSuccess(target)
        return { value }
      } catch (error) {
        if (signal.aborted) {
          observe(target, 'aborted')
          throw signal.reason
        }
        if (error instanceof AppError) throw error
        failure = asFailure(error)
        observe(target, failure.kind)
        if (failure.kind !== 'key' && failure.kind !== 'rate') {
          const counts = !requestsOwnFault.has(failure.kind) && failure.kind !== 'model'
          if (counts) countFailure(target, failure.kind)
          else countSuccess(target)
          return { failure }
        }
        restKey(target, key, failure)
      }
    }
    return { failure: failure ?? restedFailure(target, resting) }
  }

  return {
    async run(targets, signal, attempt) {
      let last: { failure: UpstreamFailure; target: Target } | null = null
      for (let round = 0; round < 2; round++) {
        if (round > 0) await delay(pauseBeforeSecondRoundMs * (0.5 + Math.random()), undefined, { signal })
        let worthAnotherRound = false
        for (const target of inOrder(targets)) {
          signal.throwIfAborted()
          const circuit = circuitOf(target.provider_id)
          if (!mayTry(circuit)) {
            last ??= { failure: leftAlone(circuit, clock), target }
            continue
          }
          try {
            const result = await tryTarget(target, signal, attempt)
            if ('value' in result) return result.value
            last = { failure: result.failure, target }
            if (requestsOwnFault.has(result.failure.kind)) throw toAppError(result.failure, target)
            worthAnotherRound ||= result.failure.kind === 'server' || result.failure.kind === 'network'
          } finally {
            circuit.probing = false
          }
        }
        if (!worthAnotherRound) break
      }
      if (!last) throw upstreamFailed({ provider: '' })
      throw toAppError(last.failure, last.target)
    },
    broke: countFailure,
    states() {
      const now = clock.now()
      return [...circuits].map(([provider_id, { openUntil }]) => ({
        provider_id,
        circuit: openUntil > now ? 'open' : 'closed',
        opens_until: openUntil > now ? new Date(openUntil).toISOString() : null,
        resting_keys: [...rests.values()]
          .filter(rest => rest.providerId === provider_id && rest.until > now)
          .map(rest => rest.keyId),
      }))
    },
  }
}

function leftAlone(circuit: Circuit, clock: Clock): UpstreamFailure {
  const retryAfter = Math.max(1, Math.ceil((circuit.openUntil - clock.now()) / 1000))
  return new UpstreamFailure('server', 'left alone after failures', { retryAfter })
}

/** Groups by priority, lowest first; inside a group each order comes up in proportion to the weights. */
function inOrder(targets: readonly Target[]): Target[] {
  if (targets.length < 2) return [...targets]
  const groups = new Map<number, Target[]>()
  for (const target of targets) {
    const priority = target.priority ?? 0
    const group = groups.get(priority)
    if (group) group.push(target)
    else groups.set(priority, [target])
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).flatMap(([, group]) => weighted(group))
}

/**
 * A random order in which an item of weight w stands first with the chance w / sum: sorting by u^(1/w)
 * (Efraimidis and Spirakis, 2006). Weight 0 comes last.
 */
function weighted<T extends { weight: number }>(items: readonly T[]): T[] {
  if (items.length < 2) return [...items]
  return items
    .map(item => ({ item, rank: item.weight > 0 ? Math.random() ** (1 / item.weight) : -Math.random() }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ item }) => item)
}
