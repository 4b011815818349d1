import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createTestDb } from '#core/testing/database.ts'
import { startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import { chatClient } from './testing.ts'

const text = '这是一段会被打断的回答，later in English. '.repeat(20)
const steps = [...text].map(letter => ({ text: letter }))
const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }

let upstream: FakeServer
let database: Awaited<ReturnType<typeof createTestDb>>
let dataDir: string
let server: ServerProcess

beforeAll(async () => {
  const modules = await loadModules()
  upstream = await startFakeOpenai({ script: () => ({ steps: [...steps, { finish: 'stop' }], pace: 3 }) })
  database = await createTestDb([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-crash-'))
})
afterAll(async () => {
  await server.kill()
  await upstream.stop()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** The next life of the same installation, and its administrator's client. */
async function live() {
  server = spawnServer({
    PORT: String(await freePort()),
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key of the tests that is long enough to pass',
    ADMIN_EMAIL: admin.name,
    ADMIN_PASSWORD: admin.password,
    OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
    AI_DEFAULT_MODEL: 'fake-1',
  })
  await untilReady(server)
  const { url } = server
  const signedIn = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...admin, mode: 'token' }),
  })
  const { access_token } = (await signedIn.json()) as { access_token: string }
  return chatClient(
    { fetch: (path, init) => fetch(new URL(path, url), init) },
    { headers: { authorization: `Bearer ${access_token}` } },
  )
}

/** Lets the leases of the dead process lapse now instead of after their 20 and 120 seconds. */
async function lapse() {
  await sql`UPDATE chat_turn SET lease_until = now() WHERE state IN ('queued', 'running')`.execute(
    database.db.primary,
  )
  await sql`UPDATE ai_ledger SET lease_until = now() WHERE state = 'held'`.execute(database.db.primary)
}

async function countOf(query: ReturnType<typeof sql<{ count: number }>>): Promise<number> {
  return (await query.execute(database.db.primary)).rows[0]?.count ?? 0
}

test('kill -9 in mid-stream loses no acknowledged message, and the answer can be continued', async () => {
  const acknowledged: { question: string; answer: string }[] = []
  for (const moment of [0, 150, 400]) {
    const chat = await live()
    const conversation = await chat.begin({ title: `killed after ${moment} ms` })
    const { status, body } = await chat.send(conversation.id, 'Go', { client_message_id: `kill-${moment}` })
    expect(status).toBe(202)
    acknowledged.push({ question: body.user_message.id, answer: body.assistant_message.id })
    await pause(moment)
    await server.kill()
    await lapse()
  }

  const chat = await live()
  for (const { question, answer } of acknowledged) {
    expect((await chat.message(question)).content).toBe('Go')
    await vi.waitFor(async () => expect((await chat.message(answer)).status).toBe('interrupted'), 30_000)
    expect(text.startsWith((await chat.message(answer)).content)).toBe(true)
  }
  const last = acknowledged.at(-1)?.answer ?? ''
  const kept = (await chat.message(last)).content
  expect(kept.length).toBeGreaterThan(10)
  await chat.call('POST', `/messages/${last}/continue`, { client_message_id: 'go-on' })
  expect((await chat.ended(last)).content).toBe(kept + text)

  await vi.waitFor(
    async () => expect(await countOf(sql`SELECT count(*) FROM ai_ledger WHERE state = 'held'`)).toBe(0),
    { timeout: 90_000, interval: 500 },
  )
  expect(await countOf(sql`SELECT sum(requests_held + tokens_held) AS count FROM ai_counter`)).toBe(0)
}, 180_000)
