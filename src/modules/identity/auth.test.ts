import * as bcrypt from '@node-rs/bcrypt'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { identityKey } from './contract.ts'
import identity from './index.ts'
import type { IdentityTables } from './tables.ts'
import { signInAdmin, signUp } from './testing.ts'
import { ask, bodyOf } from './testing-http.ts'

const good = 'kettle-7-lantern'
let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity] })
})
afterAll(() => app.stop())

const tables = () => app.core.db.withTables<IdentityTables>().primary

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(app, 'POST', path, { headers }, body)

const login = (name: string, password: string, headers?: Record<string, string>) =>
  post('/auth/login', { name, password, mode: 'token' }, headers)

/** What an answer looks like from outside, without what differs between any two requests. */
async function face(response: Response) {
  const { request_id: _, ...body } = (await response.json()) as { request_id: string; code?: string }
  return { status: response.status, type: response.headers.get('content-type'), body }
}

/** No time passes until the test is over: on a busy machine a wait of a second would be over too soon. */
function stopTheClock() {
  const now = vi.spyOn(app.core.clock, 'now').mockReturnValue(Date.now())
  onTestFinished(() => now.mockRestore())
}

const waitOver = () => tables().updateTable('identity_throttle').set({ locked_until: null }).execute()

test('a newcomer registers, signs in by any name, in any case, and sees itself', async () => {
  const input = {
    username: 'Mei.Lan',
    password: good,
    email: 'Mei@Example.com',
    phone: '138 0013 8000',
    display_name: '兰梅',
    locale: 'zh-CN',
    time_zone: 'Asia/Tokyo',
  }
  expect(await face(await post('/auth/register', input))).toMatchObject({ status: 202, body: {} })
  for (const name of ['mei.lan', 'MEI.LAN ', 'mei@EXAMPLE.com', '13800138000', '+86 138 0013 8000']) {
    const response = await login(name, good)
    expect(response.status).toBe(200)
    const { user, access_token, expires_in } = await bodyOf(response)
    expect(expires_in).toBe(900)
    expect(user).toMatchObject({
      username: 'Mei.Lan',
      email: 'mei@example.com',
      phone: '+8613800138000',
      display_name: '兰梅',
      time_zone: 'Asia/Tokyo',
      roles: ['user'],
      is_active: true,
      organisations: [],
    })
    expect(JSON.stringify(user)).not.toContain('argon2')
    const me = await app.fetch('/api/v1/users/me', { headers: { authorization: `Bearer ${access_token}` } })
    expect((await bodyOf(me)).id).toBe(user.id)
  }
})

test('sign-up answers the same for a new name and for a taken name, address or number, and takes nothing over', async () => {
  await post('/auth/register', {
    username: 'first',
    password: good,
    email: 'first@example.com',
    phone: '13900000001',
  })
  const fresh = await face(await post('/auth/register', { username: 'second', password: good }))
  const attempts = [
    { username: 'FIRST' },
    { username: 'third', email: 'First@example.com' },
    { username: 'fourth', phone: '+8613900000001' },
    { username: 'admin' },
  ]
  for (const names of attempts) {
    const answer = await face(await post('/auth/register', { ...names, password: 'other-9-teapot' }))
    expect(answer).toEqual(fresh)
    expect((await login(names.username, 'other-9-teapot')).status).toBe(401)
  }
  expect((await login('first', good)).status).toBe(200)
})

test.each([
  ['short7a', 'password.too_short'],
  ['lettersonly', 'password.letters_and_digits'],
  ['Password123', 'password.common'],
  ['newcomer12', 'password.like_name'],
])('the password %s is refused with %s, in the language of the caller', async (password, code) => {
  const response = await post(
    '/auth/register',
    { username: 'newcomer', password },
    { 'accept-language': 'zh-CN' },
  )
  expect(response.status).toBe(400)
  const problem = await bodyOf(response)
  expect(problem.code).toBe(code)
  expect(problem.detail).toMatch(/密码/)
})

test('sign-in fails alike for unknown names, wrong passwords, disabled accounts and accounts without a password', async () => {
  await post('/auth/register', { username: 'known', password: good })
  const disabled = await signUp(app, { password: good })
  const passwordless = await signUp(app)
  await tables()
    .updateTable('identity_user')
    .set({ is_active: false })
    .where('id', '=', disabled.user.id)
    .execute()
  const wrong = await face(await login('known', 'wrong-8-password'))
  expect(wrong).toMatchObject({ status: 401, body: { code: 'auth.invalid_credentials' } })
  for (const name of [
    'nobody',
    'no@body.com',
    '13711111111',
    '??',
    disabled.user.username,
    passwordless.user.username,
  ])
    expect(await face(await login(name, good))).toEqual(wrong)
})

