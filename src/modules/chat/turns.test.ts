import { sql } from 'kysely'
import { afterEach, expect, test, vi } from 'vitest'
import { createDb } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { answerSteps, type FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import { asksForAnswer, type ChatApp, signUpForChat, startChatApp } from './testing.ts'
import type { Started } from './turns.ts'

let app: ChatApp | undefined
afterEach(async () => {
  await app?.stop()
  app = undefined
})

/** An app whose model answers by the script, for one test. */
async function start(script?: FakeOpenaiScript, settings: Record<string, string> = {}): Promise<ChatApp> {
  app = await startChatApp({ settings, ...(script ? { script } : {}) })
  return app
}

const chatRequests = (running: ChatApp) => running.upstream.requests.filter(asksForAnswer)

/** A model that says a few words and then nothing more, until it is hung up on. */
const endless: FakeOpenaiScript = () => ({
  steps: [...answerSteps('One two three').slice(0, -1), { pause: 600_000 }],
})

const held = async ({ core }: ChatApp): Promise<number> => {
  const { rows } = await sql<{ held: number }>`
    SELECT count(*) AS held FROM ai_ledger WHERE state = 'held'`.execute(core.db.primary)
  return rows[0]?.held ?? 0
}

test('a resend joins its turn, in parallel and afterwards, and the model is asked once', async () => {
  const running = await start()
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'once' })
  const more = { client_message_id: 'same' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => chat.send(id, 'Hi', more)))
  expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([202]))
  const [answerId, ...others] = new Set(answers.map(answer => answer.body.assistant_message.id))
  expect(others).toEqual([])
  const done = await chat.ended(answerId ?? '')
  const late = await chat.send(id, 'Hi', more)
  expect(late.body.assistant_message).toEqual(done)
  expect(chatRequests(running)).toHaveLength(1)

  const elsewhere = await chat.begin()
  expect((await chat.send(elsewhere.id, 'Hi', more)).status).toBe(409)
})

test('500 parallel sends against a quota of 100: exactly 100 succeed, the others leave nothing behind', async () => {
  const running = await start()
  running.core.ai.useLimits(async () => [
    { metric: 'requests', period: 'day', max: 100, time_zone: 'Asia/Shanghai' },
  ])
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin()
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => chat.send(id, `question ${i}`)))
  const statuses = answers.map(answer => answer.status)
  const countOf = (status: number) => statuses.filter(candidate => candidate === status).length
  expect(answers.find(answer => ![202, 429].includes(answer.status))).toBeUndefined()
  expect([countOf(202), countOf(429)]).toEqual([100, 400])
  expect(Number(answers[499]?.headers.get('retry-after') ?? 1)).toBeGreaterThan(0)
  const { rows } = await sql<{ role: string; count: number }>`
    SELECT role, count(*) FROM chat_message WHERE conversation_id = ${id} GROUP BY role ORDER BY role
    `.execute(running.core.db.primary)
  expect(rows).toEqual([
    { role: 'assistant', count: 100 },
    { role: 'user', count: 100 },
  ])
  await vi.waitFor(async () => expect(await held(running)).toBe(0), { timeout: 30_000 })
})

test('a stopped answer keeps its text, ends the call, and goes on where it stopped', async () => {
  let isEndless = true
  const running = await start((request, count) =>
    isEndless
      ? endless(request, count)
      : { steps: answerSteps(' four five', { prompt_tokens: 9, completion_tokens: 2 }) },
  )
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'stop' })
  const answer = (await chat.send(id, 'Count')).body.assistant_message.id
  await vi.waitFor(async () => expect((await chat.message(answer)).content).toBe('One two three'), 30_000)
  expect(
    (await chat.call('POST', `/messages/${answer}/continue`, { client_message_id: 'early' })).status,
  ).toBe(409)
  expect((await chat.call('POST', `/messages/${answer}/stop`)).status).toBe(202)
  const stopped = await chat.ended(answer)
  expect(stopped).toMatchObject({ status: 'stopped', content: 'One two three', usage_source: 'partial' })
  expect(await chatRequests(running)[0]?.aborted).toBe(true)
  expect(await held(running)).toBe(0)

  isEndless = false
  const goOn = { client_message_id: 'go-on' }
  const again = await chat.call<Started>('POST', `/messages/${answer}/continue`, goOn)
  expect(again.body.assistant_message.id).toBe(answer)
  const whole = await chat.ended(answer)
  expect(whole).toMatchObject({ status: 'done', content: 'One two three four five' })
  expect(whole.completion_tokens).toBe((stopped.completion_tokens ?? 0) + 2)
  const sent = chatRequests(running)[1]?.body?.messages as { role: string; content: string }[]
  expect(sent.slice(1).map(message => [message.role, message.content.slice(0, 14)])).toEqual([
    ['user', 'Count'],
    ['assistant', 'One two three'],
    ['user', 'Your last answ'],
  ])
  expect((await chat.call('POST', `/messages/${answer}/continue`, goOn)).status).toBe(202)
  expect(chatRequests(running)).toHaveLength(2)
})

