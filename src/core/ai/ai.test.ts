import { text as readAll } from 'node:stream/consumers'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Clock, dayIn, dayStart } from '#core/clock.ts'
import { newId } from '#core/ids.ts'
import { createTestDb } from '#core/testing/database.ts'
import { answerSteps, type FakeOpenaiScript, startFakeOpenai } from '#core/testing/fake-openai.ts'
import { openTestAi } from './ai.testing.ts'
import type { ChatRequest } from './ai.ts'
import type { Limit } from './limits.ts'
import type { Settled } from './metering.ts'
import type { Delta } from './types.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await createTestDb()
})
beforeEach(async () => {
  await sql`TRUNCATE ai_provider, ai_model, ai_setting, ai_spend`.execute(database.db.primary)
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})
afterAll(() => database.drop())

const time_zone = 'Asia/Shanghai'
const endOfDay = dayStart(dayIn(time_zone, Date.now())) + 86_400_000 - 1
/** The day in which the tests began does not end before them. */
const clock: Clock = { now: () => Math.min(Date.now(), endOfDay) }
const limits: Limit[] = [
  { metric: 'requests', period: 'day', max: 100, time_zone },
  { metric: 'tokens', period: 'day', max: 10_000, time_zone },
]

/** A gateway with one fake provider and one model: 2 CNY in, 8 CNY out per million tokens. */
async function open(script?: FakeOpenaiScript, env: Record<string, string> = {}) {
  const server = await startFakeOpenai(script ? { script } : {})
  const own = { OPENAI_COMPATIBLE_URL: `${server.url}/v1`, OPENAI_COMPATIBLE_API_KEY: 'sk-test' }
  const opened = openTestAi(database.db, { ...own, ...env }, { clock })
  closers.push(opened.stop, server.stop)
  const { ai } = opened
  ai.useLimits(async () => limits)
  // A busy machine may be late with the provider's list.
  await vi.waitFor(async () => expect(await ai.modelFor(newId())).toMatchObject({ id: 'fake-1' }), 20_000)
  await ai.models.update('fake-1', { input_price: 200, output_price: 800, max_output: 500 })
  const user = newId()
  const used = async () =>
    (await ai.quota(user)).map(({ metric, used, held }) => `${metric} ${used}+${held}`).join(', ')
  return { ...opened, server, user, used }
}

const hello = (user_id: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  user_id,
  feature: 'test',
  model: 'fake-1',
  messages: [{ role: 'user', content: 'Hello' }],
  ...more,
})

async function collect(deltas: AsyncIterable<Delta>) {
  let text = ''
  for await (const delta of deltas) if (delta.type === 'text') text += delta.text
  return text
}

test('a call is settled at what the provider counted, with its cost', async () => {
  const { ai, user, used, metrics } = await open()
  let settled: Settled | undefined
  const answer = ai.chat(hello(user, { onSettled: value => (settled = value) }))
  const first = await answer.next()
  expect(first.value).toEqual({ type: 'text', text: 'Hello' })
  // The prompt's 9 tokens and the longest answer.
  expect(await used()).toBe('requests 0+1, tokens 0+509')
  expect(await collect(answer)).toBe(' from the fake.')
  expect(await used()).toBe('requests 1+0, tokens 12+0')
  expect(settled).toMatchObject({
    model: 'fake-1',
    provider_id: 'openai-compatible',
    usage: { prompt_tokens: 7, completion_tokens: 5, source: 'upstream' },
    // 7 × 2 + 5 × 8 millionths of a yuan.
    cost_micros: 54,
    first_token_ms: expect.any(Number),
  })
  const exposed = await metrics.registry.metrics()
  expect(exposed).toContain('ai_requests_total{model="fake-1",provider="openai-compatible",outcome="done"} 1')
  expect(exposed).toContain('ai_tokens_total{model="fake-1",direction="completion"} 5')
  expect(exposed).toContain('ai_time_to_first_token_seconds_count{model="fake-1"} 1')
})