test('an unknown name costs as much hashing as a known one', async () => {
  const verify = vi.spyOn(app.core.passwords, 'verify')
  await login('nobody-at-all', good)
  await login('known', 'wrong-8-password')
  expect(verify).toHaveBeenCalledTimes(2)
  expect(verify.mock.calls[0]?.[1]).toBeNull()
  verify.mockRestore()
  await waitOver()
})

test('after five failures an account waits, known or not, and even the right password waits with it', async () => {
  stopTheClock()
  const { user } = await signUp(app, { password: good })
  const waits = async (name: string) => {
    for (let attempt = 1; attempt <= 5; attempt++)
      expect((await login(name, 'wrong-8-password')).status).toBe(401)
    const refused = await login(name, good)
    expect(Number(refused.headers.get('retry-after'))).toBe(1)
    const seen = await face(refused)
    expect(seen).toMatchObject({ status: 429, body: { code: 'auth.too_many_attempts' } })
    return seen
  }
  expect(await waits(user.username)).toEqual(await waits('nobody-here'))

  await waitOver()
  expect((await login(user.username, 'wrong-8-password')).status).toBe(401)
  expect(Number((await login(user.username, good)).headers.get('retry-after'))).toBe(2)
  await waitOver()
  expect((await login(user.username, good)).status).toBe(200)
  expect((await login(user.username, 'wrong-8-password')).status).toBe(401)
  expect((await login(user.username, good)).status).toBe(200)
})

test('fifty wrong passwords at once are not fifty tries', async () => {
  stopTheClock()
  await waitOver()
  const { user } = await signUp(app, { password: good })
  const verify = vi.spyOn(app.core.passwords, 'verify')
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => login(user.username, `wrong-${n}-password`)),
  )
  const statuses = answers.map(answer => answer.status)
  expect(statuses.filter(status => status === 401).length).toBeLessThanOrEqual(6)
  expect(new Set(statuses)).toEqual(new Set([401, 429]))
  expect(verify.mock.calls.length).toBeLessThanOrEqual(6)
  verify.mockRestore()
  await tables().deleteFrom('identity_throttle').execute()
})

test('an address that tries many names waits too', async () => {
  stopTheClock()
  const answers: number[] = []
  for (let n = 0; n < 32; n++) answers.push((await login(`guess-${n}`, 'wrong-8-password')).status)
  expect(answers.indexOf(429)).toBe(30)
  await tables().deleteFrom('identity_throttle').execute()
})

test('a bcrypt hash lets its owner in, and is argon2id afterwards', async () => {
  const { user } = await signUp(app)
  const password_hash = await bcrypt.hash(good, 4)
  await tables().updateTable('identity_user').set({ password_hash }).where('id', '=', user.id).execute()
  expect((await login(user.username, good)).status).toBe(200)
  const row = await tables()
    .selectFrom('identity_user')
    .select('password_hash')
    .where('id', '=', user.id)
    .executeTakeFirstOrThrow()
  expect(row.password_hash).toMatch(/^\$argon2id\$/)
  expect((await login(user.username, good)).status).toBe(200)
})

test('a changed password ends the other sessions, and the old one no longer works', async () => {
  const { user } = await signUp(app, { password: good })
  const here = await bodyOf(await login(user.username, good))
  const there = await bodyOf(await login(user.username, good))
  const headers = { authorization: `Bearer ${here.access_token}`, 'content-type': 'application/json' }
  const change = (body: object) =>
    app.fetch('/api/v1/auth/password', { method: 'PUT', headers, body: JSON.stringify(body) })
  const next = 'teapot-9-window'
  expect((await face(await change({ current_password: null, new_password: next }))).body.code).toBe(
    'password.wrong',
  )
  expect((await face(await change({ current_password: 'x', new_password: next }))).body.code).toBe(
    'password.wrong',
  )
  expect((await change({ current_password: good, new_password: 'password1' })).status).toBe(400)
  expect((await change({ current_password: good, new_password: next })).status).toBe(204)
  const me = (token: string) =>
    app.fetch('/api/v1/users/me', { headers: { authorization: `Bearer ${token}` } })
  expect((await me(here.access_token)).status).toBe(200)
  expect((await me(there.access_token)).status).toBe(401)
  expect((await login(user.username, good)).status).toBe(401)
  expect((await login(user.username, next)).status).toBe(200)
})

