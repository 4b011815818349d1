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
import { realtimeContract } from './realtime.contract.ts'
import { actorOf } from './realtime.testing.ts'
import { createRealtime } from './realtime.ts'
import { createRedisBackend } from './redis-backend.ts'
import { createTickets } from './tickets.ts'

const within = 20_000
const isThere = await redisIsThere()

async function openHub(url: string, prefix: string) {
  const redis = await linkTo(url, prefix)
  const backend = createRedisBackend({ redis, clock: systemClock, log: silentLog })
  const hub = createRealtime({ backend, log: silentLog, clock: systemClock })
  return {
    hub,
    redis,
    async close() {
      await hub.stop()
      await redis.stop()
    },
  }
}

if (isThere) {
  realtimeContract('realtime over Redis, one process', async () => {
    const { hub, close } = await openHub(testRedisUrl, testPrefix())
    return { a: hub, b: hub, close }
  })
  realtimeContract('realtime over Redis, two processes', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([openHub(testRedisUrl, prefix), openHub(testRedisUrl, prefix)])
    return {
      a: a.hub,
      b: b.hub,
      async close() {
        await Promise.all([a.close(), b.close()])
      },
    }
  })

  test('a ticket issued by one process is good once on another', async () => {
    const prefix = testPrefix()
    const [one, other] = await Promise.all([linkTo(testRedisUrl, prefix), linkTo(testRedisUrl, prefix)])
    const [issuer, taker] = [one, other].map(redis => createTickets({ redis, clock: systemClock }))
    const { ticket } = (await issuer?.issue(actorOf('me'))) ?? { ticket: '' }
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? issuer : taker)?.take(ticket)),
    )
    expect(taken.filter(Boolean)).toEqual([actorOf('me')])
    await Promise.all([one.stop(), other.stop()])
  })
}

const redisAway = () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.kill())

  test('killed and back: a new epoch, subscribers are told, and both sides hear each other again', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([openHub(server.url, prefix), openHub(server.url, prefix)])
    const lost = { a: 0, b: 0 }
    const heard = { a: [] as unknown[], b: [] as unknown[] }
    const before = await a.hub.subscribe('c', { onLost: () => lost.a++ }, ({ data }) => heard.a.push(data))
    await b.hub.subscribe('c', { onLost: () => lost.b++ }, ({ data }) => heard.b.push(data))
    await a.hub.publish('c', { n: 1 })
    await vi.waitFor(() => expect(heard).toEqual({ a: [{ n: 1 }], b: [{ n: 1 }] }), within)

    await server.kill()
    await vi.waitFor(() => expect(a.redis.available || b.redis.available).toBe(false), within)
    // Alone, a process still serves its own subscribers, after telling them that something may be missing.
    await a.hub.publish('c', { n: 2 })
    await vi.waitFor(() => expect(lost.a).toBe(1), within)
    await a.hub.publish('c', { n: 3 })
    await vi.waitFor(() => expect(heard.a.at(-1)).toEqual({ n: 3 }), within)

    await server.start()
    await vi.waitFor(() => expect(a.redis.available && b.redis.available).toBe(true), within)
    await vi.waitFor(() => {
      expect(lost.a).toBeGreaterThanOrEqual(2)
      expect(lost.b).toBeGreaterThanOrEqual(1)
    }, within)
    await vi.waitFor(async () => {
      await b.hub.publish('c', { n: 4 })
      expect([heard.a.at(-1), heard.b.at(-1)]).toEqual([{ n: 4 }, { n: 4 }])
    }, within)
    const after = await a.hub.subscribe('c', { from: before.position }, () => undefined)
    expect(after.recovered).toBe(false)
    await Promise.all([a.close(), b.close()])
  }, 60_000)

  test('a line that was cut for a moment is made good without a gap', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([openHub(server.url, prefix), openHub(server.url, prefix)])
    const onLost = vi.fn()
    const heard: number[] = []
    await b.hub.subscribe('d', { onLost }, ({ data }) => heard.push((data as { n: number }).n))
    for (let n = 1; n <= 200; n++) {
      await a.hub.publish('d', { n })
      // The subscriptions are cut, publishing goes on: what is missed meanwhile comes from the ring.
      if (n % 50 === 0) await a.redis.run(redis => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
    }
    await vi.waitFor(() => expect(heard).toHaveLength(200), within)
    expect(heard).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect(onLost).not.toHaveBeenCalled()
    await Promise.all([a.close(), b.close()])
  }, 60_000)

  test('what a process published alone is not missed in silence by the others', async () => {
    const prefix = testPrefix()
    const [a, b] = await Promise.all([openHub(server.url, prefix), openHub(server.url, prefix)])
    const onLost = vi.fn()
    const heard: unknown[] = []
    await b.hub.subscribe('e', { onLost }, ({ data }) => heard.push(data))
    await a.hub.publish('e', { n: 1 })
    await vi.waitFor(() => expect(heard).toEqual([{ n: 1 }]), within)
    server.freeze()
    try {
      // Nobody answers; the process goes on alone. The server keeps its memory, so its epoch would be the same.
      await a.hub.publish('e', { n: 2 })
    } finally {
      server.thaw()
    }
    await vi.waitFor(() => expect(onLost).toHaveBeenCalled(), within)
    await vi.waitFor(async () => {
      await a.hub.publish('e', { n: 3 })
      expect(heard.at(-1)).toEqual({ n: 3 })
    }, within)
    await Promise.all([a.close(), b.close()])
  }, 60_000)

  test('without a server the hub works alone', async () => {
    const redis = connectRedis('redis://127.0.0.1:1', silentLog)
    const hub = createRealtime({
      backend: createRedisBackend({ redis, clock: systemClock, log: silentLog }),
      log: silentLog,
      clock: systemClock,
    })
    const heard: unknown[] = []
    const first = await hub.subscribe('c', {}, ({ data }) => heard.push(data))
    await hub.publish('c', { n: 1 })
    await vi.waitFor(() => expect(heard).toEqual([{ n: 1 }]), within)
    expect(await hub.subscribe('c', { from: first.position }, () => undefined)).toMatchObject({
      recovered: true,
    })
    await hub.stop()
    await redis.stop()
  })
}

if (isThere) describe('redis away', redisAway)