test('a provider that does not count is estimated, a counted zero is a zero', async () => {
  const { ai, user } = await open((request, count) => ({
    steps:
      count % 2 || request.path.endsWith('/models')
        ? answerSteps('你好，世界')
        : answerSteps('free', { prompt_tokens: 0, completion_tokens: 0 }),
  }))
  const seen: Settled[] = []
  const request = () => collect(ai.chat(hello(user, { onSettled: value => seen.push(value) })))
  await request()
  await request()
  expect(new Set(seen.map(({ usage }) => `${usage.source} ${usage.completion_tokens}`))).toEqual(
    new Set(['estimated 4', 'upstream 0']),
  )
})

test('what failed before it began costs nothing; the provider’s error comes through', async () => {
  const { ai, user, used } = await open(() => ({
    status: 400,
    body: { error: { message: 'bad temperature' } },
  }))
  await expect(collect(ai.chat(hello(user)))).rejects.toMatchObject({ code: 'ai.upstream_rejected' })
  expect(await used()).toBe('requests 0+0, tokens 0+0')
})

test('an answer that is cut is settled at what came', async () => {
  const { ai, user, used } = await open(() => ({ steps: [{ text: 'half an answer' }, { cut: true }] }))
  let settled: Settled | undefined
  const running = collect(ai.chat(hello(user, { onSettled: value => (settled = value) })))
  await expect(running).rejects.toMatchObject({ code: 'ai.upstream_failed' })
  expect(settled?.usage).toMatchObject({ completion_tokens: 4, source: 'partial' })
  expect(await used()).toMatch(/^requests 1\+0/)
})

test.each(['abort', 'leave'])('%s: the provider is told, and what came is settled', async how => {
  const { ai, user, used, server } = await open(() => ({
    steps: [{ text: 'one' }, { pause: 60_000 }, ...answerSteps('two')],
  }))
  const controller = new AbortController()
  const answer = ai.chat(hello(user, { signal: controller.signal }))
  await answer.next()
  if (how === 'abort') {
    controller.abort()
    await expect(answer.next()).rejects.toMatchObject({ name: 'AbortError' })
  } else await answer.return(undefined)
  expect(await server.requests.at(-1)?.aborted).toBe(true)
  expect(await used()).toMatch(/^requests 1\+0/)
})

test('an abort before the first word gives everything back', async () => {
  const { ai, user, used, server } = await open(() => ({ silent: true }))
  const controller = new AbortController()
  const asked = server.requests.length
  const running = collect(ai.chat(hello(user, { signal: controller.signal })))
  running.catch(() => undefined)
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(asked), 20_000)
  controller.abort()
  await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  expect(await used()).toBe('requests 0+0, tokens 0+0')
})

test('a held call is refused before it begins, run once, or given back', async () => {
  const { ai, user, used } = await open()
  ai.useLimits(async () => [{ metric: 'requests', period: 'day', max: 1, time_zone }, ...limits.slice(1)])
  const held = await ai.reserve(hello(user))
  await expect(ai.reserve(hello(user))).rejects.toMatchObject({ code: 'quota.exceeded', status: 429 })
  held.answer()
  await held.release()
  const again = await ai.reserve(hello(user))
  expect(await collect(again.answer())).toBe('Hello from the fake.')
  await again.release()
  expect(await used()).toBe('requests 1+0, tokens 12+0')
})

test('the last tokens of a quota are used by a shorter answer', async () => {
  const { ai, user, server } = await open()
  ai.useLimits(async () => [{ metric: 'tokens', period: 'day', max: 200, time_zone }])
  await collect(ai.chat(hello(user)))
  expect(server.requests.at(-1)?.body).toMatchObject({ max_tokens: 191 })
  ai.useLimits(async () => [{ metric: 'tokens', period: 'day', max: 60, time_zone }])
  await expect(collect(ai.chat(hello(user)))).rejects.toMatchObject({
    code: 'quota.exceeded',
    details: { metric: 'tokens', remaining: 48 },
  })
})

