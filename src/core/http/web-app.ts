import { existsSync } from 'node:fs'
import { join } from 'node:path'
import send from '@fastify/send'
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
  server.get('/*', async (request, reply) => {
    const path = request.url.split('?')[0] ?? '/'
    if (apiPath.test(path)) return reply.callNotFound()
    const isPage = !/\.\w{2,}$/.test(path)
    const found = await send(request.raw, isPage ? '/index.html' : path, {
      root: distDir,
      index: false,
      cacheControl: false,
      dotfiles: 'ignore',
    })
    if (found.type !== 'file') {
      reply.callNotFound()
      return reply
    }
    if (isPage) reply.headers(pageHeaders)
    const isHashed = path.startsWith('/assets/')
    return reply
      .code(found.statusCode)
      .headers(found.headers)
      .header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      .send(found.stream)
  })
}

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'same-origin',
  // The microphone is for dictating in Chat and for talking to a virtual device, the camera for scanning cards.
  'permissions-policy': 'microphone=(self), camera=(self), geolocation=()',
  'x-frame-options': 'DENY',
}
