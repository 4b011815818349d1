import { afterAll, expect, test, vi } from 'vitest'
import { createLog } from './log.ts'
import { linkTo, redisIsThere, startRedisServer, testPrefix, testRedisUrl } from './redis.testing.ts'
import { connectRedis, RedisDown, type RedisLink } from './redis.ts'
import { luaScript } from './redis-scripts.ts'

const within = 20_000
const links: RedisLink[] = []
afterAll(async () => {
  for (const link of links) await link.stop()
})

async function open(url = testRedisUrl): Promise<RedisLink> {
  const link = await linkTo(url, testPrefix())
  links.push(link)
  return link
}

test('a wrong address is warned of once, without its password, and fails commands at once', async () => {
  const lines: string[] = []
  const link = connectRedis(
    'redis://:very-secret@127.0.0.1:1',
    createLog('info', line => lines.push(line)),
  )
  links.push(link)
  await vi.waitFor(() => expect(lines).toHaveLength(1), within)
  expect(await link.ready(600)).toBe(false)
  await expect(link.run(redis => redis.ping())).rejects.toThrow(RedisDown)
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'WARN', logger: 'redis' })
  expect(lines[0]).not.toContain('very-secret')
})

if (await redisIsThere()) {
  test('commands, scripts and subscriptions', async () => {
    const link = await open()
    const heard: string[] = []
    await link.subscribe(`${link.prefix}:x`, message => heard.push(message))
    await link.run(redis => redis.publish(`${link.prefix}:x`, 'one'))
    await vi.waitFor(() => expect(heard).toEqual(['one']), within)
    await link.unsubscribe(`${link.prefix}:x`)
    expect(await link.run(redis => redis.publish(`${link.prefix}:x`, 'two'))).toBe(0)
    expect(await link.latency()).toBeGreaterThan(0)
    const late = luaScript('return { KEYS[1], ARGV[1] }')
    expect(await link.run(redis => late(redis, ['k'], ['a']))).toEqual(['k', 'a'])
  })

  test('an error that the server answers is the caller’s, and no outage', async () => {
    const link = await open()
    await expect(link.run(redis => redis.call('NONSENSE'))).rejects.toThrow('unknown command')
    expect(link.available).toBe(true)
  })

  test('a subscription made while the server is away stands when it is back', async () => {
    const server = await startRedisServer()
    const link = await open(server.url)
    const runId = link.runId
    await server.kill()
    await vi.waitFor(() => expect(link.available).toBe(false), within)
    const heard: string[] = []
    await link.subscribe('away', message => heard.push(message))
    await server.start()
    await vi.waitFor(() => expect(link.isUp).toBe(true), within)
    expect(await link.run(redis => redis.publish('away', 'back'))).toBe(1)
    await vi.waitFor(() => expect(heard).toEqual(['back']), within)
    expect(link.runId).not.toBe(runId)
    await server.kill()
  })

  test('a frozen server is noticed, and taken back when it thaws', async () => {
    const server = await startRedisServer()
    const link = await open(server.url)
    const [down, up] = [vi.fn(), vi.fn()]
    link.onDown(down)
    link.onUp(up)
    server.freeze()
    await expect(link.run(redis => redis.ping())).rejects.toThrow(RedisDown)
    await expect(link.run(redis => redis.ping())).rejects.toThrow('away')
    expect(down).toHaveBeenCalledTimes(1)
    server.thaw()
    await vi.waitFor(() => expect(up).toHaveBeenCalledTimes(1), within)
    expect(await link.run(redis => redis.ping())).toBe('PONG')
    await server.kill()
  })
}