test('another model stands in, and is what is paid', async () => {
  const broken = await startFakeOpenai({ script: () => ({ status: 500, body: {} }) })
  closers.push(broken.stop)
  const { ai, user } = await open()
  await ai.providers.create({
    kind: 'openai-compatible',
    base_url: `${broken.url}/v1`,
    api_key: 'sk-broken-key',
  })
  const model = { provider_id: 'openai-compatible-2', upstream_model: 'big', fallbacks: ['fake-1'] }
  await ai.models.create({ id: 'big', ...model, input_price: 9000, output_price: 9000 })
  let settled: Settled | undefined
  await collect(ai.chat(hello(user, { model: 'big', onSettled: value => (settled = value) })))
  expect(settled).toMatchObject({ model: 'fake-1', provider_id: 'openai-compatible', cost_micros: 54 })
})

test('the spend cap stops strangers, also at models whose price nobody knows', async () => {
  const { ai, user } = await open(undefined, { AI_SPEND_CAP_DAY: '0.01', AI_ASSUMED_PRICE: '20' })
  expect(await ai.spendCap.get()).toEqual({ day_micros: 10_000, month_micros: null })
  // 4,096 tokens at 20 yuan a million are 8 fen.
  await expect(collect(ai.chat(hello(user, { model: 'fake-2' })))).rejects.toMatchObject({
    code: 'quota.spend_cap_reached',
  })
  expect(await collect(ai.chat(hello(user)))).toBe('Hello from the fake.')
  await ai.spendCap.set({ day_micros: 60, month_micros: null }, newId())
  await expect(collect(ai.chat(hello(user)))).rejects.toMatchObject({ code: 'quota.spend_cap_reached' })
  await ai.spendCap.set({ day_micros: null, month_micros: null }, newId())
  await collect(ai.chat(hello(user, { model: 'fake-2' })))
  expect(await ai.ledger.spend()).toMatchObject({ day_micros: 54 + 12 * 20 })
})