test('what a dead process left behind is marked interrupted, text kept, and can be continued', async () => {
  const running = await start(() => ({ steps: answerSteps(' and more') }))
  const { chat, user } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'dead' })
  const planted = await plantDeadTurn(running, { user_id: user.id, conversation_id: id, text: 'Half of it' })
  await vi.waitFor(async () => expect((await chat.message(planted.answer)).status).toBe('interrupted'), {
    timeout: 30_000,
  })
  expect((await chat.message(planted.answer)).content).toBe('Half of it')
  const resent = await chat.send(id, 'Tell me', { client_message_id: planted.client_message_id })
  expect(resent.body.assistant_message).toMatchObject({ id: planted.answer, status: 'interrupted' })
  await chat.call('POST', `/messages/${planted.answer}/continue`, { client_message_id: 'go-on' })
  expect((await chat.ended(planted.answer)).content).toBe('Half of it and more')
})

/** The rows of a turn whose owner is gone and whose lease has lapsed. */
async function plantDeadTurn(
  { core }: ChatApp,
  { user_id, conversation_id, text }: { user_id: string; conversation_id: string; text: string },
) {
  const [question, answer, turn, client_message_id] = [newId(), newId(), newId(), newId()]
  await sql`
    INSERT INTO chat_message (id, conversation_id, parent_id, role, content, status) VALUES
      (${question}, ${conversation_id}, NULL, 'user', 'Tell me', 'done'),
      (${answer}, ${conversation_id}, ${question}, 'assistant', ${text}, 'streaming')`.execute(
    core.db.primary,
  )
  await sql`
    INSERT INTO chat_turn (id, user_id, conversation_id, message_id, client_message_id, kind, state, request, owner, lease_until)
    VALUES (${turn}, ${user_id}, ${conversation_id}, ${answer}, ${client_message_id}, 'send', 'running', '{}', 'gone',
      now() - interval '1 second')`.execute(core.db.primary)
  return { answer, client_message_id }
}

test('a failed answer says why, keeps what came, and holds nothing', async () => {
  let asked = 0
  const running = await start(() =>
    ++asked === 1
      ? { status: 400, body: { error: { message: 'no such thing' } } }
      : { steps: [{ text: 'Some ' }, { text: 'words' }, { cut: true }] },
  )
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'failing' })
  const refused = await chat.ended((await chat.send(id, 'Hi')).body.assistant_message.id)
  expect(refused).toMatchObject({
    status: 'failed',
    error_code: 'ai.upstream_rejected',
    content: '',
    tokens_used: null,
  })
  expect(refused.error_detail).toContain('no such thing')
  const cut = await chat.ended((await chat.send(id, 'Hi')).body.assistant_message.id)
  expect(cut).toMatchObject({ status: 'failed', content: 'Some words', usage_source: 'partial' })
  expect(await held(running)).toBe(0)
})

test('a stop of the server lets answers go and keeps them as interrupted', async () => {
  // Answers get five seconds of it to finish.
  const running = await start(endless, { SHUTDOWN_TIMEOUT_MS: '40000' })
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'shutdown' })
  const answer = (await chat.send(id, 'Count')).body.assistant_message.id
  await vi.waitFor(async () => expect((await chat.message(answer)).content).toBe('One two three'), 30_000)
  await running.app.stop()
  const { connection_string } = running.core.db
  const db = createDb({
    connection_string,
    pool_size: 1,
    statement_timeout_ms: 5000,
    slow_query_ms: 0,
    log: silentLog,
  })
  const { rows } = await sql`SELECT status, content FROM chat_message WHERE id = ${answer}`.execute(
    db.primary,
  )
  await db.stop()
  expect(rows).toEqual([{ status: 'interrupted', content: 'One two three' }])
})

test('a deleted conversation stops what is written in it', async () => {
  const running = await start(endless)
  const { chat } = await signUpForChat(running)
  const { id } = await chat.begin({ title: 'deleted' })
  const answer = (await chat.send(id, 'Count')).body.assistant_message.id
  await vi.waitFor(async () => expect((await chat.message(answer)).content).toBe('One two three'), 30_000)
  await chat.call('DELETE', `/conversations/${id}`)
  expect(await chatRequests(running)[0]?.aborted).toBe(true)
  await vi.waitFor(async () => expect(await held(running)).toBe(0), 30_000)
})
