import { afterEach, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { identityKey } from './contract.ts'
import { isLoopbackOnly } from './deps.ts'
import identity from './index.ts'
import { signInAdmin, type TestUser } from './testing.ts'
import { ask, bodyOf, codeOf } from './testing-http.ts'

const good = 'kettle-7-lantern'
let app: TestApp | undefined

async function start(settings: Record<string, string> = {}) {
  app = await startTestApp({ modules: [identity], settings })
  return app
}
afterEach(async () => {
  await app?.stop()
  app = undefined
})

const send = (path: string, body: unknown, who: TestUser | null = null, method = 'POST') =>
  ask(app as TestApp, method, path, who, body)

const policy = async () => bodyOf(await (app as TestApp).fetch('/api/v1/auth/policy'))

test('sign-up is open on loopback, closed beyond it, and as the setting says', async () => {
  await start()
  expect(await policy()).toEqual({ sign_up: 'open' })
  await app?.stop()
  await start({ HOST: '0.0.0.0' })
  expect(await policy()).toMatchObject({ sign_up: 'closed' })
  expect(await codeOf(await send('/auth/register', { username: 'stranger', password: good }))).toBe(
    'sign_up.closed',
  )
  await app?.stop()
  await start({ HOST: '0.0.0.0', SIGN_UP: 'invitation' })
  expect(await policy()).toMatchObject({ sign_up: 'invitation' })
})

test.each<[Partial<Parameters<typeof isLoopbackOnly>[0]>, boolean]>([
  [{}, true],
  [{ HOST: '::1' }, true],
  [{ PUBLIC_URL: 'http://localhost:8080' }, true],
  [{ PUBLIC_URL: 'https://ai.example.com' }, false],
  [{ TRUSTED_PROXIES: ['127.0.0.1'] }, false],
  [{ HOST: '0.0.0.0' }, false],
])('with %j, only this machine reaches the server: %s', (changed, expected) => {
  const settings = { HOST: '127.0.0.1', PUBLIC_URL: '', TRUSTED_PROXIES: [], ...changed }
  expect(isLoopbackOnly(settings)).toBe(expected)
})

test('by invitation: once, for its address, with its roles; what administrators decide goes over the setting', async () => {
  await start({ SIGN_UP: 'closed' })
  const admin = await signInAdmin(app as TestApp)
  expect(await codeOf(await send('/identity/invitations', {}, admin))).toBe('invitation.sign_up_closed')
  expect((await send('/identity/sign-up-policy', { sign_up: 'invitation' }, admin, 'PUT')).status).toBe(200)
  expect(await policy()).toMatchObject({ sign_up: 'invitation' })
  const register = (username: string, more: object = {}) =>
    send('/auth/register', { username, password: good, ...more })
  expect(await codeOf(await register('uninvited'))).toBe('sign_up.invitation_needed')
  expect(await codeOf(await register('uninvited', { invitation: 'x'.repeat(43) }))).toBe('invitation.invalid')

  const invite = async (body: object) => bodyOf(await send('/identity/invitations', body, admin))
  const { token: invitation } = await invite({ roles: ['streamer'] })
  expect((await register('invited', { invitation })).status).toBe(202)
  expect(await codeOf(await register('second', { invitation }))).toBe('invitation.invalid')
  const login = await send('/auth/login', { name: 'invited', password: good })
  expect((await bodyOf(login)).user.roles).toEqual(['streamer'])

  const personal = await invite({ email: 'Guest@example.com' })
  const mine = { invitation: personal.token }
  expect(await codeOf(await register('guest', mine))).toBe('invitation.invalid')
  expect(await codeOf(await register('guest', { ...mine, email: 'other@example.com' }))).toBe(
    'invitation.invalid',
  )
  expect((await register('invited', { ...mine, email: 'guest@example.com' })).status).toBe(202)
  expect((await register('guest', { ...mine, email: 'guest@EXAMPLE.com' })).status).toBe(202)
  expect((await send('/auth/login', { name: 'guest', password: good })).status).toBe(200)

  const list = await bodyOf(await (app as TestApp).fetch('/api/v1/identity/invitations', admin))
  expect(list.items).toMatchObject([
    { email: 'guest@example.com', used_at: expect.any(String) },
    { email: null },
  ])
  expect(JSON.stringify(list)).not.toContain(invitation)
  const back = await invite({})
  expect((await send(`/identity/invitations/${back.id}`, {}, admin, 'DELETE')).status).toBe(204)
  expect(await codeOf(await register('late', { invitation: back.token }))).toBe('invitation.invalid')
})

test('the first start makes one administrator and a link, again at each start until it was used', async () => {
  await start()
  const contract = (app as TestApp).app.use(identityKey)
  const made = await Promise.all([contract.bootstrap(), contract.bootstrap(), contract.bootstrap()])
  const { rows } = await (app as TestApp).core.db.pool.query('SELECT username, roles FROM identity_user')
  expect(rows).toEqual([{ username: 'admin', roles: ['super_admin'] }])
  const token = made[0]?.sign_in_link_token
  const signedIn = await (app as TestApp).fetch('/api/v1/auth/link', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ token }),
  })
  expect((await bodyOf(signedIn)).user).toMatchObject({ username: 'admin', roles: ['super_admin'] })
  expect(await contract.bootstrap()).toBeNull()
  const link = await contract.createSignInLink()
  expect(link).toMatchObject({ username: 'admin' })
  await expect(contract.createSignInLink('nobody')).rejects.toMatchObject({ code: 'user.not_found' })
})

test('with ADMIN_EMAIL and ADMIN_PASSWORD there is no link, and a weak password stops the start', async () => {
  await start({ ADMIN_EMAIL: 'Boss@Example.com', ADMIN_PASSWORD: good })
  expect(await (app as TestApp).app.use(identityKey).bootstrap()).toBeNull()
  expect((await send('/auth/login', { name: 'boss@example.com', password: good })).status).toBe(200)
  await app?.stop()
  await start({ ADMIN_PASSWORD: 'admin123' })
  await expect((app as TestApp).app.use(identityKey).bootstrap()).rejects.toThrow(/ADMIN_PASSWORD/)
})
