import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { defineModule } from '#core/module.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { scopesAllow } from './authenticate.ts'
import identity from './index.ts'
import { signInAdmin, signUp } from './testing.ts'
import { ask, bodyOf } from './testing-http.ts'

/** Stands for the other products: a permission of its own, and a route that asks for a sign-in only. */
const zoo = defineModule({
  name: 'zoo',
  settings: {},
  permissions: [
    { name: 'zoo.animals.read', roles: ['user'] },
    { name: 'zoo.animals.feed', roles: ['user'] },
    { name: 'chat.cages.read', roles: ['user'] },
  ],
  migrations: [],
  setup: () => ({
    routes(router) {
      const route = (method: 'GET' | 'POST', path: string, access: string) =>
        router.route({ method, path: `/api/v1${path}`, access, summary: path, handler: () => undefined })
      route('GET', '/zoo/animals', 'zoo.animals.read')
      route('POST', '/zoo/meals', 'zoo.animals.feed')
      route('POST', '/zoo/tickets', 'signed_in')
      route('GET', '/chat/cages', 'chat.cages.read')
      route('POST', '/chat/cages', 'signed_in')
    },
  }),
})

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity, zoo] })
})
afterAll(() => app.stop())

const send = (method: string, path: string, authorization: string, body?: unknown) =>
  ask(app, method, path, { headers: { authorization } }, body)

async function makeToken(scopes: string[], more: object = {}) {
  const owner = await signUp(app)
  const created = await send('POST', '/auth/tokens', owner.headers.authorization, {
    name: 'ci',
    scopes,
    ...more,
  })
  expect(created.status).toBe(201)
  const { token, ...view } = await bodyOf(created)
  return { owner, token, view, authorization: `Bearer ${token}` }
}

test('a token is shown once, and afterwards known by its last four characters and its last use', async () => {
  const { owner, token, view, authorization } = await makeToken(['all'])
  expect(token).toMatch(/^bnt_[0-9A-Za-z]{46}$/)
  expect(view).toMatchObject({ name: 'ci', scopes: ['all'], last_four: token.slice(-4), last_used_at: null })
  expect((await send('GET', '/users/me', authorization)).status).toBe(200)
  await vi.waitFor(async () => {
    const list = await send('GET', '/auth/tokens', owner.headers.authorization)
    const text = await list.text()
    expect(text).not.toContain(token)
    expect(JSON.parse(text).items).toMatchObject([{ id: view.id, last_used_at: expect.any(String) }])
  }, 30_000)
})

const requests = [
  ['GET', '/zoo/animals'],
  ['POST', '/zoo/meals'],
  ['POST', '/zoo/tickets'],
  ['GET', '/chat/cages'],
  ['POST', '/chat/cages'],
  ['GET', '/users/me'],
  ['GET', '/auth/sessions'],
] as const

test.each<[string[], number[]]>([
  [['all'], [204, 204, 204, 204, 204, 200, 200]],
  [['read'], [204, 403, 403, 204, 403, 200, 200]],
  [['chat'], [403, 403, 403, 204, 204, 200, 403]],
  [['zoo.animals.read'], [204, 403, 204, 403, 403, 200, 403]],
  [
    ['read', 'chat'],
    [204, 403, 403, 204, 204, 200, 200],
  ],
  [
    ['zoo.animals.read', 'zoo.animals.feed'],
    [204, 204, 204, 403, 403, 200, 403],
  ],
])('a token with %j', async (scopes, statuses) => {
  const { authorization } = await makeToken(scopes)
  const seen: number[] = []
  for (const [method, path] of requests) seen.push((await send(method, path, authorization)).status)
  expect(seen).toEqual(statuses)
})

