import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Actor } from '#core/http/route.ts'
import { newToken } from '#core/ids.ts'
import type { RedisLink } from '#core/redis.ts'

/** One-time tickets: a browser cannot send an Authorization header with a WebSocket or an EventSource. */
export type Tickets = {
  issue(actor: Actor): Promise<{ ticket: string /** Seconds. */; expires_in: number }>
  /** The actor who fetched it, once; null for a ticket that is unknown, used or older than 30 seconds. */
  take(ticket: string): Promise<Actor | null>
}

const lifetime = 30_000
const mostTickets = 10_000

const Held = z.object({
  user_id: z.string(),
  via: z.enum(['access', 'session', 'api_token', 'system']),
  session_id: z.string().nullable(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()),
  locale: z.enum(['zh-CN', 'en']),
  time_zone: z.string(),
})

/** With Redis, a ticket is good on every process; while it is away, on the one that issued it. */
export function createTickets({ redis, clock }: { redis?: RedisLink | undefined; clock: Clock }): Tickets {
  const here = new LRUCache<string, { actor: Actor; expires_at: number }>({ max: mostTickets })
  const keyOf = (ticket: string) => `${redis?.prefix}:realtime:ticket:${ticket}`
  return {
    async issue(actor) {
      const ticket = newToken(24)
      const answer = { ticket, expires_in: lifetime / 1000 }
      if (redis?.available) {
        const held = JSON.stringify({ ...actor, permissions: [...actor.permissions] })
        const isStored = await redis
          .run(connection => connection.set(keyOf(ticket), held, 'PX', lifetime))
          .then(
            () => true,
            () => false,
          )
        if (isStored) return answer
      }
      here.set(ticket, { actor, expires_at: clock.now() + lifetime })
      return answer
    },
    async take(ticket) {
      if (!/^[\w-]{32}$/.test(ticket)) return null
      const mine = here.get(ticket)
      if (mine) {
        here.delete(ticket)
        return mine.expires_at > clock.now() ? mine.actor : null
      }
      if (!redis?.available) return null
      const text = await redis.run(connection => connection.getdel(keyOf(ticket))).catch(() => null)
      if (text === null) return null
      const held = Held.parse(JSON.parse(text))
      return { ...held, permissions: new Set(held.permissions) }
    },
  }
}
