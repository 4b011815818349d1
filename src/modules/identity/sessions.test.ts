import { AsyncLocalStorage } from 'node:async_hooks'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { createActors } from './actors.ts'
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

const json = { 'content-type': 'application/json' }
const tables = () => app.core.db.withTables<IdentityTables>().primary

const send = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
  ask(app, method, path, { headers }, body)

async function signIn(mode: 'token' | 'cookie', headers: Record<string, string> = {}) {
  const { user } = await signUp(app, { password: good })
  const again = async () => {
    const response = await send('POST', '/auth/login', headers, { name: user.username, password: good, mode })
    expect(response.status).toBe(200)
    return { response, body: await bodyOf(response) }
  }
  return { user, again, ...(await again()) }
}

const refresh = (refresh_token: string) => send('POST', '/auth/refresh', {}, { refresh_token })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const me = (headers: Record<string, string>) => send('GET', '/users/me', headers)

test('a refresh token gives a new pair once; used again later, it ends the whole session', async () => {
  const { body: first } = await signIn('token')
  const second = await bodyOf(await refresh(first.refresh_token))
  expect(second.refresh_token).not.toBe(first.refresh_token)
  const third = await bodyOf(await refresh(second.refresh_token))
  expect((await me(bearer(third.access_token))).status).toBe(200)

  const reuse = await refresh(first.refresh_token)
  expect(reuse.status).toBe(401)
  expect((await bodyOf(reuse)).code).toBe('auth.refresh_reused')
  expect((await refresh(third.refresh_token)).status).toBe(401)
  for (const { access_token } of [first, second, third])
    expect((await me(bearer(access_token))).status).toBe(401)
})

test('parallel refreshes with one token all succeed with one and the same successor', async () => {
  const { body: first } = await signIn('token')
  const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(first.refresh_token)))
  expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]))
  const pairs = await Promise.all(answers.map(answer => bodyOf(answer)))
  expect(new Set(pairs.map(pair => pair.refresh_token)).size).toBe(1)
  expect((await refresh(pairs[0]?.refresh_token ?? '')).status).toBe(200)
})

test('a late second use is theft even while the successor is unused', async () => {
  const { body: first } = await signIn('token')
  const second = await bodyOf(await refresh(first.refresh_token))
  await tables()
    .updateTable('identity_refresh_token')
    .set({ used_at: sql`used_at - interval '11 seconds'` })
    .where('used_at', 'is not', null)
    .execute()
  expect((await bodyOf(await refresh(first.refresh_token))).code).toBe('auth.refresh_reused')
  expect((await refresh(second.refresh_token)).status).toBe(401)
})

test('nonsense is no refresh token', async () => {
  expect((await refresh('x'.repeat(43))).status).toBe(401)
  expect((await refresh('short')).status).toBe(400)
})

test('a browser session is an HttpOnly, SameSite=Lax cookie of two weeks; over https it is Secure', async () => {
  const { response, body } = await signIn('cookie', { 'sec-fetch-site': 'same-origin' })
  const cookie = response.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/^banyan_session=[\w-]{43}; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/)
  expect(body).toMatchObject({ access_token: null, refresh_token: null, expires_in: null })
  const https = await startTestApp({
    modules: [identity],
    settings: { PUBLIC_URL: 'https://banyan.example.com' },
  })
  try {
    const { user } = await signUp(https, { password: good })
    const signedIn = await fetch(new URL('/api/v1/auth/login', `http://127.0.0.1:${portOf(https)}`), {
      method: 'POST',
      headers: { ...json, origin: 'https://banyan.example.com' },
      body: JSON.stringify({ name: user.username, password: good, mode: 'cookie' }),
    })
    expect(signedIn.headers.get('set-cookie')).toMatch(/; Secure$/)
  } finally {
    await https.stop()
  }
})

const portOf = (test: TestApp) => {
  const address = test.app.http.server.address()
  return typeof address === 'object' ? address?.port : undefined
}

