import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp } from '#core/testing/app.ts'
import { signUpForChat, startChatApp } from '#modules/chat/testing.ts'

const seriesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.slice(0, line.lastIndexOf(' ')))

test('the metrics count requests, models, tokens, connections, pools and jobs, and no id becomes a series', async () => {
  const app = await startChatApp()
  const { headers, chat } = await signUpForChat(app)
  const { body } = await chat.send((await chat.begin()).id, 'Hello')
  await chat.ended(body.assistant_message.id)
  const read = async () => (await app.fetch('/metrics')).text()
  // What is asked in the background has series as well.
  await vi.waitFor(
    async () => expect(await read()).toContain('jobs_completed_total{job="chat.make_title"'),
    20_000,
  )

  const ask = async (i: number) => {
    const options = { headers: { ...headers, 'x-request-id': `request-${newId()}` } }
    await app.fetch(`/api/v1/chat/conversations/${newId()}`, options)
    await app.fetch(`/nowhere/${i}/${newId()}`, { ...options, method: i % 2 ? 'GET' : 'DELETE' })
    await app.fetch(`/api/v1/realtime/sse?channel=chat.user.${newId()}`, options)
    const model = { model: `model-${newId()}`, messages: [{ role: 'user', content: 'x' }] }
    await app.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(model),
    })
  }
  // Twice, as a cache has an answer only the second time.
  for (let round = 0; round < 2; round++) await Promise.all([ask(0), ask(1)])
  const before = seriesOf(await read())
  for (let i = 0; i < 500; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => ask(i + j)))
  const text = await read()
  // Garbage collection and the like are the runtime’s own. Jobs and events run when they run, whatever is asked
  // meanwhile; their only label is a registered name.
  const ours = (series: string[]) =>
    series.filter(name => !/^(nodejs|process|jobs|events)_/.test(name)).sort()
  expect(ours(seriesOf(text))).toEqual(ours(before))
  expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}-/)

  for (const name of [
    'http_requests_total',
    'http_request_duration_seconds',
    'ai_requests_total',
    'ai_tokens_total',
    'ai_time_to_first_token_seconds',
    'websocket_connections_active',
    'db_pool_primary_connections',
    'jobs_queued',
    'jobs_completed_total',
    'jobs_duration_seconds',
  ]) {
    expect(text).toContain(`# TYPE ${name} `)
  }
  expect(text).toContain('route="/api/v1/chat/conversations/:id"')
  expect(text).toContain('route="unmatched"')
  expect(text).toMatch(/ai_requests_total\{[^}]*outcome="done"\} [1-9]/)
  await app.stop()
})

test('the latency to the database is measured at start', async () => {
  const app = await startTestApp({ settings: { OLLAMA_URL: 'off' } })
  const line = app.logLines.map(text => JSON.parse(text)).find(({ message }) => message === 'ready')
  expect(line.database_ms).toBeGreaterThan(0)
  expect(line.cache_ms).toBeNull()
  await app.stop()
})

test('while the database is away the process is alive, and not ready', async () => {
  const app = await startTestApp({ settings: { OLLAMA_URL: 'off' } })
  await vi.waitFor(async () => expect((await app.fetch('/ready')).status).toBe(200), 20_000)
  const { rows } = await app.core.db.pool.query('SELECT current_database() AS name')
  const { name } = rows[0]
  const other = new pg.Client({
    connectionString: app.core.db.connection_string.replace(name, 'postgres'),
  })
  await other.connect()
  await other.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
  await other.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
  await vi.waitFor(async () => expect((await app.fetch('/ready')).status).toBe(503), 20_000)
  expect((await app.fetch('/health')).status).toBe(200)
  await other.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
  await vi.waitFor(async () => expect((await app.fetch('/ready')).status).toBe(200), 20_000)
  await other.end()
  await app.stop()
})

type ReceivedSpan = {
  name: string
  spanId: string
  traceId: string
  parentSpanId?: string
  status?: { code?: number }
}

test('spans of requests, calls to models and jobs reach an OTLP collector', async () => {
  const spans: ReceivedSpan[] = []
  const paths = new Set<string>()
  const collector = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    paths.add(request.url ?? '')
    for (const { scopeSpans } of JSON.parse(text).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as AddressInfo
  const app = await startChatApp({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` } })
  const { chat } = await signUpForChat(app)
  const { id } = await chat.begin()
  const { body } = await chat.send(id, 'Hello')
  await chat.ended(body.assistant_message.id)
  const title = async () =>
    (await chat.call<{ title: string | null }>('GET', `/conversations/${id}`)).body.title
  await vi.waitFor(async () => expect(await title()).not.toBeNull(), 20_000)
  await app.stop()
  expect([...paths]).toEqual(['/v1/traces'])
  const named = (name: string) => spans.filter(span => span.name === name)
  const [send] = named('POST /api/v1/chat/conversations/:id/messages')
  expect(send).toBeDefined()
  expect(named('ai chat').some(span => span.traceId === send?.traceId && span.parentSpanId)).toBe(true)
  expect(named('job chat.make_title').length).toBeGreaterThan(0)
  expect(JSON.stringify(spans)).not.toContain('Hello')
  collector.close()
})
