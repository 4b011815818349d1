import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type ChatApp, chatClient, startChatApp } from '#modules/chat/testing.ts'
import { signInAdmin, type TestUser } from '#modules/identity/testing.ts'

/*
 * A bird in the mine: data that must never reach the log goes through every door, at the most talkative level, and
 * afterwards no line holds any of it.
 */
const canary = {
  username: 'canary-bird-user',
  email: 'canary.bird@example.org',
  phone: '+8613912345678',
  password: 'Canary-sings-4-nobody',
  wrong_password: 'Canary-tries-5-locks',
  provider_key: 'sk-canary0123456789abcdefghijklmnop',
  odd_key: 'CanaryKeyWithoutPrefix77',
  question: 'canaryquestion: what does the bird whisper',
  answer: 'canaryanswer',
  file: 'canaryfile content 金丝雀的秘密',
  display_name: 'Canary Displayname',
}

let app: ChatApp
let admin: TestUser
/** Tokens that the server handed out. */
const issued: string[] = []

beforeAll(async () => {
  app = await startChatApp({
    settings: { LOG_LEVEL: 'debug', DATABASE_SLOW_QUERY_MS: '1' },
    script: request => {
      const asked = JSON.stringify(request.body?.messages)
      if (asked.includes('break')) return { status: 400, body: { error: { message: `bad: ${asked}` } } }
      return { steps: [{ text: canary.answer }, { finish: 'stop' }] }
    },
  })
  admin = await signInAdmin(app)
})
afterAll(() => app.stop())