test('the OpenAI door passes the bytes on and books them', async () => {
  const { ai, user, used } = await open()
  const body = { model: 'fake-1', stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  const answer = await ai.openaiChat({ user_id: user, feature: 'openai_door', body })
  const raw = await readAll(answer.body)
  expect(raw).toContain('data: [DONE]')
  expect(raw).not.toContain('usage')
  expect(await answer.settled).toMatchObject({
    usage: { prompt_tokens: 7, completion_tokens: 5 },
    cost_micros: 54,
  })
  const whole = await ai.openaiChat({
    user_id: user,
    feature: 'openai_door',
    body: { ...body, stream: false },
  })
  expect(JSON.parse(await readAll(whole.body))).toMatchObject({
    choices: [{ message: { content: 'Hello from the fake.' } }],
  })
  await whole.settled
  expect(await used()).toBe('requests 2+0, tokens 24+0')
})

test('with plenty of room an answer does not wait for its hold; a refusal all the same cuts it off', async () => {
  let pace = 0
  const { ai, server, user, used } = await open(() => ({
    steps: answerSteps('Once upon a time there was a tree.', { prompt_tokens: 7, completion_tokens: 9 }),
    pace,
  }))
  const plenty: Limit[] = [{ metric: 'requests', period: 'day', max: 1000, time_zone }]
  let now = plenty
  ai.useLimits(async () => now)
  const ask = () =>
    ai.openaiChat({
      user_id: user,
      feature: 'openai_door',
      body: { model: 'fake-1', stream: true, messages: [{ role: 'user', content: 'Hello' }] },
    })
  for (let count = 1; count <= 2; count++) {
    const answer = await ask()
    expect(await readAll(answer.body)).toContain('[DONE]')
    expect(await answer.settled).toMatchObject({ usage: { completion_tokens: 9, source: 'upstream' } })
    expect(await used()).toBe(`requests ${count}+0`)
  }

  now = [{ metric: 'requests', period: 'day', max: 2, time_zone }]
  pace = 10_000
  const asked = server.requests.length
  const refused = await ask().then(
    async answer => {
      await expect(readAll(answer.body)).rejects.toThrow()
      return answer.settled
    },
    error => error.code,
  )
  expect([null, 'quota.exceeded']).toContain(refused)
  // Refused before or after the provider was reached: it is not kept working either way.
  for (const { aborted } of server.requests.slice(asked)) expect(await aborted).toBe(true)
  expect(await used()).toBe('requests 2+0')
  await expect(ask()).rejects.toMatchObject({ code: 'quota.exceeded' })
})

test('a client of the OpenAI door that goes away is settled at what it got', async () => {
  const { ai, user, used, server } = await open(() => ({
    steps: [{ text: 'one' }, { pause: 60_000 }, ...answerSteps('two')],
  }))
  const body = { model: 'fake-1', stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  const answer = await ai.openaiChat({ user_id: user, feature: 'openai_door', body })
  await new Promise(resolve => answer.body.once('data', resolve))
  answer.body.destroy()
  expect(await answer.settled).toMatchObject({ usage: { source: 'partial', completion_tokens: 1 } })
  expect(await server.requests.at(-1)?.aborted).toBe(true)
  expect(await used()).toMatch(/^requests 1\+0/)
})

test('embeddings are metered', async () => {
  const { ai, user, used } = await open()
  await ai.models.create({
    id: 'vectors',
    kind: 'embedding',
    provider_id: 'openai-compatible',
    upstream_model: 'vectors',
  })
  const result = await ai.embeddings({
    user_id: user,
    feature: 'test',
    model: 'vectors',
    input: ['a', 'bcd'],
  })
  expect(result.vectors.map(vector => vector[0])).toEqual([1, 3])
  expect(result.usage).toMatchObject({ prompt_tokens: 2, source: 'upstream' })
  expect(await used()).toBe('requests 1+0, tokens 2+0')
  const chatModel = { user_id: user, feature: 'test', model: 'fake-1', input: ['a'] }
  await expect(ai.embeddings(chatModel)).rejects.toMatchObject({ code: 'ai.model_not_found' })
})

test('structured output is checked, repaired once, and refused in the end', async () => {
  const answers = ['Sure! ```json\n{"city": 7}\n```', '{"city": "Xiamen"}', 'no', 'still no']
  let next = 0
  const { ai, user, server, used } = await open(() => ({
    steps: answerSteps(answers[next++] ?? '', { prompt_tokens: 1, completion_tokens: 1 }),
  }))
  const schema = z.object({ city: z.string() })
  const request = { ...hello(user), messages: [{ role: 'user' as const, content: 'Which city?' }] }
  expect(await ai.structured(request, schema)).toEqual({ city: 'Xiamen' })
  const repair = server.requests.at(-1)?.body
  expect(repair).toMatchObject({ response_format: { type: 'json_object' } })
  expect(JSON.stringify(repair?.messages)).toContain('expected string')
  await expect(ai.structured(request, schema)).rejects.toMatchObject({ code: 'ai.bad_structure' })
  expect(await used()).toMatch(/^requests 4\+0/)
})

test('the offline engine is metered by requests only, and makes no JSON', async () => {
  const opened = openTestAi(database.db)
  closers.push(opened.stop)
  const { ai } = opened
  ai.useLimits(async () => [{ metric: 'tokens', period: 'day', max: 0, time_zone }, ...limits.slice(0, 1)])
  const user = newId()
  expect(await collect(ai.chat(hello(user, { model: '' })))).not.toBe('')
  expect(await ai.quota(user)).toMatchObject([{ used: 0 }, { used: 1, held: 0 }])
  await expect(ai.structured(hello(user, { model: '' }), z.object({}))).rejects.toMatchObject({
    code: 'ai.not_configured',
  })
  expect(await ai.quota(user)).toMatchObject([{ used: 0 }, { used: 1, held: 0 }])
})
