import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { forbidden, unavailable } from '#core/errors.ts'
import type { Router } from '#core/http/route.ts'
import type { Metrics } from './metrics.ts'

type Health = { db: Db; metrics: Metrics; metricsToken: string; isReady: () => boolean }

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** `/health` says that the process lives, `/ready` that it can serve, `/metrics` what it does. */
export function healthRoutes(router: Router, { db, metrics, metricsToken, isReady }: Health): void {
  router.route({
    method: 'GET',
    path: '/health',
    access: 'public',
    rate: 'none',
    summary: 'Whether the process lives; asks nothing of the database',
    response: z.object({ status: z.literal('ok') }),
    handler: () => ({ status: 'ok' as const }),
  })
  router.route({
    method: 'GET',
    path: '/ready',
    access: 'public',
    rate: 'none',
    summary: 'Whether the process can serve requests now',
    response: z.object({ status: z.literal('ready') }),
    async handler() {
      if (!isReady()) throw unavailable({}, { retryAfter: 5 })
      await withTimeout(db.latency(), 2000)
      return { status: 'ready' as const }
    },
  })
  router.route({
    method: 'GET',
    path: '/metrics',
    access: 'public',
    rate: 'none',
    summary: 'Metrics in the Prometheus text format',
    raw: true,
    async handler({ request, reply }) {
      const allowed = metricsToken
        ? request.headers.authorization === `Bearer ${metricsToken}`
        : loopback.has(request.ip) && request.headers['x-forwarded-for'] === undefined
      if (!allowed) throw forbidden({ permission: 'METRICS_TOKEN' })
      return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  })
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable({}, { retryAfter: 5 })), ms)
  })
  try {
    return await Promise.race([
      work.catch(error => {
        throw unavailable({}, { retryAfter: 5, cause: error })
      }),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
