import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { cacheContract } from './cache.contract.ts'
import { createCache } from './cache.ts'
import { createMemoryTier } from './memory.ts'
import { policies } from './policies.ts'

cacheContract('memory cache', async () => {
  const cache = createCache({ log: silentLog, clock: systemClock })
  return { a: cache, b: cache, close: () => cache.stop() }
})

test('the policies have names of their own', () => {
  const names = Object.values(policies).map(policy => policy.name)
  expect(new Set(names).size).toBe(names.length)
})

test('time moves by the clock that was given', async () => {
  let now = 0
  const cache = createCache({ log: silentLog, clock: { now: () => now } })
  const load = vi.fn(async () => 'x')
  await cache.get(policies.l1, 'k', load)
  now = policies.l1.ttl_ms - 1
  await cache.get(policies.l1, 'k', load)
  expect(load).toHaveBeenCalledTimes(1)
  now = policies.l1.ttl_ms
  await cache.get(policies.l1, 'k', load)
  expect(load).toHaveBeenCalledTimes(2)
})

test('a loader learns that the cache stops, and its callers do not wait for it', async () => {
  const cache = createCache({ log: silentLog, clock: systemClock })
  const seen = Promise.withResolvers<void>()
  const reading = cache.get(policies.l1, 'k', signal => {
    signal.addEventListener('abort', () => seen.resolve())
    return new Promise(() => undefined)
  })
  const failed = expect(reading).rejects.toThrow()
  await cache.stop()
  await Promise.all([seen.promise, failed])
})

test('a loader has a time limit', async () => {
  vi.useFakeTimers()
  try {
    const cache = createCache({ log: silentLog, clock: systemClock })
    const reading = cache.get(policies.l1, 'k', () => new Promise(() => undefined))
    const failed = expect(reading).rejects.toThrow('took too long')
    await vi.advanceTimersByTimeAsync(30_000)
    await failed
    expect(await cache.get(policies.l1, 'k', async () => 'second')).toBe('second')
  } finally {
    vi.useRealTimers()
  }
})

test('the memory tier stays within its bytes and its tag index forgets with it', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          key: fc.integer({ min: 0, max: 30 }),
          size: fc.integer({ min: 0, max: 3000 }),
          tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
          drop: fc.option(fc.constantFrom('a', 'b', 'c')),
        }),
      ),
      steps => {
        const memory = createMemoryTier({ max_bytes: 40_000, clock: systemClock })
        const model = new Map<string, readonly string[]>()
        for (const { key, size, tags, drop } of steps) {
          memory.set(`k${key}`, 'x'.repeat(size), tags, 1000)
          model.set(`k${key}`, tags)
          expect(memory.bytes).toBeLessThanOrEqual(40_000)
          if (!drop) continue
          memory.invalidate([drop])
          for (const [name, held] of model) if (held.includes(drop)) expect(memory.get(name)).toBeUndefined()
        }
        memory.invalidate(['a', 'b', 'c'])
        for (const [name, held] of model) if (held.length > 0) expect(memory.get(name)).toBeUndefined()
        memory.clear()
        expect(memory.bytes).toBe(0)
      },
    ),
  )
})

test('a value too large for the memory tier is loaded each time, and replaces an older one', async () => {
  const cache = createCache({ log: silentLog, clock: systemClock, max_bytes: 10_000 })
  let size = 10
  const load = vi.fn(async () => 'x'.repeat(size))
  await cache.get(policies.l1, 'k', load)
  await cache.delete(policies.l1, 'k')
  size = 20_000
  await cache.get(policies.l1, 'k', load)
  expect((await cache.get(policies.l1, 'k', load)).length).toBe(20_000)
  expect(load).toHaveBeenCalledTimes(3)
})

test('reads are counted by policy and result', async () => {
  const metrics = createMetrics()
  const cache = createCache({ log: silentLog, clock: systemClock, metrics })
  for (let i = 0; i < 3; i++) await cache.get(policies.session, 'k', async () => 1)
  const text = await metrics.registry.metrics()
  expect(text).toContain('cache_requests_total{policy="session",result="loaded"} 1')
  expect(text).toContain('cache_requests_total{policy="session",result="memory"} 2')
})
