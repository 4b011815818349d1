import type { FastifyReply } from 'fastify'

const name = 'banyan_session'

/** Seconds that a browser session lives: two weeks. */
export const cookieSeconds = 14 * 24 * 3600

/** The session cookie of a `Cookie` header, or null. */
export function readSessionCookie(header: string | undefined): string | null {
  if (!header) return null
  const match = /(?:^|;\s*)banyan_session=([\w-]{43})(?:;|$)/.exec(header)
  return match?.[1] ?? null
}

/** Scripts cannot read it, other sites cannot send it along, and over https it never travels in the clear. */
const attributes = (isSecure: boolean) => `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`

export function setSessionCookie(reply: FastifyReply, token: string, isSecure: boolean) {
  reply.header('set-cookie', `${name}=${token}; Max-Age=${cookieSeconds}; ${attributes(isSecure)}`)
}

export function clearSessionCookie(reply: FastifyReply, isSecure: boolean) {
  reply.header('set-cookie', `${name}=; Max-Age=0; ${attributes(isSecure)}`)
}
