import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Locale } from '#core/errors.ts'

/** Who is asking. Made by the identity module from the request's credentials; never changed afterwards. */
export type Actor = {
  user_id: string
  /** What proved it: an access token, the browser's session cookie, an API token, or the system acting for the user. */
  via: 'access' | 'session' | 'api_token' | 'system'
  session_id: string | null
  roles: readonly string[]
  permissions: ReadonlySet<string>
  locale: Locale
  time_zone: string
}

/** Which rate-limit bucket a route draws from; sizes are settings. */
export type RateClass = 'read' | 'write' | 'auth' | 'ai' | 'none'

/** `public`: anyone. `signed_in`: any account. Otherwise a permission by name, such as `chat.bots.manage`. */
export type Access = 'public' | 'signed_in' | (string & {})

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined

export type RouteInput<P, Q, B, A extends Access> = {
  /** Null only on `public` routes to which the caller brought no credentials. */
  actor: A extends 'public' ? Actor | null : Actor
  params: Parsed<P>
  query: Parsed<Q>
  body: Parsed<B>
  locale: Locale
  /** Aborts when the client goes away. */
  signal: AbortSignal
  request: FastifyRequest
  reply: FastifyReply
}

/**
 * One HTTP route. Schemas are zod, but run as JSON Schema: registration throws for refinements, transforms,
 * `.trim()` and the like, because they would be lost; such rules belong in the service.
 */
export type RouteDefinition<
  P extends z.ZodType | undefined = z.ZodType | undefined,
  Q extends z.ZodType | undefined = z.ZodType | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  R extends z.ZodType | undefined = z.ZodType | undefined,
  A extends Access = Access,
> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** `/api/v1/chat/conversations/:id`; a trailing slash is tolerated by the server. */
  path: string
  access: A
  summary: string
  params?: P
  query?: Q
  body?: B
  /** Takes one file, as the multipart field `file`: `readUpload`. */
  upload?: boolean
  /** Schema of a successful answer; without it the answer is 204 (or the handler streams by itself: `raw`). */
  response?: R
  /** Status of success: 200 by default, 201 where a POST creates, 202 where work goes on in the background. */
  status?: 200 | 201 | 202 | 204
  /** Default: `read` for GET, `write` otherwise. */
  rate?: RateClass
  /** A POST that creates or charges honours `Idempotency-Key`. */
  idempotent?: boolean
  /** Foreign protocols let unknown keys pass; our own refuse them. */
  openInput?: boolean
  /** Of a public route: the handler checks credentials that are no user’s (a device’s token), so nobody else does. */
  hasOwnCredentials?: boolean
  /** The handler writes to `reply` itself (streams, downloads, redirects). */
  raw?: boolean
  /** A file of this kind may be the whole body, as well as the multipart field `file`: `readFile` reads both. */
  file?: 'audio'
  /** Largest accepted body in bytes, when not the server's default. */
  bodyLimit?: number
  /** Answers errors in a foreign protocol's own shape instead of problem+json. */
  onError?: (error: unknown, input: { request: FastifyRequest; reply: FastifyReply }) => unknown
  /** Left out of the OpenAPI document (pages, static files). */
  hidden?: boolean
  handler: (input: RouteInput<P, Q, B, A>) => R extends z.ZodType ? z.input<R> | Promise<z.input<R>> : unknown
}

export type Router = {
  route<
    P extends z.ZodType | undefined = undefined,
    Q extends z.ZodType | undefined = undefined,
    B extends z.ZodType | undefined = undefined,
    R extends z.ZodType | undefined = undefined,
    const A extends Access = Access,
  >(definition: RouteDefinition<P, Q, B, R, A>): void
}

/** Turns a request's credentials into an actor, or null when there are none. Throws `auth.*` errors for bad ones. */
export type Authenticate = (request: FastifyRequest) => Promise<Actor | null>

/** A permission and the roles that have it from the start; administrators may change the roles later. */
export type PermissionDefinition = { name: string; roles: readonly string[] }

/** What the core asks of the module that knows the users. */
export type Gate = {
  authenticate: Authenticate
  /** The same for WebSocket upgrades, `?token=` included. */
  authenticateUpgrade(request: IncomingMessage): Promise<Actor | null>
  /** Makes all modules' permissions known, once at start. */
  syncPermissions(definitions: readonly PermissionDefinition[]): Promise<void>
}
