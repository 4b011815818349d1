import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import identity from './index.ts'
import { signInAdmin, signUp, type TestUser } from './testing.ts'
import { ask, bodyOf } from './testing-http.ts'

/*
 * Every route of this module, asked by five kinds of caller. `owner` is whom the thing belongs to; `other` is another
 * user; `outsider` is the owner of another organisation. A route that nobody listed here fails the test.
 */
type Caller = 'owner' | 'other' | 'outsider' | 'admin' | 'anonymous'
const callers: Caller[] = ['anonymous', 'other', 'outsider', 'admin', 'owner']

/** Whether each caller gets in: 401 or 403 or 404, or anything else (`ok`), which may be a complaint about the body. */
type Row = Record<Caller, 'ok' | 401 | 403 | 404>

const signedIn: Row = { owner: 'ok', other: 'ok', outsider: 'ok', admin: 'ok', anonymous: 401 }
const anyone: Row = { ...signedIn, anonymous: 'ok' }
const administrators: Row = { owner: 403, other: 403, outsider: 403, admin: 'ok', anonymous: 401 }
const ownThing: Row = { owner: 'ok', other: 404, outsider: 404, admin: 404, anonymous: 401 }
const ownOrAdmin: Row = { ...ownThing, admin: 'ok' }

const table: Record<string, Row> = {
  'GET /auth/policy': anyone,
  'POST /auth/register': anyone,
  'POST /auth/login': anyone,
  'POST /auth/link': anyone,
  'POST /auth/refresh': anyone,
  'POST /auth/logout': signedIn,
  'PUT /auth/password': signedIn,
  'POST /auth/password/forgot': anyone,
  'POST /auth/password/reset': anyone,
  'POST /auth/email/verification': signedIn,
  'POST /auth/email/verify': anyone,
  'GET /auth/sessions': signedIn,
  'DELETE /auth/sessions/:id': ownThing,
  'GET /auth/tokens': signedIn,
  'POST /auth/tokens': signedIn,
  'DELETE /auth/tokens/:id': ownThing,
  'GET /auth/sign-ins': signedIn,
  'GET /identity/sign-ins': administrators,
  'GET /users/me': signedIn,
  'PUT /users/me': signedIn,
  'PATCH /users/me': signedIn,
  'PUT /users/me/avatar': signedIn,
  'DELETE /users/me/avatar': signedIn,
  'GET /users/:id/avatar': { owner: 404, other: 404, outsider: 404, admin: 404, anonymous: 401 },
  'GET /users': administrators,
  'POST /users': administrators,
  'GET /users/:id': ownOrAdmin,
  'PUT /users/:id': ownOrAdmin,
  'PATCH /users/:id': ownOrAdmin,
  'DELETE /users/:id': ownOrAdmin,
  'POST /users/:id/password-reset': administrators,
  'GET /identity/roles': administrators,
  'PUT /identity/roles/:name': administrators,
  'GET /identity/permissions': administrators,
  'GET /identity/sign-up-policy': administrators,
  'PUT /identity/sign-up-policy': administrators,
  'GET /identity/invitations': administrators,
  'POST /identity/invitations': administrators,
  'DELETE /identity/invitations/:id': { ...administrators, admin: 404 },
  'GET /identity/organisations': signedIn,
  'POST /identity/organisations': signedIn,
  'POST /identity/organisations/join': signedIn,
  'GET /identity/organisations/:id': ownOrAdmin,
  'PATCH /identity/organisations/:id': ownOrAdmin,
  'DELETE /identity/organisations/:id': ownOrAdmin,
  'GET /identity/organisations/:id/members': ownOrAdmin,
  'PATCH /identity/organisations/:id/members/:user_id': ownOrAdmin,
  'DELETE /identity/organisations/:id/members/:user_id': ownOrAdmin,
  'GET /identity/organisations/:id/invitations': ownOrAdmin,
  'POST /identity/organisations/:id/invitations': ownOrAdmin,
  'DELETE /identity/organisations/:id/invitations/:invitation_id': {
    owner: 404,
    other: 404,
    outsider: 404,
    admin: 404,
    anonymous: 401,
  },
}

