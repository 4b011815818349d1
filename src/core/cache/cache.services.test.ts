import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { silentLog } from '#core/log.ts'
import {
  linkTo,
  type RedisServer,
  redisIsThere,
  startRedisServer,
  testPrefix,
  testRedisUrl,
} from '#core/redis.testing.ts'
import { connectRedis } from '#core/redis.ts'
import { cacheContract } from './cache.contract.ts'
import { type Cache, type CachePolicy, createCache } from './cache.ts'

const isThere = await redisIsThere()
/** How long to wait for what must come by itself, on a machine that may be busy. */
const within = 20_000
const policy: CachePolicy = { name: 'services', ttl_ms: 60_000, negative_ttl_ms: 60_000 }

async function open(url: string, prefix: string) {
  const redis = await linkTo(url, prefix)
  const cache = createCache({ redis, log: silentLog, clock: systemClock })
  // The link is up, the cache still introduces itself.
  await vi.waitFor(async () => {
    await cache.get(policy, 'warm', async () => 1)
    const keys = await redis.run(connection => connection.keys(`${prefix}:cache:*:entry:services:warm`))
    if (keys.length === 0) await cache.delete(policy, 'warm')
    expect(keys).toHaveLength(1)
  }, within)
  return {
    cache,
    redis,
    async close() {
      await cache.stop()
      await redis.stop()
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>

if (isThere) {
  cacheContract('redis cache, one process', async () => {
    const one = await open(testRedisUrl, testPrefix())
    return { a: one.cache, b: one.cache, close: one.close }
  })
  cacheContract('redis cache, two processes', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([open(testRedisUrl, prefix), open(testRedisUrl, prefix)])
    return {
      a: a.cache,
      b: b.cache,
      async close() {
        await Promise.all([a.close(), b.close()])
      },
    }
  })

  test('one loader runs per key in three real processes', async () => {
    const prefix = testPrefix()
    const script = `
      const { connectRedis } = await import('#core/redis.ts')
      const { createCache } = await import('#core/cache/cache.ts')
      const { silentLog } = await import('#core/log.ts')
      const redis = connectRedis(${JSON.stringify(testRedisUrl)}, silentLog, ${JSON.stringify(prefix)})
      const cache = createCache({ redis, log: silentLog, clock: Date })
      await redis.ready(20_000)
      // All begin together: the last to arrive opens the door.
      await redis.run(r => r.incr(${JSON.stringify(`${prefix}:arrived`)}))
      while (Number(await redis.run(r => r.get(${JSON.stringify(`${prefix}:arrived`)}))) < 3) await new Promise(setImmediate)
      const policy = { name: 'p', ttl_ms: 60_000 }
      const values = await Promise.all(Array.from({ length: 200 }, (_, i) =>
        cache.get(policy, String(i % 20), async () => {
          const n = await redis.run(r => r.incr(${JSON.stringify(`${prefix}:loads`)}))
          await new Promise(resolve => setTimeout(resolve, 20))
          return { key: i % 20, n }
        })))
      process.stdout.write(JSON.stringify(values.slice(0, 20).map(v => v.n)))
      await cache.stop()
      await redis.stop()`
    const outputs = await Promise.all(Array.from({ length: 3 }, () => run(script)))
    expect(new Set(outputs).size).toBe(1)
    expect(JSON.parse(outputs[0] ?? '').sort((x: number, y: number) => x - y)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
  })
}

async function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', chunk => (output += chunk))
  child.stderr.on('data', chunk => (errors += chunk))
  // Not `exit`, which may come before the last of the output.
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(errors)
  return output
}

const redisAway = () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.kill())

  const read = (cache: Cache, key: string, value: unknown) =>
    cache.get(policy, key, async () => value, { tags: [`tag-${key}`] })

  test('a server that was never there is no error', async () => {
    const redis = connectRedis('redis://127.0.0.1:1', silentLog)
    const cache = createCache({ redis, log: silentLog, clock: systemClock })
    expect(await redis.ready(50)).toBe(false)
    expect(await read(cache, 'k', 1)).toBe(1)
    expect(await read(cache, 'k', 2)).toBe(1)
    await cache.invalidate('tag-k')
    expect(await read(cache, 'k', 3)).toBe(3)
    await cache.stop()
    await redis.stop()
  })

  test('killed and back: no error, no stale value, shared again', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([open(server.url, prefix), open(server.url, prefix)])
    expect([await read(a.cache, 'k', 1), await read(b.cache, 'k', 0)]).toEqual([1, 1])
    await server.kill()
    await vi.waitFor(() => expect([a.redis.available, b.redis.available]).toEqual([false, false]), within)
    expect(await read(a.cache, 'k', 2)).toBe(2)
    expect(await read(b.cache, 'k', 2)).toBe(2)
    // b cannot hear of this until the server is back; then what it holds must go.
    await a.cache.invalidate('tag-k')
    expect(await read(a.cache, 'k', 3)).toBe(3)
    await server.start()
    await vi.waitFor(() => expect([a.redis.available, b.redis.available]).toEqual([true, true]), within)
    await vi.waitFor(async () => expect(await read(b.cache, 'k', 4)).toBe(4), within)
    await vi.waitFor(async () => expect(await read(a.cache, 'k', 5)).toBe(4), within)
    await a.cache.invalidate('tag-k')
    await vi.waitFor(async () => expect(await read(b.cache, 'k', 6)).toBe(6), within)
    await Promise.all([a.close(), b.close()])
  }, 60_000)

  test('frozen: one slow call, then none; what was invalidated meanwhile is told afterwards', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([open(server.url, prefix), open(server.url, prefix)])
    expect(await read(a.cache, 'f', 1)).toBe(1)
    server.freeze()
    try {
      expect(await read(a.cache, 'other', 7)).toBe(7)
      expect(a.redis.available).toBe(false)
      await a.cache.invalidate('tag-f')
      expect(await read(a.cache, 'f', 2)).toBe(2)
    } finally {
      server.thaw()
    }
    // Redis itself still holds the entry from before; the same server, so the same run id.
    await vi.waitFor(() => expect(a.redis.available).toBe(true), within)
    await vi.waitFor(async () => expect(await read(b.cache, 'f', 3)).toBe(3), within)
    await vi.waitFor(async () => expect(await read(a.cache, 'f', 4)).toBe(3), within)
    await Promise.all([a.close(), b.close()])
  }, 60_000)

  test('a loader whose process died gives way when its lease lapses', async () => {
    const prefix = testPrefix()
    const dead = await linkTo(server.url, prefix)
    const one = await open(server.url, prefix)
    await dead.run(redis =>
      redis.set(`${prefix}:cache:${dead.runId}:lock:services:k`, 'of a dead process', 'PX', 300),
    )
    expect(await read(one.cache, 'k', 'mine')).toBe('mine')
    await one.close()
    await dead.stop()
  })

  const cutSubscriptions = async ([a]: [Opened, Opened]) => {
    for (let i = 0; i < 20; i++) {
      await a.redis.run(redis => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      await new Promise(setImmediate)
    }
  }
  const restart = async () => {
    await server.kill()
    await server.start()
  }
  test.each([
    ['restarts', restart],
    ['loses subscriptions', cutSubscriptions],
  ])(
    'a server that %s in the middle of everything never shows and never leaves an old value',
    async (_, harm) => {
      const prefix = testPrefix()
      const [a, b] = await Promise.all([open(server.url, prefix), open(server.url, prefix)])
      const rows = new Map<string, number>()
      let isOver = false
      const load = (key: string) => async () => {
        const value = rows.get(key) ?? 0
        await new Promise(setImmediate)
        return value
      }
      const get = (cache: Cache, key: string) => cache.get(policy, key, load(key), { tags: [key] })
      const readers = [a, b].map(async ({ cache }) => {
        while (!isOver) {
          await Promise.all(['x', 'y', 'z'].map(key => get(cache, key)))
          await new Promise(setImmediate)
        }
      })
      const writer = (async () => {
        for (let n = 1; !isOver; n++) {
          const key = ['x', 'y', 'z'][n % 3] ?? 'x'
          rows.set(key, n)
          await a.cache.invalidate(key)
          expect(await get(a.cache, key)).toBe(n)
          await new Promise(setImmediate)
        }
      })()
      for (let round = 0; round < 3; round++) {
        await harm([a, b])
        await vi.waitFor(() => expect(a.redis.isUp && b.redis.isUp).toBe(true), within)
      }
      isOver = true
      await Promise.all([...readers, writer])
      await vi.waitFor(async () => {
        for (const [key, value] of rows) expect(await get(b.cache, key)).toBe(value)
      }, within)
      await Promise.all([a.close(), b.close()])
    },
    90_000,
  )
}

if (isThere) describe('redis away', redisAway)
