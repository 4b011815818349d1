import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import identity from './index.ts'
import { signInAdmin, signUp, type TestUser } from './testing.ts'
import { ask, bodyOf, codeOf } from './testing-http.ts'

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity] })
})
afterAll(() => app.stop())

const send = (method: string, path: string, who: TestUser | null, body?: unknown) =>
  ask(app, method, path, who, body)

const mailsTo = async (address: string) => {
  const { items } = await app.core.mail.mailbox.list({ limit: 100 })
  return items.filter(item => item.to === address)
}

/** The token of the newest link to an address. */
async function tokenTo(address: string): Promise<string> {
  const [newest] = await mailsTo(address)
  const mail = newest && (await app.core.mail.mailbox.get(newest.id))
  return /\/verify-email#token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? ''
}

const verify = (token: string) => send('POST', '/auth/email/verify', null, { token })
const me = async (who: TestUser) => bodyOf(await send('GET', '/users/me', who))

/** Lets time pass for the links of a user. */
const later = ({ user }: TestUser, interval: string) =>
  sql`UPDATE identity_one_time_token SET expires_at = expires_at - ${interval}::interval
    WHERE user_id = ${user.id}`.execute(app.core.db.primary)

let count = 0
const address = () => `mail-${++count}@example.com`

test('sign-up mails a link; opening it verifies the address, once', async () => {
  const email = address()
  const body = { username: 'newcomer', password: 'teapot-9-window', email }
  expect((await send('POST', '/auth/register', null, body)).status).toBe(202)
  const [mail] = await mailsTo(email)
  expect(mail).toMatchObject({ to: email })
  const token = await tokenTo(email)
  const signedIn = await bodyOf(
    await send('POST', '/auth/login', null, { name: 'newcomer', password: body.password }),
  )
  // Nothing is locked without it.
  expect(signedIn).toMatchObject({ user: { email, email_verified_at: null, pending_email: null } })
  expect((await verify(token)).status).toBe(204)
  expect(await codeOf(await verify(token))).toBe('auth.link_invalid')
  const headers = { authorization: `Bearer ${signedIn.access_token}` }
  const response = await app.fetch('/api/v1/users/me', { headers })
  expect(await response.json()).toMatchObject({ email, email_verified_at: expect.any(String) })
})

test('one’s own new address counts once its link is opened, and the old one hears of it', async () => {
  const old = address()
  const next = address()
  const own = await signUp(app, { email: old })
  const patched = await send('PATCH', '/users/me', own, { email: next.toUpperCase() })
  expect(await bodyOf(patched)).toMatchObject({ email: old, pending_email: next })
  expect(await mailsTo(old)).toEqual([])
  // Saving the same again sends nothing more.
  await send('PATCH', '/users/me', own, { email: next })
  expect(await mailsTo(next)).toHaveLength(1)
  expect((await verify(await tokenTo(next))).status).toBe(204)
  expect(await me(own)).toMatchObject({
    email: next,
    pending_email: null,
    email_verified_at: expect.any(String),
  })
  expect(await mailsTo(old)).toHaveLength(1)
})

test('an address that another account has looks like any other until its link is opened', async () => {
  const taken = address()
  const free = address()
  const holder = await signUp(app, { email: taken })
  const answers = []
  for (const email of [taken, free]) {
    const own = await signUp(app)
    const response = await send('PATCH', '/users/me', own, { email })
    const { pending_email, email: now } = await bodyOf(response)
    answers.push({
      status: response.status,
      now,
      isPending: pending_email === email,
      mails: (await mailsTo(email)).length,
    })
    if (email === taken) {
      expect(await codeOf(await verify(await tokenTo(taken)))).toBe('user.name_taken')
      expect(await me(own)).toMatchObject({ email: null, pending_email: taken })
    }
  }
  expect(answers[0]).toEqual(answers[1])
  expect(await me(holder)).toMatchObject({ email: taken })
})

test('an address that was given up cannot be confirmed any more', async () => {
  const [old, first, second] = [address(), address(), address()]
  const own = await signUp(app, { email: old })
  await send('PATCH', '/users/me', own, { email: first })
  const stale = await tokenTo(first)
  await send('PATCH', '/users/me', own, { email: second })
  expect(await codeOf(await verify(stale))).toBe('auth.link_invalid')
  await send('PATCH', '/users/me', own, { email: old })
  expect(await me(own)).toMatchObject({ email: old, pending_email: null })
  expect(await codeOf(await verify(await tokenTo(second)))).toBe('auth.link_invalid')
  // What an administrator gives counts at once, and needs to be verified again.
  const admin = await signInAdmin(app)
  await send('PATCH', '/users/me', own, { email: first })
  const given = address()
  const set = await send('PATCH', `/users/${own.user.id}`, admin, { email: given })
  expect(await bodyOf(set)).toMatchObject({ email: given, email_verified_at: null })
  expect(await codeOf(await verify(await tokenTo(first)))).toBe('auth.link_invalid')
  // One’s own can be taken away at once.
  expect(await bodyOf(await send('PATCH', '/users/me', own, { email: null }))).toMatchObject({ email: null })
})

test('the mail is sent again on request, a few times an hour, and holds for a day', async () => {
  const email = address()
  const own = await signUp(app, { email })
  const again = () => send('POST', '/auth/email/verification', own, {})
  for (let sent = 0; sent < 5; sent++) expect((await again()).status).toBe(202)
  expect(await codeOf(await again())).toBe('email.too_many_mails')
  expect(await codeOf(await send('PATCH', '/users/me', own, { email: address() }))).toBe(
    'email.too_many_mails',
  )
  const first = await tokenTo(email)
  await later(own, '1 hour')
  expect((await again()).status).toBe(202)
  await later(own, '23 hours')
  expect(await codeOf(await verify(first))).toBe('auth.link_invalid')
  expect((await verify(await tokenTo(email))).status).toBe(204)
  const fresh = await signUp(app, { email: address() })
  expect(await codeOf(await send('POST', '/auth/email/verification', await signUp(app), {}))).toBe(
    'email.verified',
  )
  expect((await send('POST', '/auth/email/verification', fresh, {})).status).toBe(202)
})
