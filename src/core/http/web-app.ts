import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/*
 * Inline styles are what Ant Design's CSS-in-JS writes; scripts come from this origin only, so text that a model or
 * another user wrote can never run.
 */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self' ws: wss:",
  "worker-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

const apiPath = /^\/(?:api|v1)(?:\/|$)|^\/(?:openapi\.json|metrics|health|ready)$/

/**
 * Serves the built web app: hashed assets for ever, `index.html` for every other address, so that any page of the
 * app can be reloaded. Unknown API addresses still answer 404.
 */
export async function serveWebApp(server: FastifyInstance, distDir: string): Promise<void> {
  if (!existsSync(join(distDir, 'index.html'))) return
  await server.register(fastifyStatic, {
    root: distDir,
    wildcard: false,
    index: false,
    cacheControl: false,
    setHeaders(response, path) {
      const isHashed = path.includes(`${join(distDir, 'assets')}`)
      response.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  server.get('/*', (request, reply) => {
    const path = request.url.split('?')[0] ?? '/'
    if (apiPath.test(path) || /\.\w{2,5}$/.test(path)) return reply.callNotFound()
    return (
      reply
        .header('content-security-policy', contentSecurityPolicy)
        .header('referrer-policy', 'same-origin')
        // The microphone is for dictating in Chat and for talking to a virtual device, the camera for scanning cards.
        .header('permissions-policy', 'microphone=(self), camera=(self), geolocation=()')
        .header('x-frame-options', 'DENY')
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .sendFile('index.html')
    )
  })
}