test('a token never manages credentials, not even one with all scopes', async () => {
  const { owner, authorization, view } = await makeToken(['all'])
  const attempts = [
    ['POST', '/auth/tokens', { name: 'more', scopes: ['all'] }],
    ['DELETE', `/auth/tokens/${view.id}`, undefined],
    ['PUT', '/auth/password', { current_password: null, new_password: 'kettle-7-lantern' }],
    ['POST', '/auth/logout', { everywhere: true }],
    ['DELETE', `/users/${owner.user.id}`, undefined],
    ['PATCH', '/users/me', { email: 'thief@example.com' }],
  ] as const
  for (const [method, path, body] of attempts) {
    const response = await send(method, path, authorization, body)
    expect([path, response.status]).toEqual([path, 403])
    expect((await bodyOf(response)).code).toBe('auth.api_token_refused')
  }
})

test('nobody makes a token for what he may not do himself', async () => {
  const { headers } = await signUp(app)
  const make = (scopes: string[]) =>
    send('POST', '/auth/tokens', headers.authorization, { name: 'x', scopes })
  for (const scope of ['identity.users.manage', 'nonsense', '*']) {
    const response = await make([scope])
    expect(response.status).toBe(400)
    expect((await bodyOf(response)).code).toBe('scope.unknown')
  }
  expect((await make(['identity.organisations.create'])).status).toBe(201)
})

test('a revoked token fails at once, and only its owner can revoke it', async () => {
  const { owner, authorization, view } = await makeToken(['all'])
  expect((await send('GET', '/users/me', authorization)).status).toBe(200)
  const other = await signUp(app)
  expect((await send('DELETE', `/auth/tokens/${view.id}`, other.headers.authorization)).status).toBe(404)
  expect((await send('GET', '/users/me', authorization)).status).toBe(200)
  expect((await send('DELETE', `/auth/tokens/${view.id}`, owner.headers.authorization)).status).toBe(204)
  expect((await send('GET', '/users/me', authorization)).status).toBe(401)
})

test('a token ends on its day', async () => {
  const end = Date.now() + 600_000
  const { authorization } = await makeToken(['all'], { expires_at: new Date(end).toISOString() })
  expect((await send('GET', '/users/me', authorization)).status).toBe(200)
  const now = vi.spyOn(app.core.clock, 'now').mockReturnValue(end - 1)
  onTestFinished(() => now.mockRestore())
  expect((await send('GET', '/users/me', authorization)).status).toBe(200)
  now.mockReturnValue(end)
  expect((await send('GET', '/users/me', authorization)).status).toBe(401)
  const { headers } = await signUp(app)
  const past = { name: 'x', scopes: ['all'], expires_at: '2020-01-01T00:00:00Z' }
  const refused = await send('POST', '/auth/tokens', headers.authorization, past)
  expect((await bodyOf(refused)).code).toBe('api_token.expiry_passed')
})

test('a token loses what its owner loses', async () => {
  const admin = await signInAdmin(app)
  const { authorization } = await makeToken(['zoo.animals.feed'])
  const set = (permissions: string[]) =>
    send('PUT', '/identity/roles/user', admin.headers.authorization, { permissions })
  const before =
    (await bodyOf(await send('GET', '/identity/roles', admin.headers.authorization))).items.find(
      role => role.name === 'user',
    )?.permissions ?? []
  expect((await send('POST', '/zoo/meals', authorization)).status).toBe(204)
  expect((await set(before.filter(name => name !== 'zoo.animals.feed'))).status).toBe(200)
  expect((await send('POST', '/zoo/meals', authorization)).status).toBe(403)
  expect((await set(before)).status).toBe(200)
  expect((await send('POST', '/zoo/meals', authorization)).status).toBe(204)
})

test('scopes open whole path segments only', () => {
  expect(scopesAllow(['chat'], 'POST', '/api/v1/chatter/x')).toBe(false)
  expect(scopesAllow(['chat'], 'POST', '/api/v1/chat/x?y=1')).toBe(true)
  expect(scopesAllow(['chat'], 'POST', '/v1/chat/completions')).toBe(true)
  expect(scopesAllow(['live.rooms.read'], 'GET', '/v1/models')).toBe(false)
  expect(scopesAllow(['read'], 'DELETE', '/api/v1/chat/x')).toBe(false)
})
