import { newToken } from '#core/ids.ts'
import type { RedisLink } from '#core/redis.ts'

/** Longer than a replica that is asked may lag: when a write is forgotten, every such replica has it. */
export const keep_ms = 15_000

/** When users wrote last, on the clock of this process (`performance.now()`). */
export type WriteMarks = {
  note(userId: string): Promise<void>
  /** Later than the write rather than earlier. Infinity: nobody knows. */
  lastWrite(userId: string): Promise<number>
}

/**
 * Remembers for some seconds who wrote when. Clocks of processes differ, so what they share in Redis is no time but a
 * mark, another one at each write; a process counts a write from the moment at which it first sees its mark.
 */
export function createWriteMarks(redis: RedisLink | undefined): WriteMarks {
  /** In the order of `at`. */
  const seen = new Map<string, { mark: string; at: number }>()
  const keyOf = (userId: string) => `${redis?.prefix}:wrote:${userId}`
  let doubt_at = Number.NEGATIVE_INFINITY
  // A Redis that was away may have lost marks.
  redis?.onUp(() => {
    doubt_at = performance.now()
  })

  function see(userId: string, mark: string) {
    const at = performance.now()
    seen.delete(userId)
    seen.set(userId, { mark, at })
    for (const [oldest, entry] of seen) {
      if (entry.at >= at - keep_ms) break
      seen.delete(oldest)
    }
  }

  return {
    async note(userId) {
      const mark = newToken(6)
      see(userId, mark)
      await redis?.run(commands => commands.set(keyOf(userId), mark, 'PX', keep_ms)).catch(() => undefined)
    },
    async lastWrite(userId) {
      if (redis) {
        try {
          const mark = await redis.run(commands => commands.get(keyOf(userId)))
          if (mark !== null && seen.get(userId)?.mark !== mark) see(userId, mark)
        } catch {
          return Number.POSITIVE_INFINITY
        }
      }
      return Math.max(seen.get(userId)?.at ?? doubt_at, doubt_at)
    },
  }
}
