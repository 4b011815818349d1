import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'

let app: TestApp
let server: FakeServer
let boss: TestUser
let base_url: string

beforeAll(async () => {
  server = await startFakeOpenai()
  base_url = `${server.url}/v1`
  app = await startTestApp({ settings: { OLLAMA_URL: 'off', AI_SPEND_CAP_DAY: '50' } })
  boss = await signInAdmin(app)
})
afterAll(async () => {
  await app?.stop()
  await server?.stop()
})

async function call(method: string, path: string, body?: unknown, who: TestUser | null = boss) {
  const response = await app.fetch(`/api/v1/admin${path}`, {
    method,
    headers: {
      ...who?.headers,
      'accept-language': 'en',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

test('only administrators may', async () => {
  const user = await signUp(app)
  const routes: [string, string, unknown?][] = [
    ['GET', '/providers'],
    ['GET', '/providers/kinds'],
    ['POST', '/providers', { kind: 'deepseek', api_key: 'sk-x' }],
    ['POST', '/providers/test', { kind: 'deepseek' }],
    ['GET', '/providers/deepseek'],
    ['PATCH', '/providers/deepseek', { is_enabled: false }],
    ['DELETE', '/providers/deepseek'],
    ['POST', '/providers/deepseek/keys', { api_key: 'sk-x' }],
    ['DELETE', '/providers/deepseek/keys/x'],
    ['GET', '/models'],
    ['POST', '/models', { id: 'm', provider_id: 'p', upstream_model: 'm' }],
    ['PATCH', '/models/m', { is_enabled: false }],
    ['DELETE', '/models/m'],
    ['GET', '/usage'],
    ['GET', '/spend-cap'],
    ['PUT', '/spend-cap', { day_micros: 1, month_micros: 1 }],
    ['GET', '/setup'],
    ['GET', '/health'],
  ]
  for (const [method, path, body] of routes) {
    expect((await call(method, path, body, null)).status, `${method} ${path}`).toBe(401)
    expect((await call(method, path, body, user)).status, `${method} ${path}`).toBe(403)
  }
  const second = await signUp(app, { roles: ['admin'] })
  expect((await call('GET', '/providers', undefined, second)).status).toBe(200)
})

test('first run: paste a key, test it, done', async () => {
  expect((await call('GET', '/setup')).body).toEqual({
    has_provider: false,
    has_password: false,
    has_spend_cap: true,
    delivers_mail: false,
    has_recognizer: false,
    has_voice: false,
    default_model: 'offline',
  })
  const kinds = await call('GET', '/providers/kinds')
  expect(kinds.body.items).toContainEqual(expect.objectContaining({ id: 'moonshot', takes_key: true }))

  const draft = { kind: 'openai-compatible', base_url, api_key: 'sk-first-run-key-9876' }
  expect(await call('POST', '/providers/test', draft)).toEqual({
    status: 200,
    body: {
      ok: true,
      latency_ms: expect.any(Number),
      models: ['fake-1', 'fake-2'],
      error: null,
      error_code: null,
    },
  })
  const dead = await call('POST', '/providers/test', { ...draft, base_url: 'http://127.0.0.1:1/v1' })
  expect(dead.body).toMatchObject({ ok: false, error_code: 'ai.upstream_failed' })
  expect(dead.body.error).toContain('failed')

  const made = await call('POST', '/providers', draft)
  expect(made).toMatchObject({
    status: 201,
    body: { id: 'openai-compatible', source: 'admin', circuit: 'closed', keys: [{ last_four: '9876' }] },
  })
  expect(JSON.stringify(made.body)).not.toContain('first-run')
  expect((await call('GET', '/setup')).body).toMatchObject({ has_provider: true, default_model: 'fake-1' })
  expect((await call('POST', '/providers/test', { id: 'openai-compatible' })).body.ok).toBe(true)
  expect(app.logLines.join('\n')).not.toContain('first-run-key')
})

test('providers: change, pool of keys, remove', async () => {
  const second = await call('POST', '/providers', { kind: 'openai-compatible', base_url, name: 'Second' })
  const path = `/providers/${second.body.id}`
  expect(second.body).toMatchObject({ id: 'openai-compatible-2', name: 'Second', keys: [] })
  const pooled = await call('POST', `${path}/keys`, { api_key: 'sk-pool-of-keys-1111', weight: 2 })
  expect(pooled).toMatchObject({ status: 201, body: { keys: [{ last_four: '1111', weight: 2 }] } })
  expect(await call('PATCH', path, { base_url: 'http://localhost:9/v1' })).toMatchObject({
    status: 400,
    body: { code: 'ai.key_needed' },
  })
  expect((await call('PATCH', path, { is_enabled: false })).body).toMatchObject({ is_enabled: false })
  expect((await call('DELETE', `${path}/keys/${pooled.body.keys[0].id}`)).body.keys).toEqual([])
  const first = await call('GET', '/providers?limit=1')
  expect(first.body.items).toHaveLength(1)
  const rest = await call('GET', `/providers?limit=1&cursor=${first.body.next_cursor}`)
  expect(rest.body).toMatchObject({ items: [{ id: 'openai-compatible-2' }], next_cursor: null })
  expect((await call('DELETE', path)).status).toBe(204)
  expect((await call('GET', path)).status).toBe(404)
  expect(await call('POST', '/providers', { kind: 'openai', secret: 1 })).toMatchObject({ status: 400 })
})

test('models: add, change, price, audience, default, remove', async () => {
  const made = await call('POST', '/models', {
    id: 'house/writer',
    provider_id: 'openai-compatible',
    upstream_model: 'fake-2',
    input_price: 200,
    output_price: 800,
    audience: ['vip'],
    fallbacks: ['fake-1'],
  })
  expect(made).toMatchObject({ status: 201, body: { id: 'house/writer', currency: 'CNY', source: 'admin' } })
  const path = `/models/${encodeURIComponent('house/writer')}`
  expect(
    (await call('PATCH', path, { capabilities: { vision: true }, is_default: true })).body,
  ).toMatchObject({
    capabilities: { vision: true, tools: false },
    is_default: true,
    audience: ['vip'],
  })
  const user = await signUp(app)
  expect((await app.core.ai.modelsFor(user.user.id)).map(model => model.id)).toEqual(['fake-1', 'fake-2'])
  await app.core.db.pool.query('UPDATE identity_user SET is_vip = true WHERE id = $1', [user.user.id])
  expect(await app.core.ai.modelFor(user.user.id)).toMatchObject({ id: 'house/writer' })
  const listed = await call('GET', '/models?provider_id=openai-compatible&kind=chat')
  expect(listed.body.items.map((model: { id: string }) => model.id)).toEqual([
    'fake-1',
    'fake-2',
    'house/writer',
  ])
  expect(await call('PATCH', path, { fallbacks: ['nope'] })).toMatchObject({
    status: 400,
    body: { code: 'ai.bad_fallback' },
  })
  expect(await call('PATCH', '/models/nope', { name: 'x' })).toMatchObject({ status: 404 })
  expect(await call('PATCH', path, { input_price: -1 })).toMatchObject({ status: 400 })
  expect((await call('DELETE', path)).status).toBe(204)
})

test('usage by day, model and user, with names and cost', async () => {
  const user = await signUp(app, { username: 'the-writer' })
  await call('PATCH', '/models/fake-1', { input_price: 200, output_price: 800 })
  const request = { user_id: user.user.id, feature: 'test', model: 'fake-1' }
  for await (const _ of app.core.ai.chat({ ...request, messages: [{ role: 'user', content: 'Hello' }] }));
  const byUser = await call('GET', '/usage?group_by=user')
  expect(byUser.body).toMatchObject({ currency: 'CNY' })
  expect(byUser.body.items).toContainEqual({
    key: user.user.id,
    label: 'the-writer',
    requests: 1,
    prompt_tokens: 7,
    completion_tokens: 5,
    cached_tokens: 0,
    cost_micros: 54,
  })
  expect((await call('GET', '/usage?group_by=model')).body.items).toMatchObject([
    { key: 'fake-1', requests: 1 },
  ])
  expect((await call('GET', '/usage')).body.items).toMatchObject([
    { key: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
  ])
  const none = await call('GET', '/usage?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00%2B08:00')
  expect(none.body.items).toEqual([])
  for (const query of [
    'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
    'from=2020-01-01T00:00:00Z',
    'from=x',
  ])
    expect((await call('GET', `/usage?${query}`)).status, query).toBe(400)
})

test('the spend cap is shown with what is spent, and set', async () => {
  expect((await call('GET', '/spend-cap')).body).toEqual({
    day_micros: 50_000_000,
    month_micros: null,
    currency: 'CNY',
    spent_day_micros: 54,
    spent_month_micros: 54,
  })
  const set = await call('PUT', '/spend-cap', { day_micros: 60, month_micros: 1000 })
  expect(set.body).toMatchObject({ day_micros: 60, month_micros: 1000 })
  const user = await signUp(app)
  const request = { user_id: user.user.id, feature: 'test', model: 'fake-1' }
  const answer = app.core.ai.chat({ ...request, messages: [{ role: 'user', content: 'Hello' }] })
  await expect(answer.next()).rejects.toMatchObject({ code: 'quota.spend_cap_reached' })
  expect((await call('PUT', '/spend-cap', { day_micros: -1, month_micros: null })).status).toBe(400)
  expect((await call('PUT', '/spend-cap', { day_micros: null })).status).toBe(400)
})

test('health tells of every part', async () => {
  const { status, body } = await call('GET', '/health')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    uptime_seconds: expect.any(Number),
    database: { latency_ms: expect.any(Number) },
    cache: { kind: 'memory', latency_ms: null },
    mail: { delivers: false },
    speech: {
      recognizer: null,
      synthesizer: 'espeak',
      is_preview: true,
      services: expect.arrayContaining(['OPENAI_SPEECH_API_KEY']),
    },
    jobs: { queued: expect.any(Number), running: expect.any(Number), failed: 0, dead: 0 },
  })
  expect(body.providers).toContainEqual({
    id: 'openai-compatible',
    name: expect.any(String),
    is_enabled: true,
    circuit: 'closed',
    resting_keys: 0,
    keys: 1,
  })
})
