import { LRUCache } from 'lru-cache'
import type { Clock } from '#core/clock.ts'
import type { RedisLink } from '#core/redis.ts'
import { luaScript } from '#core/redis-scripts.ts'

/** A bucket that holds `capacity` tokens and fills from empty to full in `per_ms`. */
export type Bucket = { capacity: number; per_ms: number }

export type Taken = {
  allowed: boolean
  /** Whole tokens left. */
  remaining: number
  /** Milliseconds until the bucket is full again. */
  reset_ms: number
  /** Milliseconds until the next token; 0 when this one was allowed. */
  retry_after_ms: number
}

export type RateLimiter = {
  /** Takes one token from the bucket of `key`, if there is one. Never throws. */
  take(key: string, bucket: Bucket): Promise<Taken>
}

/*
 * GCRA: all that is kept of a bucket is the time at which it will be full again. A token costs `per_ms / capacity`;
 * it is there as long as the bucket would then be full within `per_ms` from now.
 */
const takeScript = luaScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = full + ARGV[1] / ARGV[2]
if after - now > ARGV[1] + 0.001 then return { 0, tostring(full - now) } end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.ceil(after - now))
return { 1, tostring(after - now) }`)

/** At most this many callers are remembered; the least recently seen starts with a full bucket again. */
const mostKeys = 100_000

/** Buckets in Redis, shared by all processes; without it, or while it is away, in this process's memory. */
export function createRateLimiter({
  redis,
  clock,
}: {
  redis?: RedisLink | undefined
  clock: Clock
}): RateLimiter {
  const fullAt = new LRUCache<string, number>({ max: mostKeys })

  function takeHere(key: string, bucket: Bucket): Taken {
    const now = clock.now()
    const full = Math.max(fullAt.get(key) ?? now, now)
    const after = full + bucket.per_ms / bucket.capacity
    // A thousandth of a millisecond forgives the rounding of the sums.
    const allowed = after - now <= bucket.per_ms + 0.001
    if (allowed) fullAt.set(key, after)
    return verdict(allowed, (allowed ? after : full) - now, bucket)
  }

  return {
    async take(key, bucket) {
      if (!redis?.available) return takeHere(key, bucket)
      try {
        const [allowed, untilFull] = (await redis.run(connection =>
          takeScript(connection, [`${redis.prefix}:rate:${key}`], [bucket.per_ms, bucket.capacity]),
        )) as [0 | 1, string]
        return verdict(allowed === 1, Number(untilFull), bucket)
      } catch {
        return takeHere(key, bucket)
      }
    },
  }
}

function verdict(allowed: boolean, untilFull: number, { capacity, per_ms }: Bucket): Taken {
  const cost = per_ms / capacity
  return {
    allowed,
    remaining: Math.max(0, Math.floor((per_ms - untilFull) / cost + 1e-6)),
    reset_ms: Math.ceil(untilFull),
    retry_after_ms: allowed ? 0 : Math.max(1, Math.ceil(untilFull + cost - per_ms)),
  }
}