test('a forgotten password is reset by a mailed link, once, and the log holds neither link nor address', async () => {
  const email = 'forgetful@example.com'
  const { user, headers } = await signUp(app, { password: good, email })
  const known = await face(await post('/auth/password/forgot', { email: ' Forgetful@Example.com' }))
  const unknown = await face(await post('/auth/password/forgot', { email: 'nobody@example.com' }))
  const nonsense = await face(await post('/auth/password/forgot', { email: 'nonsense' }))
  expect(known).toEqual({ status: 202, type: expect.any(String), body: {} })
  expect(unknown).toEqual(known)
  expect(nonsense).toEqual(known)
  const mail = await vi.waitFor(async () => {
    const { items } = await app.core.mail.mailbox.list({ limit: 10 })
    const found = items.find(item => item.to === email)
    expect(found).toBeDefined()
    return app.core.mail.mailbox.get(found?.id ?? '')
  }, 30_000)
  const token = /reset-password#token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? ''
  const reset = (new_password: string) => post('/auth/password/reset', { token, new_password })
  expect((await reset('password1')).status).toBe(400)
  // Somebody else has the account locked; the reset ends that.
  for (let attempt = 0; attempt < 6; attempt++) await login(user.username, 'wrong-8-password')
  expect((await reset('teapot-9-window')).status).toBe(204)
  expect((await face(await reset('other-5-kettle'))).body.code).toBe('auth.link_invalid')
  expect((await app.fetch('/api/v1/users/me', { headers })).status).toBe(401)
  expect((await login(email, 'teapot-9-window')).status).toBe(200)
  expect((await login(user.username, 'teapot-9-window')).status).toBe(200)
  const log = app.logLines.join('\n')
  expect(log).not.toContain(token)
  expect(log).not.toContain('forgetful@')
  const { items } = await app.core.mail.mailbox.list({ limit: 100 })
  expect(items.filter(item => ['nobody@example.com', 'nonsense'].includes(item.to))).toEqual([])
})

test('every attempt is in the log of sign-ins, with address and program', async () => {
  const { user, headers } = await signUp(app, { password: good })
  const agent = { 'user-agent': 'Kettle/7' }
  await login(user.username, 'wrong-8-password', agent)
  await login(user.username, good, agent)
  const { items } = await bodyOf(await app.fetch('/api/v1/auth/sign-ins', { headers }))
  expect(items).toMatchObject([
    { succeeded: true, method: 'password', ip: '127.0.0.1', user_agent: 'Kettle/7', user_id: user.id },
    { succeeded: false, method: 'password', user_agent: 'Kettle/7' },
  ])
  const admin = await signInAdmin(app)
  const all = await app.fetch(`/api/v1/identity/sign-ins?user_id=${user.id}&limit=1`, {
    headers: admin.headers,
  })
  const page = await bodyOf(all)
  expect(page.items).toMatchObject([{ username: user.username, succeeded: true }])
  expect(page.next_cursor).toEqual(expect.any(String))
})

test('the very first sign-in by a link takes over the language of the browser, later ones do not', async () => {
  const { user } = await signUp(app, { locale: 'zh-CN' })
  const localeAfter = async (language: string) => {
    const { token } = await app.app.use(identityKey).createSignInLink(user.username)
    const headers = { 'sec-fetch-site': 'same-origin', 'accept-language': language }
    return (await bodyOf(await post('/auth/link', { token }, headers))).user.locale
  }
  expect(await localeAfter('en-GB,en;q=0.9')).toBe('en')
  expect(await localeAfter('zh-CN')).toBe('en')
})

test('a sign-in link works once, in a browser session, and lets a password be set without the old one', async () => {
  const { user } = await signUp(app)
  const { token } = await app.app.use(identityKey).createSignInLink(user.username)
  const sameOrigin = { 'sec-fetch-site': 'same-origin' }
  const response = await post('/auth/link', { token }, sameOrigin)
  expect(response.status).toBe(200)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await bodyOf(response)).user.id).toBe(user.id)
  expect((await face(await post('/auth/link', { token }, sameOrigin))).body.code).toBe('auth.link_invalid')
  const set = await app.fetch('/api/v1/auth/password', {
    method: 'PUT',
    headers: { cookie, ...sameOrigin, 'content-type': 'application/json' },
    body: JSON.stringify({ current_password: null, new_password: good }),
  })
  expect(set.status).toBe(204)
  expect((await login(user.username, good)).status).toBe(200)
})

test('two uses of one link at the same moment sign in once', async () => {
  const { user } = await signUp(app)
  const { token } = await app.app.use(identityKey).createSignInLink(user.username)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post('/auth/link', { token }, { 'sec-fetch-site': 'same-origin' })),
  )
  expect(answers.map(answer => answer.status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400])
})
