import type { IncomingMessage } from 'node:http'
// Fastify's own: what it believes of a request holds for a socket too.
import { all, compile } from '@fastify/proxy-addr'

/** How a connection reached us. */
export type Arrival = {
  ip: string
  /** The address under which it did: `https://ai.example.com`. */
  origin: string
}

/**
 * Reads where a connection comes from. As with HTTP requests, what `X-Forwarded-*` says is believed of the proxies of
 * TRUSTED_PROXIES only, and PUBLIC_URL is the address wherever it is set.
 */
export function arrivals({
  PUBLIC_URL,
  TRUSTED_PROXIES,
}: {
  PUBLIC_URL: string
  TRUSTED_PROXIES: readonly string[]
}): (request: IncomingMessage) => Arrival {
  const trusts = compile([...TRUSTED_PROXIES])
  const publicOrigin = PUBLIC_URL.replace(/\/+$/, '')
  return request => {
    const { headers, socket } = request
    const near = socket.remoteAddress
    // It has gone already.
    if (near === undefined) return { ip: '', origin: publicOrigin || `http://${headers.host}` }
    const told = (name: string) => (trusts(near, 0) ? lastOf(headers[name]) : '')
    // Some proxies name the scheme of the socket.
    const scheme = /^(?:https|wss)$/i.test(told('x-forwarded-proto')) ? 'https' : 'http'
    return {
      ip: all(request, trusts).at(-1) ?? near,
      origin: publicOrigin || `${scheme}://${told('x-forwarded-host') || headers.host}`,
    }
  }
}

const lastOf = (header: string | string[] | undefined): string =>
  String(header ?? '')
    .split(',')
    .at(-1)
    ?.trim() ?? ''