test('with a cookie, only our own pages may change anything; anyone’s may not', async () => {
  const { response } = await signIn('cookie', { 'sec-fetch-site': 'same-origin' })
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  const patch = (headers: Record<string, string>) =>
    send('PATCH', '/users/me', { cookie, ...headers }, { display_name: 'changed' })
  const host = new URL(app.url).host
  const refused: Record<string, string>[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://${host}.evil.example` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { 'sec-fetch-site': 'none', origin: 'https://evil.example' },
  ]
  for (const headers of refused) {
    const answer = await patch(headers)
    expect(answer.status).toBe(403)
    expect((await bodyOf(answer)).code).toBe('auth.cross_site')
  }
  expect((await patch({ origin: `http://${host}` })).status).toBe(200)
  expect((await patch({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  expect((await me({ cookie, origin: 'https://evil.example' })).status).toBe(200)
})

test('signing in again in a browser ends the session that it had', async () => {
  const sameOrigin = { 'sec-fetch-site': 'same-origin' }
  const { user, response } = await signIn('cookie', sameOrigin)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  const body = { name: user.username, password: good, mode: 'cookie' }
  const next = await send('POST', '/auth/login', { ...sameOrigin, cookie }, body)
  const nextCookie = next.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect((await me({ cookie })).status).toBe(401)
  expect((await me({ cookie: nextCookie })).status).toBe(200)
})

test('a page of another site cannot sign the browser in', async () => {
  const { user } = await signUp(app, { password: good })
  const body = { name: user.username, password: good, mode: 'cookie' }
  expect((await send('POST', '/auth/login', { 'sec-fetch-site': 'cross-site' }, body)).status).toBe(403)
  expect((await send('POST', '/auth/login', { origin: 'https://evil.example' }, body)).status).toBe(403)
})

test('a stale cookie is no credential, so that its owner can sign in again; a bad bearer is refused', async () => {
  const cookie = `banyan_session=${'A'.repeat(43)}`
  expect((await send('GET', '/auth/policy', { cookie })).status).toBe(200)
  expect((await me({ cookie })).status).toBe(401)
  const refused = await send('GET', '/auth/policy', bearer('nonsense'))
  expect(refused.status).toBe(401)
  expect((await bodyOf(refused)).code).toBe('auth.token_invalid')
})

test('sessions are listed, ended one by one, and others’ are not there', async () => {
  const { body: here, again } = await signIn('token', { 'user-agent': 'Here/1' })
  const { body: there } = await again()
  const list = await bodyOf(await send('GET', '/auth/sessions', bearer(here.access_token)))
  expect(list.items).toHaveLength(3)
  expect(list.items.filter(session => session.is_current)).toMatchObject([
    { user_agent: 'Here/1', ip: '127.0.0.1' },
  ])
  const stranger = await signUp(app)
  const other = (await bodyOf(await send('GET', '/auth/sessions', bearer(there.access_token)))).items.find(
    session => session.is_current,
  )
  const end = (headers: Record<string, string>) => send('DELETE', `/auth/sessions/${other?.id}`, headers)
  expect((await end(stranger.headers)).status).toBe(404)
  expect((await me(bearer(there.access_token))).status).toBe(200)
  expect((await end(bearer(here.access_token))).status).toBe(204)
  expect((await me(bearer(there.access_token))).status).toBe(401)
  expect((await refresh(there.refresh_token)).status).toBe(401)
  expect((await me(bearer(here.access_token))).status).toBe(200)
})

test('signing out ends this session, or all of them', async () => {
  const { body: first, again } = await signIn('token')
  const { body: second } = await again()
  const { body: third } = await again()
  expect((await send('POST', '/auth/logout', bearer(first.access_token))).status).toBe(204)
  expect((await me(bearer(first.access_token))).status).toBe(401)
  expect((await me(bearer(second.access_token))).status).toBe(200)
  const all = await send('POST', '/auth/logout', bearer(second.access_token), { everywhere: true })
  expect(all.status).toBe(204)
  expect(all.headers.get('set-cookie')).toMatch(/^banyan_session=; Max-Age=0/)
  for (const { access_token } of [second, third]) expect((await me(bearer(access_token))).status).toBe(401)
})

test('a disabled user is out at once, by every way in, and the realtime sockets close', async () => {
  const admin = await signInAdmin(app)
  const { user, body } = await signIn('token')
  const created = await send('POST', '/auth/tokens', bearer(body.access_token), {
    name: 'ci',
    scopes: ['all'],
  })
  const { token } = await bodyOf(created)
  const socket = new WebSocket(
    `${app.url.replace('http', 'ws')}/api/v1/realtime/ws?token=${body.access_token}`,
  )
  await new Promise(resolve => socket.addEventListener('open', resolve, { once: true }))
  const closed = new Promise<CloseEvent>(resolve => socket.addEventListener('close', resolve, { once: true }))
  expect((await me(bearer(token))).status).toBe(200)
  expect((await me(bearer(body.access_token))).status).toBe(200)

  const set = (is_active: boolean) => send('PATCH', `/users/${user.id}`, admin.headers, { is_active })
  expect((await set(false)).status).toBe(200)
  expect((await me(bearer(token))).status).toBe(401)
  expect((await me(bearer(body.access_token))).status).toBe(401)
  expect((await refresh(body.refresh_token)).status).toBe(401)
  expect((await closed).code).toBe(4001)

  expect((await set(true)).status).toBe(200)
  expect((await me(bearer(token))).status).toBe(200)
  expect((await me(bearer(body.access_token))).status).toBe(401)
})

test('a warm request asks the database nothing to know who is asking', async () => {
  const { headers } = await signUp(app)
  const { authenticate } = app.app.use(identityKey)
  const request = { headers, method: 'GET', url: '/api/v1/users/me' } as unknown as Parameters<
    typeof authenticate
  >[0]
  await authenticate(request)
  const queries: string[] = []
  // What the server does by itself meanwhile is not counted.
  const asking = new AsyncLocalStorage<true>()
  const query = app.core.db.pool.query
  const connect = app.core.db.pool.connect
  app.core.db.pool.query = ((...args: unknown[]) => {
    if (asking.getStore()) queries.push(String(args[0]))
    return Reflect.apply(query, app.core.db.pool, args)
  }) as typeof query
  app.core.db.pool.connect = ((...args: unknown[]) => {
    if (asking.getStore()) queries.push('connect')
    return Reflect.apply(connect, app.core.db.pool, args)
  }) as typeof connect
  try {
    await asking.run(true, () => Promise.all(Array.from({ length: 100 }, () => authenticate(request))))
    expect(queries).toEqual([])
  } finally {
    app.core.db.pool.query = query
    app.core.db.pool.connect = connect
  }
})

test('another process, which did not load the actor itself, knows it too, and hears of its end', async () => {
  const { access_token, user, actor } = await signUp(app)
  const { cache, clock, tokens, log } = app.core
  const elsewhere = createActors({ db: app.core.db.withTables(), cache, clock, tokens, log })
  expect((await me(bearer(access_token))).status).toBe(200)
  const credential = { kind: 'bearer' as const, token: access_token }
  const grant = await elsewhere.fromCredential(credential)
  expect(grant?.actor).toMatchObject({ user_id: user.id, session_id: actor.session_id, via: 'access' })
  expect((await send('POST', '/auth/logout', bearer(access_token))).status).toBe(204)
  expect(await elsewhere.fromCredential(credential)).toBeNull()
})

test('an upgrade is let in by token, header or cookie', async () => {
  const { response, body } = await signIn('cookie', { 'sec-fetch-site': 'same-origin' })
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  const { access_token } = await signUp(app)
  const upgrade = (url: string, headers: Record<string, string>) => {
    const request = new IncomingMessage(new Socket())
    request.url = url
    request.headers = headers
    return app.app.use(identityKey).authenticateUpgrade(request)
  }
  expect((await upgrade(`/ws?token=${access_token}`, {}))?.via).toBe('access')
  expect((await upgrade('/ws', { authorization: `Bearer ${access_token}` }))?.via).toBe('access')
  expect((await upgrade('/ws', { cookie }))?.user_id).toBe(body.user.id)
  expect(await upgrade('/ws', { cookie, host: 'banyan.test', origin: 'https://evil.example' })).toBeNull()
  expect((await upgrade('/ws', { cookie, host: 'banyan.test', origin: 'http://banyan.test' }))?.via).toBe(
    'session',
  )
  expect(await upgrade('/ws?token=nonsense', {})).toBeNull()
  expect(await upgrade('/ws', {})).toBeNull()
})
