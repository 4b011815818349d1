import { afterAll, expect, test, vi } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { linkTo, redisIsThere, startRedisServer, testPrefix, testRedisUrl } from '#core/redis.testing.ts'
import type { RedisLink } from '#core/redis.ts'
import { rateLimitContract } from './rate-limit.contract.ts'
import { createRateLimiter } from './rate-limit.ts'

const links: RedisLink[] = []
afterAll(async () => {
  for (const link of links) await link.stop()
})

if (await redisIsThere()) {
  const prefix = testPrefix()
  links.push(await linkTo(testRedisUrl, prefix), await linkTo(testRedisUrl, prefix))
  const [one, other] = links.map(redis => createRateLimiter({ redis, clock: systemClock }))
  if (!one || !other) throw new Error('two limiters')
  rateLimitContract('rate limits in Redis', () => one)

  let turn = 0
  rateLimitContract('rate limits in two processes', () => ({
    take: (key, bucket) => (turn++ % 2 ? one : other).take(key, bucket),
  }))

  test('tokens flow back in by the clock of Redis', async () => {
    const bucket = { capacity: 2, per_ms: 200 }
    await one.take('flow', bucket)
    await one.take('flow', bucket)
    await vi.waitFor(async () => expect((await one.take('flow', bucket)).allowed).toBe(true), 20_000)
  })

  test('goes on in memory while Redis is away, and back', async () => {
    const server = await startRedisServer()
    const redis = await linkTo(server.url, testPrefix())
    links.push(redis)
    const limiter = createRateLimiter({ redis, clock: systemClock })
    const bucket = { capacity: 2, per_ms: 3_600_000 }
    const allowed = async () => (await limiter.take('k', bucket)).allowed
    expect([await allowed(), await allowed(), await allowed()]).toEqual([true, true, false])
    await server.kill()
    expect([await allowed(), await allowed(), await allowed()]).toEqual([true, true, false])
    await server.start()
    await vi.waitFor(() => expect(redis.available).toBe(true), 20_000)
    expect([await allowed(), await allowed(), await allowed()]).toEqual([true, true, false])
    await server.kill()
  })
}
