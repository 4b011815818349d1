import type { Clock } from '#core/clock.ts'
import type { Log } from '#core/log.ts'
import type { Gateway } from './gateway.ts'
import type { Target } from './types.ts'

/** What the servers themselves say they have: Ollama, vLLM and whatever has no list of models in the presets. */
export type Discovery = {
  /**
   * Waits until each server has answered once, or 1.5 seconds; what is answered later is taken as well. Later calls
   * answer from memory and ask again in the background every minute. A server that does not answer has no models.
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
  isAsked: boolean
  /** Settles with the first answer, or when nobody waits for it any longer. */
  first: Promise<void>
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
    entry.isAsked = true
    let models: readonly string[] = []
    try {
      // Which gives up by itself.
      models = (await gateway.listModels(target, new AbortController().signal)).slice(0, mostModels)
    } catch (error) {
      log.debug({ error, provider: target.provider_id }, 'a provider does not list its models')
    }
    if (JSON.stringify(models) !== JSON.stringify(entry.models)) version++
    entry.models = models
    entry.isAsked = false
  }

  function enter(target: Target): Entry {
    const { promise: first, resolve } = Promise.withResolvers<void>()
    const entry: Entry = { models: [], askedAt: 0, isAsked: false, first }
    entries.set(keyOf(target), entry)
    const timer = setTimeout(resolve, firstAnswerMs)
    void ask(target, entry).finally(() => {
      clearTimeout(timer)
      resolve()
    })
    return entry
  }

  return {
    async ensure(targets) {
      const first = targets.map(target => {
        const known = entries.get(keyOf(target))
        if (!known) return enter(target).first
        if (!known.isAsked && clock.now() - known.askedAt > everyMs) void ask(target, known)
        return known.first
      })
      await Promise.all(first)
    },
    modelsOf: target => entries.get(keyOf(target))?.models ?? [],
    version: () => version,
  }
}
