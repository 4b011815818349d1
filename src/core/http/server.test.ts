import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { defineError, errorCatalogue } from '#core/errors.ts'
import { createLog } from '#core/log.ts'
import { coreSettings } from '#core/settings.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createIdempotency, type Idempotency } from './idempotency.ts'
import { migration as idempotencyMigration } from './migrations/0001_idempotency.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { Actor } from './route.ts'
import { createHttp, type Http } from './server.ts'

const outOfStock = defineError({
  code: 'thing.out_of_stock',
  status: 409,
  en: 'Only {left} are left.',
  'zh-CN': '只剩 {left} 件。',
})

const actor: Actor = {
  user_id: '0190aaaa-0000-7000-8000-000000000001',
  via: 'access',
  session_id: null,
  roles: ['user'],
  permissions: new Set(['things.read']),
  locale: 'en',
  time_zone: 'UTC',
}

let http: Http
let db: Db
let idempotency: Idempotency
let address: string
let drop: () => Promise<void>
let lines: string[] = []
let created = 0
const settings = { CORS_ALLOWED_ORIGINS: 'https://app.example.com', RATE_LIMIT_AUTH_PER_MINUTE: '2' }

beforeAll(async () => {
  const database = await createTestDb([{ module: 'core', migrations: [idempotencyMigration] }])
  db = database.db
  drop = database.drop
  const log = createLog('debug', line => lines.push(line))
  const plain = { encrypt: (text: string) => text, decrypt: (text: string) => text }
  idempotency = createIdempotency({ db, log, secrets: plain })
  http = await createHttp({
    settings: loadConfig(coreSettings, { env: settings }).values,
    log,
    metrics: createMetrics(),
    rateLimiter: createRateLimiter({ clock: systemClock }),
    idempotency,
    authenticate: async request => (request.headers.authorization === 'Bearer good' ? actor : null),
    db,
  })
  const Thing = z.object({ id: z.int(), name: z.string() })
  http.router.route({
    method: 'POST',
    path: '/api/v1/things',
    access: 'public',
    summary: 'Make a thing',
    idempotent: true,
    body: z.object({ name: z.string().min(1), size: z.int().optional() }),
    response: Thing,
    status: 201,
    handler: ({ body }) => ({ id: ++created, name: body.name, secret: 'never on the wire' }),
  })
  http.router.route({
    method: 'GET',
    path: '/api/v1/things',
    access: 'public',
    summary: 'List things',
    query: z.object({ limit: z.int().min(1).max(100).default(20), tags: z.array(z.string()).optional() }),
    response: z.object({ limit: z.int(), tags: z.array(z.string()).nullable() }),
    handler: ({ query }) => ({ limit: query.limit, tags: query.tags ?? null }),
  })
  for (const access of ['signed_in', 'things.read', 'things.manage']) {
    http.router.route({
      method: 'GET',
      path: `/api/v1/access/${access}`,
      access,
      summary: 'Needs something',
      response: z.object({ user_id: z.string() }),
      handler: input => ({ user_id: input.actor.user_id }),
    })
  }
  http.router.route({
    method: 'GET',
    path: '/api/v1/fail/:how',
    access: 'public',
    rate: 'auth',
    summary: 'Fails',
    params: z.object({ how: z.string() }),
    handler: ({ params }) => {
      if (params.how === 'known') throw outOfStock({ left: 3 })
      throw new Error('password hunter2 of lin@example.com')
    },
  })
  await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  address = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await http.fastify.close()
  await idempotency.stop()
  await drop()
})
beforeEach(() => {
  lines = []
})

const call = (path: string, init: RequestInit & { json?: unknown } = {}) =>
  fetch(`${address}${path}`, {
    ...init,
    ...(init.json === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(init.json),
          headers: { 'content-type': 'application/json', ...init.headers },
        }),
  })

test('a success is the resource itself, and only what its schema names', async () => {
  const answer = await call('/api/v1/things/', { json: { name: 'lamp' } })
  expect(answer.status).toBe(201)
  expect(await answer.json()).toEqual({ id: expect.any(Number), name: 'lamp' })
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
})

test('bad input is told part by part, in the language of the caller', async () => {
  const json = { name: '', size: '3', colour: 'red' }
  const answer = await call('/api/v1/things', {
    json,
    headers: { 'accept-language': 'en-GB,en;q=0.9,zh;q=0.5' },
  })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  const problem = (await answer.json()) as { errors: unknown }
  expect(problem).toMatchObject({ code: 'input.invalid', status: 400, title: 'Bad Request' })
  expect(problem.errors).toEqual(
    expect.arrayContaining([
      { pointer: '/body/name', detail: 'Must not be empty.' },
      { pointer: '/body/size', detail: 'Must be a whole number.' },
      { pointer: '/body/colour', detail: 'This is not known here.' },
    ]),
  )
  expect(await (await call('/api/v1/things', { json })).text()).toContain('不能为空。')
})

test('query strings are coerced, filled with defaults and closed', async () => {
  expect(await (await call('/api/v1/things')).json()).toEqual({ limit: 20, tags: null })
  expect(await (await call('/api/v1/things?limit=5&tags=a')).json()).toEqual({ limit: 5, tags: ['a'] })
  expect((await call('/api/v1/things?limit=500')).status).toBe(400)
  expect((await call('/api/v1/things?colour=red')).status).toBe(400)
})