const whole = {
  display_name: 'x',
  email: null,
  phone: null,
  locale: 'en',
  time_zone: 'UTC',
  profile: {},
  preferences: {},
}

/** A body that passes the schema, so that it is the access that answers. */
const bodies: Record<string, unknown> = {
  'PUT /users/me': whole,
  'PUT /users/:id': whole,
  'PATCH /users/me': {},
  'PATCH /users/:id': {},
  'PUT /auth/password': { current_password: null, new_password: 'short' },
  'PUT /identity/roles/:name': { permissions: ['made.up.permission'] },
  'PUT /identity/sign-up-policy': { sign_up: 'open' },
  'PATCH /identity/organisations/:id': { name: 'x' },
  'PATCH /identity/organisations/:id/members/:user_id': { role: 'owner' },
  'POST /identity/organisations': { name: 'x' },
  'POST /identity/organisations/:id/invitations': {},
  'POST /identity/invitations': {},
}

/** Deletions last, so that what one test takes away no other misses. */
const methodOrder = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE']

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity] })
})
afterAll(() => app.stop())

async function makeThings(owner: TestUser) {
  const post = async (path: string, body: object) => {
    return (await bodyOf(await ask(app, 'POST', path, owner, body))).id
  }
  const organisation = await post('/identity/organisations', { name: 'ours' })
  const token = await post('/auth/tokens', { name: 'ci', scopes: ['read'] })
  return { organisation, token }
}

function pathFor(route: string, owner: TestUser, things: Awaited<ReturnType<typeof makeThings>>) {
  const id = route.includes('/organisations')
    ? things.organisation
    : route.includes('/auth/tokens')
      ? things.token
      : route.includes('/auth/sessions')
        ? (owner.actor.session_id ?? '')
        : route.includes('/identity/invitations')
          ? newId()
          : owner.user.id
  return route
    .replace(/:invitation_id/, newId())
    .replace(/:user_id/, owner.user.id)
    .replace(/:id/, id)
    .replace(/:name/, 'user')
}

test('the table lists every route of the module', () => {
  const registered = app.app.http.routes
    .filter(route => /^\/api\/v1\/(auth|users|identity)(\/|$)/.test(route.path))
    .map(route => `${route.method} ${route.path.replace('/api/v1', '')}`)
  expect(Object.keys(table).sort()).toEqual(registered.sort())
})

const cases = Object.entries(table).sort(
  ([one], [two]) =>
    methodOrder.indexOf(one.split(' ')[0] ?? '') - methodOrder.indexOf(two.split(' ')[0] ?? ''),
)

test.each(cases)('%s', async (name, expected) => {
  const [method = '', route = ''] = name.split(' ')
  const owner = await signUp(app)
  const outsider = await signUp(app)
  const users: Record<Caller, TestUser | null> = {
    owner,
    other: await signUp(app),
    outsider,
    admin: await signInAdmin(app),
    anonymous: null,
  }
  const things = await makeThings(owner)
  await makeThings(outsider)
  const path = pathFor(route, owner, things)
  const body = method === 'GET' || method === 'DELETE' ? undefined : (bodies[name] ?? {})
  const seen: Partial<Row> = {}
  for (const caller of callers) {
    // What one caller deleted, the next should find again.
    const who = users[caller]
    if (method === 'DELETE' && caller === 'owner' && expected.admin === 'ok') break
    const response = await ask(app, method, path, who, body)
    expect(response.status).toBeLessThan(500)
    const { status } = response
    seen[caller] = status === 401 || status === 403 || status === 404 ? status : 'ok'
  }
  for (const caller of callers)
    if (seen[caller]) expect([caller, seen[caller]]).toEqual([caller, expected[caller]])
})
