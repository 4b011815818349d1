import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Router } from '#core/http/route.ts'

/*
 * What the addresses of the device’s own protocol have in common. They are open to pages of any origin, because the
 * test pages of device makers are such; no cookie counts there.
 */

export const openToPages = (reply: FastifyReply) => reply.header('access-control-allow-origin', '*')

/** What a page asks before it sends a device’s headers. */
export function preflightRoutes(router: Router, paths: readonly string[]) {
  for (const path of paths)
    router.route({
      method: 'OPTIONS',
      path,
      access: 'public',
      rate: 'none',
      summary: 'What a page may send here',
      hidden: true,
      raw: true,
      handler({ reply }) {
        openToPages(reply)
        return reply
          .headers({
            'access-control-allow-methods': 'GET, POST',
            'access-control-allow-headers':
              'content-type, authorization, device-id, client-id, activation-version, serial-number, accept-language',
            'access-control-max-age': '7200',
          })
          .status(204)
          .send()
      },
    })
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value.trim() : undefined
}
