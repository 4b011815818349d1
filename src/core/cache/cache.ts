import type { Clock } from '#core/clock.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { createMemoryTier } from './memory.ts'
import { createSharedTier, type Invalidation } from './redis.ts'

/** How long entries live. All policies stand in `policies.ts`. */
export type CachePolicy = {
  name: string
  ttl_ms: number
  /** How long `null` ("there is none") is kept; not at all when left out. */
  negative_ttl_ms?: number
}

export type Cache = {
  /**
   * The cached value, or the loader's result; one loader runs per key in the whole cluster. Values pass through JSON,
   * so each caller has a copy of its own and a Date becomes text; `undefined` counts as `null`.
   * `tags` must be the same for every call with the key. The loader has 30 seconds, then its signal aborts.
   * @throws what the loader throws; that is not cached.
   */
  get<T>(
    policy: CachePolicy,
    key: string,
    load: (signal: AbortSignal) => Promise<T>,
    options?: { tags?: readonly string[] },
  ): Promise<T>
  /** Like `invalidate`, for one key. */
  delete(policy: CachePolicy, key: string): Promise<void>
  /**
   * Drops every entry that carries one of the tags, on all processes, those being loaded included. Call it after
   * the transaction has committed, or a loader may read the old rows again.
   */
  invalidate(...tags: string[]): Promise<void>
  /** Milliseconds of one round trip to Redis, as measured now. Null: it does not answer, or there is none. */
  latency(): Promise<number | null>
  stop(): Promise<void>
}

export type CacheOptions = {
  /** Shared tier; without it each process has its own cache. */
  redis?: RedisLink | undefined
  /** Bytes of the memory tier; default 64 MB. */
  max_bytes?: number
  log: Log
  clock: Clock
  metrics?: Metrics | undefined
}

type Flight = {
  tags: readonly string[]
  json: Promise<string> /** Dropped meanwhile: not kept. */
  isStale: boolean
}

const loaderTime = 30_000
/** Without Redis nobody tells of other processes' invalidations: what is kept then is at most this old. */
const outageTtl = 5000

/** Memory in front of Redis in front of the loader. Redis down means slower, never an error. */
export function createCache(options: CacheOptions): Cache {
  const { redis, clock, metrics } = options
  const log = options.log.child('cache')
  const memory = createMemoryTier({ max_bytes: options.max_bytes ?? 64 * 1024 * 1024, clock })
  const flights = new Map<string, Flight>()
  const stopping = new AbortController()
  const requests = metrics?.counter({
    name: 'cache_requests_total',
    help: 'Cache reads by where the value came from',
    labels: ['policy', 'result'],
  })
  metrics?.gauge({
    name: 'cache_memory_bytes',
    help: 'Size of the memory tier',
    collect: gauge => gauge.set(memory.bytes),
  })

  /** Callers that come from now on start anew; those who came before get what they asked for. */
  function ground(key: string, flight: Flight) {
    flight.isStale = true
    flights.delete(key)
  }

  function dropLocally({ tags, keys }: Invalidation) {
    memory.invalidate(tags)
    for (const key of keys) {
      memory.delete(key)
      const flight = flights.get(key)
      if (flight) ground(key, flight)
    }
    if (tags.length === 0) return
    for (const [key, flight] of flights) if (flight.tags.some(tag => tags.includes(tag))) ground(key, flight)
  }

  const shared = redis
    ? createSharedTier({
        redis,
        log,
        onInvalidation: dropLocally,
        onDoubt() {
          memory.clear()
          for (const [key, flight] of flights) ground(key, flight)
        },
      })
    : null

  async function drop(invalidation: Invalidation) {
    dropLocally(invalidation)
    if (!shared) return
    await shared.invalidate(invalidation)
    // A read between the two steps may have brought back what Redis still held.
    dropLocally(invalidation)
  }

  function keep(key: string, flight: Flight, json: string, ttl_ms: number) {
    if (flight.isStale || ttl_ms <= 0) return
    const longest = shared && !shared.available ? outageTtl : ttl_ms
    memory.set(key, json, flight.tags, Math.min(ttl_ms, longest))
  }

  async function fill(
    policy: CachePolicy,
    key: string,
    flight: Flight,
    load: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<string> {
    const claim = shared ? await shared.claim(key, flight.tags, stopping.signal) : null
    if (claim?.kind === 'hit') {
      requests?.inc({ policy: policy.name, result: 'redis' })
      keep(key, flight, claim.json, claim.ttl_ms)
      return claim.json
    }
    requests?.inc({ policy: policy.name, result: 'loaded' })
    let json: string
    try {
      json = JSON.stringify((await withinTime(load, stopping.signal)) ?? null)
    } catch (error) {
      await claim?.lease?.release()
      throw error
    }
    const ttl = json === 'null' ? (policy.negative_ttl_ms ?? 0) : policy.ttl_ms
    keep(key, flight, json, ttl)
    if (ttl > 0) await claim?.lease?.store(json, ttl)
    else await claim?.lease?.release()
    return json
  }

  return {
    async get<T>(
      policy: CachePolicy,
      name: string,
      load: (signal: AbortSignal) => Promise<T>,
      { tags = [] }: { tags?: readonly string[] } = {},
    ) {
      const key = `${policy.name}:${name}`
      const held = memory.get(key)
      if (held !== undefined) {
        requests?.inc({ policy: policy.name, result: 'memory' })
        return JSON.parse(held) as T
      }
      const running = flights.get(key)
      if (running) return JSON.parse(await running.json) as T
      const flight: Flight = { tags: [...tags].sort(), json: Promise.resolve(''), isStale: false }
      flights.set(key, flight)
      flight.json = fill(policy, key, flight, load).finally(() => {
        if (flights.get(key) === flight) flights.delete(key)
      })
      return JSON.parse(await flight.json) as T
    },
    delete: (policy, key) => drop({ tags: [], keys: [`${policy.name}:${key}`] }),
    invalidate: (...tags) => drop({ tags, keys: [] }),
    latency: async () => (redis?.available ? redis.latency().catch(() => null) : null),
    async stop() {
      stopping.abort()
    },
  }
}

/** Runs a loader with a time limit that holds even for one that ignores its signal. */
async function withinTime<T>(load: (signal: AbortSignal) => Promise<T>, stopping: AbortSignal): Promise<T> {
  const controller = new AbortController()
  const abort = (reason: unknown) => controller.abort(reason)
  const timer = setTimeout(
    abort,
    loaderTime,
    new DOMException('A cache loader took too long', 'TimeoutError'),
  )
  const onStop = () => abort(stopping.reason)
  stopping.addEventListener('abort', onStop, { once: true })
  try {
    return await new Promise<T>((resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true })
      load(controller.signal).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    stopping.removeEventListener('abort', onStop)
  }
}
