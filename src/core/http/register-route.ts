import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { forbidden, unauthenticated } from '#core/errors.ts'
import { inSpan } from '#core/telemetry/tracing.ts'
import { LazySchema } from './compile.ts'
import type { Idempotency } from './idempotency.ts'
import type { RateRules } from './rate-rules.ts'
import type { Access, Actor, RouteDefinition } from './route.ts'
import { forStringify, toJsonSchema } from './schema.ts'
import type { HttpOptions } from './server.ts'
import { unstorable } from './storable.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A foreign protocol: its answers keep their own shape, whatever envelope is set. */
    foreign?: boolean
    /** Takes a file of this kind as its body. */
    file?: RouteDefinition['file']
  }
  interface FastifyRequest {
    idempotencyToken: string | null
  }
}

type Options = HttpOptions & { rateRules: RateRules }

/** Hands a route to Fastify: sign-in, permission and limits first, then schemas, then the handler. */
export function registerRoute(server: FastifyInstance, route: RouteDefinition, options: Options): void {
  const { authenticate, rateRules, idempotency, db } = options
  const spanName = `${route.method} ${route.path}`
  const status = route.status ?? (route.response ? 200 : 204)
  const rateClass = route.rate ?? (route.method === 'GET' ? 'read' : 'write')
  server.route({
    method: route.method,
    url: route.path,
    config: { file: route.file, foreign: route.onError !== undefined },
    schema: routeSchema(route, status),
    ...(route.bodyLimit ? { bodyLimit: route.bodyLimit } : {}),
    async onRequest(request, reply) {
      request.actor = route.hasOwnCredentials ? null : await authenticate(request)
      if (request.actor) request.logContext.user_id = request.actor.user_id
      await rateRules.take(rateClass, request, reply)
      assertAccess(request.actor, route.access)
      if (request.url.includes('%00')) throw unstorable()
    },
    ...(route.idempotent ? idempotencyHooks(route, idempotency) : {}),
    ...(route.onError
      ? {
          errorHandler(error: unknown, request: FastifyRequest, reply: FastifyReply) {
            return route.onError?.(error, { request, reply })
          },
        }
      : {}),
    async handler(request, reply) {
      const input = {
        actor: request.actor as Actor,
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        locale: request.actor?.locale ?? request.locale,
        signal: abortSignalOf(request, reply),
        request,
        reply,
      }
      let result: unknown
      try {
        result = await inSpan(spanName, { 'banyan.request_id': request.id }, async () => route.handler(input))
      } finally {
        // Before the answer, and after a failure too: part of the work may have been done.
        if (request.actor && route.method !== 'GET') await db.wrote(request.actor.user_id)
      }
      if (route.raw) return reply.sent || reply.raw.headersSent ? reply : result
      reply.status(status)
      return status === 204 ? null : result
    },
  })
}

function assertAccess(actor: Actor | null, access: Access) {
  if (access === 'public') return
  if (!actor) throw unauthenticated()
  if (access !== 'signed_in' && !actor.permissions.has(access)) throw forbidden({ permission: access })
}

function routeSchema({ params, query, body, response, raw, openInput }: RouteDefinition, status: number) {
  const input = (schema: z.ZodType) =>
    new LazySchema(() => toJsonSchema(schema, 'input', 'draft-07', openInput))
  const output = (schema: z.ZodType) =>
    new LazySchema(() => forStringify(toJsonSchema(schema, 'output', 'draft-07')))
  return {
    ...(params ? { params: input(params) } : {}),
    ...(query ? { querystring: input(query) } : {}),
    ...(body ? { body: input(body) } : {}),
    ...(response && !raw ? { response: { [status]: output(response) } } : {}),
  }
}

const signals = new WeakMap<FastifyRequest, AbortSignal>()

/** Aborts when the connection closes before the answer is complete. */
function abortSignalOf(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const known = signals.get(request)
  if (known) return known
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  signals.set(request, controller.signal)
  return controller.signal
}

function idempotencyHooks(route: RouteDefinition, idempotency: Idempotency) {
  return {
    async preHandler(request: FastifyRequest, reply: FastifyReply) {
      const key = request.headers['idempotency-key']
      if (typeof key !== 'string' || key === '') return
      const begun = await idempotency.begin({
        scope: `${request.actor?.user_id ?? request.ip} ${route.method} ${route.path}`,
        key,
        bodyHash: createHash('sha256')
          .update(JSON.stringify([request.params, request.body ?? null]))
          .digest('base64url'),
      })
      if (begun.kind === 'proceed') {
        request.idempotencyToken = begun.token
        return
      }
      reply.headers(begun.headers).header('idempotency-replayed', 'true').status(begun.status)
      return reply.serializer((body: unknown) => body as string).send(begun.body ?? '')
    },
    async onSend(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
      const token = request.idempotencyToken
      if (!token) return payload
      request.idempotencyToken = null
      if (reply.statusCode >= 500 || (payload !== null && typeof payload !== 'string'))
        await idempotency.abandon(token)
      else {
        await idempotency.complete(token, {
          status: reply.statusCode,
          headers: { 'content-type': String(reply.getHeader('content-type') ?? 'application/json') },
          body: payload,
        })
      }
      return payload
    },
  }
}
