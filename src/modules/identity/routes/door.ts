import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Origin } from '../deps.ts'

/** What the sign-in routes need of the house around them. */
export type AuthDoor = {
  /** Throws `auth.cross_site`. */
  assertSameOrigin(request: FastifyRequest): void
  /** People reach the server over https, whatever this process itself speaks. */
  isHttps: boolean
}

export const originOf = (request: FastifyRequest): Origin => ({
  ip: request.ip,
  user_agent: request.headers['user-agent'] ?? '',
})

export const Id = z.object({ id: z.uuid() })

/** A password as it is typed: what it must be like, the service says. */
export const TypedPassword = z.string().min(1).max(512)

/** A token out of a link, or one that the server gave out. */
export const TypedToken = z.string().min(10).max(200)
