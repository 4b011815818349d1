import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { newToken } from './ids.ts'
import { silentLog } from './log.ts'
import { connectRedis, type RedisLink } from './redis.ts'
import { freePort } from './testing/server-process.ts'

export const testRedisUrl = process.env.REDIS_URL || 'redis://127.0.0.1:6379'

/**
 * Whether the Redis for `*.services.test.ts` answers. When it does not, a test of that name says that this part was
 * left out; with `REQUIRE_SERVICES=1` that test fails.
 */
export async function redisIsThere(): Promise<boolean> {
  const redis = new Redis(testRedisUrl, {
    lazyConnect: true,
    connectTimeout: 2000,
    retryStrategy: () => null,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await redis.ping()
    return true
  } catch {
    test('left out: no Redis answers at REDIS_URL or 127.0.0.1:6379', () => {
      expect(process.env.REQUIRE_SERVICES).not.toBe('1')
    })
    return false
  } finally {
    redis.disconnect()
  }
}

export const testPrefix = (): string => `banyan-test-${newToken(6)}`

/** A link that is up. */
export async function linkTo(url: string, prefix: string): Promise<RedisLink> {
  const link = connectRedis(url, silentLog, prefix)
  if (!(await link.ready(10_000))) throw new Error(`No Redis at ${url}`)
  return link
}

export type RedisServer = {
  url: string
  /** SIGKILL: nothing is saved. */
  kill(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP and SIGCONT: accepts connections but does not answer. */
  freeze(): void
  thaw(): void
}

/** A redis-server child of our own on a free port, to be killed and started again. */
export async function startRedisServer(): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess | undefined
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async kill() {
      const dying = child
      if (!dying || dying.exitCode !== null) return
      const exited = new Promise(resolve => dying.once('exit', resolve))
      dying.kill('SIGKILL')
      await exited
    },
    async start() {
      const args = ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']
      const born = spawn('redis-server', args, { stdio: 'ignore', cwd: tmpdir() })
      child = born
      const redis = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
      redis.on('error', () => undefined)
      try {
        await Promise.race([redis.ping(), new Promise((_, reject) => born.once('error', reject))])
      } finally {
        redis.disconnect()
      }
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  }
  await server.start()
  return server
}
