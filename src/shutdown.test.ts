import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createTestDb } from '#core/testing/database.ts'
import { startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import { chatClient } from '#modules/chat/testing.ts'

const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }
const text = 'A long answer that is still being written when the server is told to stop. '.repeat(40)

let upstream: FakeServer
let database: Awaited<ReturnType<typeof createTestDb>>
let dataDir: string
let server: ServerProcess

beforeEach(async () => {
  upstream = await startFakeOpenai({
    script(request) {
      const asked = JSON.stringify(request.body?.messages)
      // The title of a conversation: a job that hangs. It is told what was asked, so it comes first.
      if (asked.includes('Give the conversation')) return { silent: true }
      if (asked.includes('write long'))
        // And never comes to its end.
        return { steps: [...[...text].map(letter => ({ text: letter })), { pause: 600_000 }], pace: 10 }
      if (asked.includes('be quick')) return { steps: [{ text: 'Quick.' }, { finish: 'stop' }] }
      if (asked.includes('take a second'))
        return { steps: [{ text: 'Done.' }, { finish: 'stop' }], delay: 1500 }
      return { silent: true }
    },
  })
  const modules = await loadModules()
  database = await createTestDb([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-stop-'))
  server = spawnServer({
    PORT: String(await freePort()),
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key of the tests that is long enough to pass',
    ADMIN_EMAIL: admin.name,
    ADMIN_PASSWORD: admin.password,
    OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
    AI_DEFAULT_MODEL: 'fake-1',
    // Of which requests get a quarter, and jobs a third.
    SHUTDOWN_TIMEOUT_MS: '24000',
  })
  await untilReady(server)
})
afterEach(async () => {
  await server.kill()
  await upstream.stop()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function signIn() {
  const response = await fetch(`${server.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...admin, mode: 'token' }),
  })
  const { access_token, user } = (await response.json()) as { access_token: string; user: { id: string } }
  const headers = { authorization: `Bearer ${access_token}` }
  const fetchHere = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init)
  const chat = chatClient({ fetch: fetchHere }, { headers })
  // The models of a server are asked for in the background.
  await vi.waitFor(async () => {
    expect(JSON.stringify((await chat.call('GET', '/models')).body)).toContain('fake-1')
  }, 60_000)
  return { access_token, user, headers, chat }
}

/** Until the provider was asked something with these words. */
const untilAsked = (words: string) =>
  vi.waitFor(
    () => expect(upstream.requests.map(({ body }) => JSON.stringify(body)).join()).toContain(words),
    60_000,
  )

async function stateOf(job: string): Promise<string | undefined> {
  const { rows } = await sql<{ state: string }>`SELECT state FROM core_job WHERE name = ${job}`.execute(
    database.db.primary,
  )
  return rows[0]?.state
}

test('SIGTERM lets requests finish, sends listeners away with a hint, keeps answers, gives jobs back', async () => {
  const { access_token, user, headers, chat } = await signIn()

  const first = await chat.send((await chat.begin()).id, 'be quick')
  await chat.ended(first.body.assistant_message.id)
  await vi.waitFor(async () => expect(await stateOf('chat.make_title')).toBe('running'), 60_000)

  const { body } = await chat.send((await chat.begin({ title: 'long' })).id, 'write long')
  const answerId = body.assistant_message.id
  await vi.waitFor(async () => expect((await chat.message(answerId)).content).not.toBe(''), 60_000)
  const answerStream = chat.stream(answerId).then(response => response.text())

  const channel = `chat.user.${user.id}`
  const events = await fetch(`${server.url}/api/v1/realtime/sse?channel=${channel}`, { headers })
  const eventText = events.text()
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/realtime/ws?token=${access_token}`)
  await new Promise(resolve => socket.addEventListener('open', resolve))
  const closed = new Promise<number>(resolve =>
    socket.addEventListener('close', event => resolve(event.code)),
  )

  const slow = fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake-1', messages: [{ role: 'user', content: 'take a second' }] }),
  })
  await untilAsked('take a second')

  server.child.kill('SIGTERM')
  await server.waitFor(/"message":"stopping"/)
  const ready = await fetch(`${server.url}/ready`).then(
    response => response.status,
    () => 'refused',
  )
  expect([503, 'refused']).toContain(ready)

  const finished = await slow
  expect(finished.status).toBe(200)
  expect(await finished.text()).toContain('Done.')
  expect(await closed).toBe(1012)
  expect(await eventText).toMatch(/\nretry: \d+\n\n$/)
  expect(await answerStream).toMatch(/\nretry: \d+\n\n$/)

  expect(await server.exited).toBe(0)
  expect(server.output()).toContain('"message":"stopped"')
  expect(server.output()).not.toContain('took too long')

  const { rows } = await sql<{ content: string; status: string }>`
    SELECT content, status FROM chat_message WHERE id = ${answerId}`.execute(database.db.primary)
  expect(rows[0]?.status).toBe('interrupted')
  expect(rows[0]?.content.length).toBeGreaterThan(20)
  expect(text.startsWith(rows[0]?.content ?? '-')).toBe(true)
  expect(await stateOf('chat.make_title')).toBe('queued')
  const held = await sql<{ count: number }>`SELECT count(*) FROM ai_ledger WHERE state = 'held'`.execute(
    database.db.primary,
  )
  expect(held.rows[0]?.count).toBe(0)
}, 240_000)

test('a second SIGTERM ends it at once', async () => {
  const { headers } = await signIn()
  // The first waits for this.
  const unanswered = fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake-1', messages: [{ role: 'user', content: 'say nothing' }] }),
  }).catch(() => 'cut')
  await untilAsked('say nothing')
  server.child.kill('SIGTERM')
  await server.waitFor(/"message":"stopping"/)
  server.child.kill('SIGTERM')
  expect(await server.exited).toBe(1)
  expect(await unanswered).toBe('cut')
  expect(server.output()).not.toContain('"message":"stopped"')
}, 240_000)