test.each([
  ['{"name":', 400],
  ['{"__proto__":{"a":1},"name":"x"}', 400],
  ['[]', 400],
  ['"text"', 400],
  [`{"name":"${'x'.repeat(1_100_000)}"}`, 413],
])('rubbish of %s gets a clear answer', async (body, status) => {
  const answer = await call('/api/v1/things', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({
    code: expect.stringMatching(/^input\./),
    request_id: expect.any(String),
  })
})

test('other content types, methods and addresses', async () => {
  expect(
    (await call('/api/v1/things', { method: 'POST', body: 'a', headers: { 'content-type': 'text/csv' } }))
      .status,
  ).toBe(415)
  expect((await call('/api/v1/nothing')).status).toBe(404)
  expect((await call('/api/v1/things', { method: 'DELETE' })).status).toBe(404)
  expect((await call('/api/v1/%E0%A4%A')).status).toBe(400)
})

test('a known error speaks, an unknown one hides behind the request id', async () => {
  const known = await (await call('/api/v1/fail/known', { headers: { 'accept-language': 'zh-CN' } })).json()
  expect(known).toMatchObject({ code: 'thing.out_of_stock', detail: '只剩 3 件。', details: { left: 3 } })
  const unknown = await call('/api/v1/fail/unknown', { headers: { 'x-request-id': 'my-request-0001' } })
  expect(unknown.status).toBe(500)
  const text = await unknown.text()
  expect(text).toContain('my-request-0001')
  expect(text).not.toContain('hunter2')
  const logged = lines.join('')
  expect(logged).toContain('"request_id":"my-request-0001"')
  expect(logged).not.toContain('lin@example.com')
})

test('rate limits answer 429 and say when to come back', async () => {
  const last = await call('/api/v1/fail/known')
  expect(last.status).toBe(429)
  expect(last.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(last.headers.get('ratelimit')).toMatch(/^"auth";r=0;t=\d+$/)
  expect(await last.json()).toMatchObject({ code: 'rate.limited' })
})

test('routes ask for sign-in and for their permission', async () => {
  const headers = { authorization: 'Bearer good' }
  expect((await call('/api/v1/access/signed_in')).status).toBe(401)
  expect(await (await call('/api/v1/access/signed_in', { headers })).json()).toEqual({
    user_id: actor.user_id,
  })
  expect((await call('/api/v1/access/things.read', { headers })).status).toBe(200)
  const refused = await call('/api/v1/access/things.manage', { headers })
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({ details: { permission: 'things.manage' } })
})

test('the envelope wraps successes and errors for those who ask for it', async () => {
  const headers = { accept: 'application/vnd.banyan.envelope+json' }
  const success = await call('/api/v1/things?limit=3', { headers })
  expect(success.headers.get('content-type')).toContain('vnd.banyan.envelope+json')
  expect(await success.json()).toEqual({
    status: 'success',
    code: 200,
    data: { limit: 3, tags: null },
    message: '操作成功',
  })
  const error = await (await call('/api/v1/nothing', { headers })).json()
  expect(error).toMatchObject({
    status: 'error',
    code: 404,
    data: { code: 'resource.not_found' },
    message: expect.any(String),
  })
})

test('CORS is for the listed origins only', async () => {
  const preflight = (origin: string) =>
    call('/api/v1/things', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
  const allowed = await preflight('https://app.example.com')
  expect(allowed.status).toBe(204)
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
  expect((await preflight('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull()
})

test('the same key and body is carried out once, however often and in parallel it is sent', async () => {
  const send = (name: string) =>
    call('/api/v1/things', { json: { name }, headers: { 'idempotency-key': 'order-7' } })
  const before = created
  const answers = await Promise.all(Array.from({ length: 8 }, () => send('chair')))
  const bodies = await Promise.all(answers.map(answer => answer.json()))
  expect(created).toBe(before + 1)
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 201) expect(bodies[index]).toEqual({ id: created, name: 'chair' })
    else expect(bodies[index]).toMatchObject({ code: 'idempotency.in_progress' })
  }
  const again = await send('chair')
  expect(again.status).toBe(201)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await again.json()).toEqual({ id: created, name: 'chair' })
  expect((await send('table')).status).toBe(422)
})

test('the access log names the route, not the address, and takes the time', async () => {
  await call('/api/v1/access/signed_in?token=abcdefgh')
  // The test before may still have a line to write.
  const find = () => lines.find(line => line.includes('"logger":"http"') && line.includes('/access/'))
  await expect.poll(find, { timeout: 20_000 }).toBeDefined()
  const entry = JSON.parse(find() ?? '{}')
  expect(entry).toMatchObject({
    level: 'INFO',
    message: 'request',
    method: 'GET',
    route: '/api/v1/access/signed_in',
    status: 401,
  })
  expect(entry.duration).toBeGreaterThan(0)
  expect(entry.timestamp).toMatch(/^\d{4}-/)
  expect(lines.join('')).not.toContain('abcdefgh')
})

test('every declared error has both texts and a code of the form noun.problem', () => {
  for (const error of errorCatalogue()) {
    expect(error.code).toMatch(/^[a-z_]+(\.[a-z_]+)+$/)
    expect(error['zh-CN']).toMatch(/\p{Script=Han}/u)
    expect(error.en.length).toBeGreaterThan(5)
  }
})
