import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** All that were made: links load them. */
export const scripts = new Set<string>()

/**
 * A Lua script, called by its hash. Runs atomically on the server. Every link loads all scripts when it comes up, so
 * that calls made one after the other also run in that order.
 */
export function luaScript(source: string) {
  scripts.add(source)
  const sha = createHash('sha1').update(source).digest('hex')
  return async (
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return redis.eval(source, keys.length, ...keys, ...args)
    }
  }
}
