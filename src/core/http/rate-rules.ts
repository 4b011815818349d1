import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Settings } from '#core/config.ts'
import { rateLimited } from '#core/errors.ts'
import type { coreSettings } from '#core/settings.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { RateClass } from './route.ts'

export type RateRules = {
  /** Draws one request from the caller's bucket and sets the `RateLimit` headers. Throws `rate.limited`. */
  take(rateClass: RateClass, request: FastifyRequest, reply: FastifyReply): Promise<void>
}

const minute = 60_000

/** Buckets per user where one is signed in, else per address; sign-in itself always per address. */
export function createRateRules(limiter: RateLimiter, settings: Settings<typeof coreSettings>): RateRules {
  const perMinute = (rateClass: Exclude<RateClass, 'none'>): number => {
    if (rateClass === 'read') return settings.RATE_LIMIT_READ_PER_MINUTE
    if (rateClass === 'write') return settings.RATE_LIMIT_WRITE_PER_MINUTE
    if (rateClass === 'auth') return settings.RATE_LIMIT_AUTH_PER_MINUTE
    return settings.RATE_LIMIT_AI_PER_MINUTE
  }
  return {
    async take(rateClass, request, reply) {
      if (rateClass === 'none') return
      const capacity = perMinute(rateClass)
      if (capacity === 0) return
      const caller = rateClass === 'auth' || !request.actor ? request.ip : request.actor.user_id
      const taken = await limiter.take(`${rateClass}:${caller}`, { capacity, per_ms: minute })
      reply.header('ratelimit-policy', `"${rateClass}";q=${capacity};w=60`)
      reply.header('ratelimit', `"${rateClass}";r=${taken.remaining};t=${Math.ceil(taken.reset_ms / 1000)}`)
      if (taken.allowed) return
      const seconds = Math.max(1, Math.ceil(taken.retry_after_ms / 1000))
      throw rateLimited({ seconds }, { retryAfter: seconds })
    },
  }
}
