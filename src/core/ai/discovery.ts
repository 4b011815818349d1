import type { Clock } from '#core/clock.ts'
import type { Log } from '#core/log.ts'
import type { Gateway } from './gateway.ts'
import type { Target } from './types.ts'

/** What the servers themselves say they have: Ollama, vLLM and whatever has no list of models in the presets. */
export type Discovery = {
  /**
   * Waits until each server has answered once, or 1.5 seconds; later calls answer from memory and ask again in the
   * background every minute. A server that does not answer has no models.
   */
  ensure(targets: readonly Target[]): Promise<void>
  modelsOf(target: Target): readonly string[]
  /** Grows with every change. */
  version(): number
}

const everyMs = 60_000
/** The first caller waits, so a server that is not there must not take long to be noticed. */
const firstAnswerMs = 1500
const mostModels = 500

type Entry = {
  models: readonly string[]
  askedAt: number
  pending: Promise<void> | null
  /** Whether it was heard of, or given up on, at least once. */
  isKnown: boolean
}

export function createDiscovery({
  gateway,
  clock,
  log,
}: {
  gateway: Pick<Gateway, 'listModels'>
  clock: Clock
  log: Log
}): Discovery {
  const entries = new Map<string, Entry>()
  let version = 0
  const keyOf = (target: Target) =>
    `${target.provider_id}\n${target.base_url}\n${target.keys[0]?.value ?? ''}`

  async function ask(target: Target, entry: Entry) {
    entry.askedAt = clock.now()
    let models: readonly string[] = []
    try {
      models = (await gateway.listModels(target, AbortSignal.timeout(firstAnswerMs))).slice(0, mostModels)
    } catch (error) {
      log.debug({ error, provider: target.provider_id }, 'a provider does not list its models')
    }
    if (JSON.stringify(models) !== JSON.stringify(entry.models)) version++
    entry.models = models
    entry.pending = null
    entry.isKnown = true
  }

  return {
    async ensure(targets) {
      const first: Promise<void>[] = []
      for (const target of targets) {
        const known = entries.get(keyOf(target))
        const entry = known ?? { models: [], askedAt: 0, pending: null, isKnown: false }
        if (!known) entries.set(keyOf(target), entry)
        if (!entry.pending && (!known || clock.now() - entry.askedAt > everyMs))
          entry.pending = ask(target, entry)
        if (!entry.isKnown && entry.pending) first.push(entry.pending)
      }
      await Promise.all(first)
    },
    modelsOf: target => entries.get(keyOf(target))?.models ?? [],
    version: () => version,
  }
}
