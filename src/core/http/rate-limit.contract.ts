import { beforeEach, describe, expect, test } from 'vitest'
import { newToken } from '#core/ids.ts'
import type { RateLimiter } from './rate-limit.ts'

/** What the limiter promises wherever its buckets stand. Uses whole hours, so that no test waits for a refill. */
export function rateLimitContract(name: string, open: () => RateLimiter) {
  describe(name, () => {
    let limiter: RateLimiter
    let key: string
    beforeEach(() => {
      limiter = open()
      key = newToken(8)
    })
    const hour = 3_600_000

    test('gives out the capacity, then refuses and says when to come back', async () => {
      for (const left of [4, 3, 2, 1, 0]) {
        const taken = await limiter.take(key, { capacity: 5, per_ms: hour })
        expect(taken).toMatchObject({ allowed: true, remaining: left, retry_after_ms: 0 })
      }
      const refused = await limiter.take(key, { capacity: 5, per_ms: hour })
      expect(refused).toMatchObject({ allowed: false, remaining: 0 })
      expect(refused.retry_after_ms).toBeGreaterThan(hour / 5 - 60_000)
      expect(refused.retry_after_ms).toBeLessThanOrEqual(hour / 5)
      expect(refused.reset_ms).toBeLessThanOrEqual(hour)
      expect(refused.reset_ms).toBeGreaterThan(hour - 60_000)
    })

    test('keys do not share a bucket', async () => {
      const bucket = { capacity: 1, per_ms: hour }
      expect((await limiter.take(key, bucket)).allowed).toBe(true)
      expect((await limiter.take(`${key}-other`, bucket)).allowed).toBe(true)
      expect((await limiter.take(key, bucket)).allowed).toBe(false)
    })

    test('many at once get exactly the capacity', async () => {
      const taken = await Promise.all(
        Array.from({ length: 300 }, () => limiter.take(key, { capacity: 100, per_ms: hour })),
      )
      expect(taken.filter(({ allowed }) => allowed)).toHaveLength(100)
    })
  })
}
