import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import { chatClient } from './testing.ts'

const text = '这是一段会被打断的回答，later in English. '.repeat(20)
const steps = [...text].map(letter => ({ text: letter }))

/** Whether the model comes to its end before its reader is gone. */
let isEnding = false
let upstream: FakeServer
let banyan: Installation

beforeAll(async () => {
  upstream = await startFakeOpenai({
    script: () => ({ steps: [...steps, isEnding ? { finish: 'stop' } : { pause: 600_000 }], pace: 3 }),
  })
  banyan = await createInstallation({
    OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
    AI_DEFAULT_MODEL: 'fake-1',
  })
})
afterAll(async () => {
  await banyan.drop()
  await upstream.stop()
})

/** The next life of the same installation, and its administrator's client. */
async function live() {
  const { url, headers } = await banyan.live()
  return chatClient({ fetch: (path, init) => fetch(new URL(path, url), init) }, { headers })
}

/** Lets the leases of the dead process lapse now instead of after their 20 and 120 seconds. */
async function lapse() {
  await sql`UPDATE chat_turn SET lease_until = now() WHERE state IN ('queued', 'running')`.execute(
    banyan.db.primary,
  )
  await sql`UPDATE ai_ledger SET lease_until = now() WHERE state = 'held'`.execute(banyan.db.primary)
}

const someIsStored = (message: string) =>
  vi.waitFor(async () => {
    const length = sql<{
      count: number
    }>`SELECT length(content) AS count FROM chat_message WHERE id = ${message}`
    expect(await countOf(length)).toBeGreaterThan(10)
  }, 30_000)

async function countOf(query: ReturnType<typeof sql<{ count: number }>>): Promise<number> {
  return (await query.execute(banyan.db.primary)).rows[0]?.count ?? 0
}

test('kill -9 in mid-stream loses no acknowledged message, and the answer can be continued', async () => {
  // The last one has text that can be continued.
  const moments = [0, 150, 400]
  const acknowledged: { question: string; answer: string }[] = []
  for (const moment of moments) {
    const chat = await live()
    const conversation = await chat.begin({ title: `killed after ${moment} ms` })
    const { status, body } = await chat.send(conversation.id, 'Go', { client_message_id: `kill-${moment}` })
    expect(status).toBe(202)
    acknowledged.push({ question: body.user_message.id, answer: body.assistant_message.id })
    await pause(moment)
    if (moment === moments.at(-1)) await someIsStored(body.assistant_message.id)
    await banyan.kill()
    await lapse()
  }

  const chat = await live()
  for (const { question, answer } of acknowledged) {
    expect((await chat.message(question)).content).toBe('Go')
    await vi.waitFor(async () => expect((await chat.message(answer)).status).toBe('interrupted'), 60_000)
    expect(text.startsWith((await chat.message(answer)).content)).toBe(true)
  }
  const last = acknowledged.at(-1)?.answer ?? ''
  const kept = (await chat.message(last)).content
  expect(kept.length).toBeGreaterThan(10)
  isEnding = true
  await chat.call('POST', `/messages/${last}/continue`, { client_message_id: 'go-on' })
  expect((await chat.ended(last)).content).toBe(kept + text)

  await vi.waitFor(
    async () => expect(await countOf(sql`SELECT count(*) FROM ai_ledger WHERE state = 'held'`)).toBe(0),
    { timeout: 90_000, interval: 500 },
  )
  expect(await countOf(sql`SELECT sum(requests_held + tokens_held) AS count FROM ai_counter`)).toBe(0)
}, 300_000)