async function post(path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') {
  const response = await app.fetch(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}

async function signUpAndIn() {
  await post('/api/v1/identity/sign-up-policy', { sign_up: 'open' }, admin.headers, 'PUT')
  const { username, email, phone, password, display_name } = canary
  const account = { username, email, phone, password, display_name }
  expect((await post('/api/v1/auth/register', account)).status).toBe(202)
  // The second time it meets the unique constraints.
  expect((await post('/api/v1/auth/register', account)).status).toBe(202)
  await post('/api/v1/users', { ...account, roles: ['user'] }, admin.headers)
  await post('/api/v1/auth/login', { name: email, password: canary.wrong_password, mode: 'token' })
  await post('/api/v1/auth/login', { name: canary.phone, password, mode: 'nonsense' })
  const { status, body } = await post('/api/v1/auth/login', { name: email, password, mode: 'token' })
  expect(status).toBe(200)
  issued.push(body.access_token, body.refresh_token)
  const refreshed = await post('/api/v1/auth/refresh', { refresh_token: body.refresh_token })
  issued.push(refreshed.body.access_token, refreshed.body.refresh_token)
  return { id: body.user.id as string, headers: { authorization: `Bearer ${refreshed.body.access_token}` } }
}

async function resetPassword() {
  await post('/api/v1/auth/password/forgot', { email: canary.email })
  await vi.waitFor(async () => {
    const mailbox = await app.fetch('/api/v1/admin/mailbox', { headers: admin.headers })
    const { items } = (await mailbox.json()) as { items: { id: string }[] }
    // The mails of the sign-up may come later than this one.
    const mails = items.map(async ({ id }) => {
      const mail = await app.fetch(`/api/v1/admin/mailbox/${id}`, { headers: admin.headers })
      return mail.text()
    })
    const token = /reset-password#token=([\w-]+)/.exec((await Promise.all(mails)).join())?.[1]
    expect(token).toBeDefined()
    issued.push(token ?? '')
  }, 20_000)
  await post('/api/v1/auth/password/reset', { token: issued.at(-1), new_password: 'short' })
}

async function changeProfile(headers: Record<string, string>) {
  await post('/api/v1/users/me', { profile: { mbti: canary.question } }, headers, 'PATCH')
  await post('/api/v1/users/me', { email: canary.email, phone: canary.phone, nonsense: 1 }, headers, 'PATCH')
  await post('/api/v1/users/me', `{"email": "${canary.email}", `, headers, 'PATCH')
  await app.fetch(`/api/v1/users?q=${encodeURIComponent(canary.email)}`, { headers: admin.headers })
  await app.fetch(`/nowhere/${canary.phone}?email=${canary.email}&password=${canary.password}`)
}

async function setUpProviders() {
  for (const api_key of [canary.provider_key, canary.odd_key]) {
    const provider = { kind: 'openai-compatible', base_url: `${app.upstream.url}/v1`, api_key }
    await post('/api/v1/admin/providers', { ...provider, name: 'Canary' }, admin.headers)
    await post('/api/v1/admin/providers/test', provider, admin.headers)
    const away = { ...provider, base_url: `http://127.0.0.1:9/${api_key}` }
    await post('/api/v1/admin/providers/test', away, admin.headers)
  }
}

async function talk(user: { id: string; headers: { authorization: string } }) {
  const chat = chatClient(app, user)
  const conversation = await chat.begin({ title: canary.question })
  for (const question of [canary.question, `${canary.question} break`]) {
    const { body } = await chat.send(conversation.id, question)
    await chat.ended(body.assistant_message.id)
  }
  await app.fetch(`/api/v1/chat/search?q=${encodeURIComponent(canary.question)}`, { headers: user.headers })
  const { body } = await post(
    '/api/v1/auth/tokens',
    { name: canary.username, scopes: ['chat'] },
    user.headers,
  )
  issued.push(body.token)
  const key = { authorization: `Bearer ${body.token}` }
  for (const more of ['', ' break', ' break 2']) {
    const messages = [{ role: 'user', content: canary.question + more }]
    await post('/v1/chat/completions', { model: 'fake-1', messages, stream: more === '' }, key)
  }
  await post('/v1/embeddings', { model: 'fake-1', input: canary.question }, key)
  await post('/v1/chat/completions', { messages: canary.question }, key)
  const form = new FormData()
  form.append('file', new Blob([canary.file], { type: 'text/plain' }), `${canary.email}.txt`)
  await app.fetch('/api/v1/chat/attachments', { method: 'POST', headers: user.headers, body: form })
}

async function listen(user: { id: string; headers: { authorization: string } }) {
  const token = user.headers.authorization.slice('Bearer '.length)
  const { body } = await post('/api/v1/realtime/tickets', '', user.headers)
  issued.push(body.ticket)
  const wrong = `${token.slice(0, -2)}xx`
  issued.push(wrong)
  for (const query of [
    `token=${token}`,
    `ticket=${body.ticket}`,
    `ticket=${body.ticket}`,
    `token=${wrong}`,
  ]) {
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/api/v1/realtime/ws?${query}`)
    socket.once('message', () => socket.close())
    socket.once('open', () => {
      socket.send(JSON.stringify({ type: 'subscribe', channel: `chat.user.${canary.email}` }))
      socket.send(canary.question)
    })
    await once(socket, 'close')
  }
  await app.fetch(`/api/v1/realtime/sse?channel=chat.user.nobody&token=${token}`)
}

async function breakTheDatabase() {
  const { log, db } = app.core
  const broken = await db.pool
    .query('INSERT INTO identity_user (id, email) VALUES (1, $1)', [canary.email])
    .then(
      () => null,
      (error: unknown) => error,
    )
  log.error({ error: broken }, 'an error from the database')
  const duplicate = await db.pool
    .query('INSERT INTO identity_user SELECT * FROM identity_user WHERE email = $1', [canary.email])
    .then(
      () => null,
      (error: unknown) => error,
    )
  expect(String(duplicate)).toContain('duplicate')
  log.error({ error: new Error('wrapped', { cause: duplicate }) }, 'a unique violation')
}

test('no log line holds an address, a number, a password, a token, a key or a word of a conversation', async () => {
  const user = await signUpAndIn()
  await resetPassword()
  await changeProfile(user.headers)
  await setUpProviders()
  await talk(user)
  await listen(user)
  await breakTheDatabase()
  await vi.waitFor(() => expect(app.logLines.join('')).toContain('chat.make_title'), 20_000)

  expect(app.logLines.length).toBeGreaterThan(50)
  const bare = canary.phone.slice(3)
  const secrets = [
    ...Object.values(canary),
    ...issued,
    bare,
    'canaryquestion',
    encodeURIComponent(canary.email),
  ]
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8)
    const leak = app.logLines.find(line => line.includes(secret))
    expect(leak, `“${secret.slice(0, 12)}…” is in the log`).toBeUndefined()
  }
})

test('every line is one JSON object with timestamp, level, logger, message; requests name user and duration', () => {
  const lines = app.logLines.map(line => JSON.parse(line) as Record<string, unknown>)
  for (const line of lines) {
    expect(line.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(line.level).toMatch(/^(DEBUG|INFO|WARN|ERROR)$/)
    expect(line.logger, JSON.stringify(line)).toMatch(/^\w+$/)
    expect(line.message).toBeTypeOf('string')
  }
  const requests = lines.filter(({ logger }) => logger === 'http')
  expect(requests.length).toBeGreaterThan(20)
  for (const line of requests) {
    expect(line.request_id).toMatch(/^[\w-]{8,64}$/)
    expect(line.duration).toBeTypeOf('number')
    expect(line.route).toBeTypeOf('string')
    // The fields of one line do not stick to the next of the same request.
    expect(line.error).toBeUndefined()
  }
  expect(requests.some(({ user_id }) => user_id === admin.user.id)).toBe(true)
  expect(app.logLines.every(line => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true)
})
