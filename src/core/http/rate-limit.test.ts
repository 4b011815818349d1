import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { rateLimitContract } from './rate-limit.contract.ts'
import { createRateLimiter } from './rate-limit.ts'

rateLimitContract('rate limits in memory', () => createRateLimiter({ clock: systemClock }))

test('in any stretch of time, no more than the capacity and what flowed in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 10, max: 10_000 }),
      fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 80 }),
      async (capacity, per_ms, pauses) => {
        let now = 1_700_000_000_000
        const limiter = createRateLimiter({ clock: { now: () => now } })
        const times: number[] = []
        for (const pause of pauses) {
          now += pause
          const taken = await limiter.take('k', { capacity, per_ms })
          expect(taken.remaining).toBeLessThan(capacity)
          if (taken.allowed) times.push(now)
          else {
            // What it says is true: a moment before it is refused again, then it is allowed.
            now += taken.retry_after_ms
            expect((await limiter.take('k', { capacity, per_ms })).allowed).toBe(true)
            times.push(now)
          }
        }
        for (const [i, from] of times.entries()) {
          for (let j = i; j < times.length; j++) {
            const stretch = (times[j] ?? 0) - from
            expect(j - i + 1).toBeLessThanOrEqual(capacity + (stretch * capacity) / per_ms + 0.01)
          }
        }
      },
    ),
  )
})

test('an empty bucket is full again after its time', async () => {
  let now = 0
  const limiter = createRateLimiter({ clock: { now: () => now } })
  const bucket = { capacity: 3, per_ms: 1000 }
  for (let i = 0; i < 3; i++) await limiter.take('k', bucket)
  const refused = await limiter.take('k', bucket)
  expect(refused).toEqual({ allowed: false, remaining: 0, reset_ms: 1000, retry_after_ms: 334 })
  now = 1000
  expect(await limiter.take('k', bucket)).toMatchObject({ allowed: true, remaining: 2 })
})
