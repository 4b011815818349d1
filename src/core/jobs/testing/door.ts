import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { createIdempotency } from '#core/http/idempotency.ts'
import { createRateLimiter } from '#core/http/rate-limit.ts'
import type { Actor, Router } from '#core/http/route.ts'
import { createHttp } from '#core/http/server.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { coreSettings } from '#core/settings.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'

export type Door = {
  /** A caller with these permissions; its `fetch` is signed in as it. */
  enter(permissions?: readonly string[]): {
    id: string
    fetch(path: string, init?: RequestInit): Promise<Response>
  }
  close(): Promise<void>
}

/** The HTTP server with some of the core's routes, and callers that the test makes up: identity is a module. */
export async function openDoor(db: Db, mount: (router: Router) => void): Promise<Door> {
  const actors = new Map<string, Actor>()
  const plain = { encrypt: (text: string) => text, decrypt: (text: string) => text }
  const http = await createHttp({
    settings: loadConfig(coreSettings, { env: {} }).values,
    log: silentLog,
    metrics: createMetrics(),
    rateLimiter: createRateLimiter({ clock: systemClock }),
    idempotency: createIdempotency({ db, log: silentLog, secrets: plain }),
    authenticate: async request => actors.get(request.headers.authorization ?? '') ?? null,
    db,
  })
  mount(http.router)
  const address = await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  return {
    enter(permissions = []) {
      const id = newId()
      actors.set(id, {
        user_id: id,
        via: 'access',
        session_id: null,
        roles: [],
        permissions: new Set(permissions),
        locale: 'en',
        time_zone: 'UTC',
      })
      return {
        id,
        fetch: (path, init) => fetch(`${address}${path}`, { ...init, headers: { authorization: id } }),
      }
    },
    close: () => http.fastify.close(),
  }
}
