import type { FastifyInstance } from 'fastify'
import type { Settings } from '#core/config.ts'
import type { coreSettings } from '#core/settings.ts'

const exposed =
  'x-request-id, ratelimit, ratelimit-policy, retry-after, etag, x-quota-requests-remaining, x-quota-tokens-remaining'

/**
 * CORS for the listed origins only, and without cookies: another origin's app signs in with tokens. The web app
 * itself is same-origin and needs none of this.
 */
export function allowCors(server: FastifyInstance, settings: Settings<typeof coreSettings>): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    if (settings.CORS_ALLOWED_ORIGINS.length === 0 || !origin) {
      done()
      return
    }
    reply.header('vary', 'origin')
    if (settings.CORS_ALLOWED_ORIGINS.includes(origin)) {
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-expose-headers', exposed)
      if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
        reply.header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
        reply.header(
          'access-control-allow-headers',
          'authorization, content-type, idempotency-key, accept-language, last-event-id, device-id, client-id',
        )
        reply.header('access-control-max-age', '7200')
        reply.status(204).send()
        return
      }
    }
    done()
  })
}
