import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Actor, Authenticate } from '#core/http/route.ts'
import type { Actors, Credential } from './actors.ts'
import { readSessionCookie } from './cookies.ts'
import { crossSite, scopeMissing, tokenInvalid } from './errors.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

type Options = {
  actors: Actors /** Origin of PUBLIC_URL, or null when it is not set. */
  publicOrigin: string | null
}

/** The two doors by which credentials come in: HTTP requests and WebSocket upgrades. */
export function createAuthenticate({ actors, publicOrigin }: Options) {
  const isOwn = (origin: string | undefined, host: string | undefined) =>
    origin !== undefined && (origin === publicOrigin || hostOf(origin) === host)

  /** @throws AppError `auth.cross_site` unless the browser says that our own page sent the request. */
  function assertSameOrigin({ headers, host }: Pick<FastifyRequest, 'headers' | 'host'>) {
    const site = headers['sec-fetch-site']
    if (site === 'same-origin' || (site === 'none' && headers.origin === undefined)) return
    if (!isOwn(headers.origin, host)) throw crossSite()
  }

  const authenticate: Authenticate = async request => {
    const bearer = bearerOf(request.headers.authorization)
    if (bearer !== null) {
      const grant = await actors.fromCredential({ kind: 'bearer', token: bearer })
      if (!grant) throw tokenInvalid()
      if (grant.scopes && !scopesAllow(grant.scopes, request.method, request.url)) throw scopeMissing()
      return grant.actor
    }
    const cookie = readSessionCookie(request.headers.cookie)
    if (cookie === null) return null
    // A stale cookie is no credential: the sign-in page must work with it.
    const grant = await actors.fromCredential({ kind: 'cookie', token: cookie })
    if (!grant) return null
    if (!safeMethods.has(request.method)) assertSameOrigin(request)
    return grant.actor
  }

  async function authenticateUpgrade({ headers, url = '/' }: IncomingMessage): Promise<Actor | null> {
    const cookie = readSessionCookie(headers.cookie)
    const token =
      bearerOf(headers.authorization) ?? new URL(url, 'http://localhost').searchParams.get('token')
    const credential: Credential | null = token
      ? { kind: 'bearer', token }
      : cookie !== null && (headers.origin === undefined || isOwn(headers.origin, headers.host))
        ? { kind: 'cookie', token: cookie }
        : null
    const grant = credential && (await actors.fromCredential(credential))
    return grant && (!grant.scopes || scopesAllow(grant.scopes, 'GET', url)) ? grant.actor : null
  }

  return { authenticate, authenticateUpgrade, assertSameOrigin }
}

function bearerOf(header: string | undefined): string | null {
  const match = header === undefined ? null : /^Bearer +(\S+) *$/i.exec(header)
  return match?.[1] ?? null
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

/** Open to every scoped token: live updates and jobs check the owner, and a client wants to know who it is. */
const commonPaths = /^\/api\/v1\/(?:realtime|jobs|notifications)(?:\/|$)/

/**
 * Whether an API token's scopes open this address at all. Permissions are checked by the route; this keeps a narrow
 * token out of the routes of other modules that ask for no permission but a sign-in.
 */
export function scopesAllow(scopes: readonly string[], method: string, url: string): boolean {
  if (scopes.includes('all')) return true
  const isSafe = safeMethods.has(method)
  if (isSafe && scopes.includes('read')) return true
  const path = url.split('?')[0] ?? url
  if (commonPaths.test(path) || (isSafe && /^\/api\/v1\/users\/me\/?$/.test(path))) return true
  const modules = scopes.map(scope => scope.split('.')[0] ?? scope)
  return modules.some(
    module =>
      path.startsWith(`/api/v1/${module}/`) ||
      (module === 'chat' && path.startsWith('/v1/')) ||
      (module === 'identity' && path.startsWith('/api/v1/users')),
  )
}
