import { ChatOpenAI } from '@langchain/openai'
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerSteps } from '#core/testing/fake-openai.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { type ChatApp, startChatApp } from '../testing.ts'

let app: ChatApp
let user: TestUser
let client: OpenAI

beforeAll(async () => {
  app = await startChatApp({
    script: ({ body }) => {
      if (JSON.stringify(body).includes('slowly')) return { steps: [{ text: 'Hello' }, { pause: 600_000 }] }
      const usage = { prompt_tokens: 7, completion_tokens: 5 }
      return { steps: answerSteps('Hello from the other side.', usage) }
    },
  })
  user = await signUp(app)
  client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: await apiToken(user, ['chat']), maxRetries: 0 })
})
afterAll(() => app.stop())

async function apiToken({ headers }: TestUser, scopes: string[]): Promise<string> {
  const answer = await app.fetch('/api/v1/auth/tokens', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'sdk', scopes }),
  })
  return ((await answer.json()) as { token: string }).token
}

const messages = [{ role: 'user' as const, content: 'Hello' }]

test('the official SDK lists models, and gets whole and streamed answers with usage', async () => {
  const models = await client.models.list()
  expect(models.data.map(model => model.id)).toContain('fake-1')

  const whole = await client.chat.completions.create({ model: 'fake-1', messages })
  expect(whole.choices[0]?.message.content).toBeTruthy()
  expect(whole.usage?.total_tokens).toBeGreaterThan(0)

  let text = ''
  let usage: OpenAI.CompletionUsage | null | undefined
  const stream = await client.chat.completions.create({
    model: 'fake-1',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  })
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    usage = chunk.usage ?? usage
  }
  expect(text).toBe(whole.choices[0]?.message.content)
  expect(usage?.prompt_tokens).toBeGreaterThan(0)
})

test('unknown request keys, tools and response formats reach the provider as they are', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }]
  await client.chat.completions.create({
    model: 'fake-1',
    messages,
    tools,
    response_format: { type: 'json_object' },
    ...({ a_key_of_tomorrow: { deep: [1] } } as object),
  })
  expect(app.upstream.requests.at(-1)?.body).toMatchObject({
    tools,
    response_format: { type: 'json_object' },
    a_key_of_tomorrow: { deep: [1] },
  })
})

test('LangChain works unchanged', async () => {
  const model = new ChatOpenAI({
    model: 'fake-1',
    apiKey: client.apiKey,
    configuration: { baseURL: `${app.url}/v1` },
  })
  const answer = await model.invoke('Hello')
  expect(answer.content).toBeTruthy()
  let text = ''
  for await (const chunk of await model.stream('Hello')) text += chunk.content
  expect(text).toBe(answer.content)
})

test('errors have OpenAI’s shape: bad key, unknown model, bad input, n other than 1', async () => {
  const stranger = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'bnt_not_a_token', maxRetries: 0 })
  await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError)
  await expect(client.chat.completions.create({ model: 'no-such-model', messages })).rejects.toSatisfy(
    error => error instanceof NotFoundError && error.code === 'model_not_found',
  )
  await expect(client.chat.completions.create({ model: 'fake-1', messages: [] })).rejects.toSatisfy(
    error => error instanceof BadRequestError && error.param === 'messages',
  )
  await expect(client.chat.completions.create({ model: 'fake-1', messages, n: 2 })).rejects.toBeInstanceOf(
    BadRequestError,
  )
})

test('a token without the scope is refused', async () => {
  const narrow = new OpenAI({
    baseURL: `${app.url}/v1`,
    apiKey: await apiToken(user, ['read']),
    maxRetries: 0,
  })
  await expect(narrow.chat.completions.create({ model: 'fake-1', messages })).rejects.toMatchObject({
    status: 403,
  })
})

test('the door draws from the same quota as the app, exactly, also in parallel', async () => {
  const limited = await signUp(app)
  const admin = await signInAdmin(app)
  const set = await app.fetch(`/api/v1/billing/users/${limited.user.id}`, {
    method: 'PUT',
    headers: { ...admin.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ plan: 'free', until: null, overrides: { 'ai.requests_per_day': 7 } }),
  })
  expect(set.status).toBe(200)
  const sdk = new OpenAI({
    baseURL: `${app.url}/v1`,
    apiKey: await apiToken(limited, ['chat']),
    maxRetries: 0,
  })
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, () => sdk.chat.completions.create({ model: 'fake-1', messages })),
  )
  expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(7)
  for (const result of results) {
    if (result.status === 'rejected') {
      expect(result.reason).toBeInstanceOf(RateLimitError)
      expect(result.reason.code).toBe('insufficient_quota')
    }
  }
})

test('a client that leaves in mid-stream cancels the call at the provider, and pays for what came', async () => {
  const before = app.upstream.requests.length
  const slowly = [{ role: 'user' as const, content: 'slowly' }]
  const stream = await client.chat.completions.create({ model: 'fake-1', messages: slowly, stream: true })
  for await (const _ of stream) break
  expect(await app.upstream.requests[before]?.aborted).toBe(true)
})
