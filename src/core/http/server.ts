import type { Server } from 'node:http'
import cookie from '@fastify/cookie'
import multipart from '@fastify/multipart'
import { type FastifyInstance, fastify } from 'fastify'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { unavailable } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { type Log, type LogContext, logContext } from '#core/log.ts'
import type { coreSettings } from '#core/settings.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { closingOf } from './closing.ts'
import { lazyCompilers } from './compile.ts'
import { allowCors } from './cors.ts'
import type { Idempotency } from './idempotency.ts'
import { localeOf } from './locale.ts'
import { envelope, envelopeType, sendProblem } from './problem.ts'
import type { RateLimiter } from './rate-limit.ts'
import { createRateRules } from './rate-rules.ts'
import { registerRoute } from './register-route.ts'
import type { Actor, Authenticate, RouteDefinition, Router } from './route.ts'
import { isStorable, suspiciousEscape, unstorable } from './storable.ts'
import { takeFiles } from './upload.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null without credentials. */
    actor: Actor | null
    locale: Locale
    wantsEnvelope: boolean
    logContext: LogContext
    startedAt: number
  }
}

export type Http = {
  router: Router
  fastify: FastifyInstance
  server: Server
  /** Every registered route, for the OpenAPI document and the tests that walk them. */
  routes: readonly RouteDefinition[]
  /** From now on every request but `/health` is answered 503, so that load balancers turn away. */
  drain(): void
  /** Lets running requests finish, and cuts those that take longer than `ms`. */
  close(ms: number): Promise<void>
}

export type HttpOptions = {
  settings: Settings<typeof coreSettings>
  log: Log
  metrics: Metrics
  rateLimiter: RateLimiter
  idempotency: Idempotency
  authenticate: Authenticate
  db: Pick<Db, 'wrote'>
}

const requestIdForm = /^[\w-]{8,64}$/

/** The HTTP server: request ids, sign-in, limits, schemas, one error mapper, one access log. */
export async function createHttp(options: HttpOptions): Promise<Http> {
  const { settings, log } = options
  const server = fastify({
    trustProxy: settings.TRUSTED_PROXIES.length > 0 ? [...settings.TRUSTED_PROXIES] : false,
    bodyLimit: settings.HTTP_BODY_LIMIT_BYTES,
    // Longer than the idle time-out of usual load balancers, so that it is they who close a connection.
    keepAliveTimeout: 72_000,
    requestTimeout: 120_000,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
    schemaController: lazyCompilers(),
    genReqId: request => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && requestIdForm.test(given) ? given : newId()
    },
  })
  const close = closingOf(server)
  await server.register(cookie)
  await server.register(multipart, { limits: { files: 1, fields: 10, fieldSize: 100_000, parts: 12 } })
  readJson(server)
  takeFiles(server)

  let draining = false
  server.decorateRequest('actor', null)
  server.decorateRequest('locale', 'zh-CN')
  server.decorateRequest('wantsEnvelope', false)
  server.decorateRequest('startedAt', 0)
  server.decorateRequest('logContext')
  server.decorateRequest('idempotencyToken', null)
  server.addHook('onRequest', (request, reply, done) => {
    const { headers } = request
    request.startedAt = performance.now()
    request.locale = localeOf(headers['accept-language'])
    request.wantsEnvelope = settings.HTTP_ENVELOPE || (headers.accept?.includes(envelopeType) ?? false)
    request.logContext = { request_id: request.id }
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    if (draining && request.url !== '/health') {
      reply.header('connection', 'close')
      sendProblem(unavailable({}, { retryAfter: 5 }), request, reply, log)
      return
    }
    logContext.run(request.logContext, done)
  })
  allowCors(server, settings)
  server.addHook('onSend', (request, reply, payload, done) => {
    const isJson = String(reply.getHeader('content-type') ?? '').startsWith('application/json')
    if (
      !request.wantsEnvelope ||
      !isJson ||
      typeof payload !== 'string' ||
      request.routeOptions.config.foreign
    ) {
      done(null, payload)
      return
    }
    reply.type(envelopeType)
    const wrapped = envelope(payload, reply.statusCode, request.locale)
    reply.header('content-length', Buffer.byteLength(wrapped))
    done(null, wrapped)
  })
  accessLog(server, options)
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, log))
  server.setNotFoundHandler((request, reply) =>
    sendProblem({ code: 'FST_ERR_NOT_FOUND' }, request, reply, log),
  )

  const routes: RouteDefinition[] = []
  const rateRules = createRateRules(options.rateLimiter, settings)
  return {
    fastify: server,
    server: server.server,
    routes,
    router: {
      route(definition) {
        routes.push(definition as unknown as RouteDefinition)
        registerRoute(server, definition as unknown as RouteDefinition, { ...options, rateRules })
      },
    },
    drain() {
      draining = true
    },
    close,
  }
}

/** A POST without a body may still say `Content-Type: application/json`, as many clients do. */
function readJson(server: FastifyInstance) {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    parse(request, body as string, (error, value) => {
      const isBad = !error && suspiciousEscape.test(body as string) && !isStorable(value)
      done(isBad ? unstorable() : error, value)
    })
  })
}

function accessLog(server: FastifyInstance, { log, metrics }: HttpOptions) {
  const access = log.child('http')
  const observe = requestMetrics(metrics)
  server.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'unmatched'
    const seconds = (performance.now() - request.startedAt) / 1000
    observe(method, route, reply.statusCode, seconds)
    access.info(
      {
        ...request.logContext,
        method,
        route,
        status: reply.statusCode,
        duration: Math.round(seconds * 1e6) / 1e6,
        ip: request.ip,
      },
      'request',
    )
    done()
  })
}

/** Counts and times requests. The series are kept by route, since looking one up by its labels is slow. */
function requestMetrics(metrics: Metrics) {
  const requests = metrics.counter({
    name: 'http_requests_total',
    help: 'HTTP requests',
    labels: ['method', 'route', 'status'],
  })
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labels: ['method', 'route'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  })
  const counterOf = rememberByKey((method: string, route: string, status: string) =>
    requests.labels(method, route, status),
  )
  const timerOf = rememberByKey((method: string, route: string) => durations.labels(method, route))
  return (method: string, route: string, status: number, seconds: number) => {
    timerOf(method, route).observe(seconds)
    counterOf(method, route, String(status)).inc()
  }
}

function rememberByKey<A extends string[], T>(make: (...key: A) => T): (...key: A) => T {
  const made = new Map<string, T>()
  return (...key) => {
    const name = key.join(' ')
    const known = made.get(name)
    if (known !== undefined) return known
    const fresh = make(...key)
    made.set(name, fresh)
    return fresh
  }
}
