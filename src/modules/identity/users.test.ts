import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { identityKey } from './contract.ts'
import identity from './index.ts'
import { signInAdmin, signUp, type TestUser } from './testing.ts'
import { ask, bodyOf, codeOf } from './testing-http.ts'

let app: TestApp
let admin: TestUser

beforeAll(async () => {
  app = await startTestApp({ modules: [identity] })
  admin = await signInAdmin(app)
})
afterAll(() => app.stop())

const send = (method: string, path: string, who: TestUser, body?: unknown) =>
  ask(app, method, path, who, body)

test('one’s own details: PUT replaces them, PATCH merges profile and preferences, null removes', async () => {
  const own = await signUp(app)
  const whole = {
    display_name: '  小明 ',
    email: 'Ming@Example.com',
    phone: '13700000001',
    locale: 'zh-CN',
    time_zone: 'Europe/Berlin',
    profile: { mbti: 'INTJ', interests: ['茶', 'go'], birthday: '1999-02-28', gender: 'male', about: null },
    preferences: { theme: 'dark', nested: { a: [1, 2] } },
  }
  const put = await send('PUT', '/users/me', own, whole)
  expect(put.status).toBe(200)
  expect(await bodyOf(put)).toMatchObject({
    display_name: '小明',
    email: null,
    pending_email: 'ming@example.com',
    phone: '+8613700000001',
    time_zone: 'Europe/Berlin',
    profile: { mbti: 'INTJ', interests: ['茶', 'go'], birthday: '1999-02-28', gender: 'male' },
    preferences: { theme: 'dark', nested: { a: [1, 2] } },
  })
  const patch = await send('PATCH', '/users/me', own, {
    profile: { mbti: null, city: '杭州' },
    preferences: { theme: 'light' },
    phone: null,
  })
  expect(await bodyOf(patch)).toMatchObject({
    phone: null,
    pending_email: 'ming@example.com',
    profile: { interests: ['茶', 'go'], birthday: '1999-02-28', gender: 'male', city: '杭州' },
    preferences: { theme: 'light', nested: { a: [1, 2] } },
  })
  expect((await send('PUT', '/users/me', own, { display_name: 'only this' })).status).toBe(400)
  const contract = app.app.use(identityKey)
  expect(await contract.timeZoneOf(own.user.id)).toBe('Europe/Berlin')
  await send('PATCH', '/users/me', own, { time_zone: 'Asia/Tokyo', locale: 'en' })
  expect(await contract.timeZoneOf(own.user.id)).toBe('Asia/Tokyo')
  expect(await contract.localeOf(own.user.id)).toBe('en')
})

test.each<[object, string]>([
  [{ email: 'not an address' }, 'user.email_invalid'],
  [{ phone: '12' }, 'user.phone_invalid'],
  [{ time_zone: 'Mars/Olympus' }, 'user.time_zone_unknown'],
  [{ display_name: ' \u202e ' }, 'user.display_name_invalid'],
  [{ profile: { birthday: '1850-01-01' } }, 'user.birthday_invalid'],
  [{ profile: { birthday: '2999-01-01' } }, 'user.birthday_invalid'],
  [{ profile: { birthday: '2001-02-30' } }, 'input.invalid'],
  [{ profile: { mbti: 'ABCD' } }, 'input.invalid'],
  [{ profile: { height: 180 } }, 'input.invalid'],
  [{ preferences: { big: 'x'.repeat(17_000) } }, 'user.preferences_too_large'],
  [{ locale: 'fr' }, 'input.invalid'],
  [{ is_vip: true }, 'input.invalid'],
  [{ roles: ['super_admin'] }, 'input.invalid'],
])('%j is refused', async (body, code) => {
  const own = await signUp(app)
  const response = await send('PATCH', '/users/me', own, body)
  expect([response.status, await codeOf(response)]).toEqual([400, code])
})

test('preferences stay within their limit however they are put together', async () => {
  const own = await signUp(app)
  const half = { x: 'x'.repeat(10_000) }
  expect((await send('PATCH', '/users/me', own, { preferences: { a: half } })).status).toBe(200)
  expect(await codeOf(await send('PATCH', '/users/me', own, { preferences: { b: half } }))).toBe(
    'user.preferences_too_large',
  )
})

test('a number that is in use is told, but not to who tries many', async () => {
  // On a busy machine the first wait, of a second, would be over too soon.
  const now = vi.spyOn(app.core.clock, 'now').mockReturnValue(Date.now())
  onTestFinished(() => now.mockRestore())
  await signUp(app).then(holder => send('PATCH', '/users/me', holder, { phone: '13700000099' }))
  const own = await signUp(app)
  const codes: string[] = []
  for (let attempt = 0; attempt < 8; attempt++)
    codes.push(await codeOf(await send('PATCH', '/users/me', own, { phone: '13700000099' })))
  expect(codes.slice(0, 4)).toEqual(Array(4).fill('user.name_taken'))
  expect(codes.at(-1)).toBe('auth.too_many_attempts')
  // What stays as it is costs nothing.
  const other = await signUp(app)
  for (let attempt = 0; attempt < 8; attempt++)
    expect((await send('PATCH', '/users/me', other, { phone: '13700000098' })).status).toBe(200)
})

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

function upload(own: TestUser, content: Buffer, type = 'image/png') {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(content)], { type }), '../../avatar.png')
  return app.fetch('/api/v1/users/me/avatar', { method: 'PUT', headers: own.headers, body: form })
}

test('an avatar is what its bytes say, and is served so that nothing in it can run', async () => {
  const own = await signUp(app)
  const put = await upload(own, png, 'text/html')
  expect(put.status).toBe(200)
  const avatar_url = (await bodyOf(put)).avatar_url ?? ''
  const other = await signUp(app)
  const got = await app.fetch(avatar_url, other)
  expect(got.status).toBe(200)
  expect(got.headers.get('content-type')).toBe('image/png')
  expect(got.headers.get('x-content-type-options')).toBe('nosniff')
  expect(got.headers.get('content-security-policy')).toContain('sandbox')
  expect(Buffer.from(await got.arrayBuffer()).equals(png)).toBe(true)
  expect((await app.fetch(avatar_url)).status).toBe(401)
  const next = await bodyOf(await upload(own, png))
  expect(next.avatar_url).not.toBe(avatar_url)
  expect((await send('DELETE', '/users/me/avatar', own)).status).toBe(204)
  expect((await app.fetch(avatar_url, other)).status).toBe(404)
})

test.each<[string, Buffer, number]>([
  ['a page', Buffer.from('<html><script>alert(1)</script></html>'), 415],
  ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 415],
  ['nothing', Buffer.alloc(0), 415],
  ['too much', Buffer.concat([png, Buffer.alloc(2 * 1024 * 1024)]), 413],
])('%s is no avatar', async (_name, content, status) => {
  const own = await signUp(app)
  expect((await upload(own, content)).status).toBe(status)
  expect((await bodyOf(await send('GET', '/users/me', own))).avatar_url).toBeNull()
})

test('administrators create, search, page through and change users', async () => {
  const input = {
    username: 'Findme.Long',
    password: 'kettle-7-lantern',
    email: 'findme@example.com',
    roles: ['streamer'],
  }
  const created = await send('POST', '/users', admin, input)
  expect(created.status).toBe(201)
  const user = await bodyOf(created)
  expect(user).toMatchObject({ username: 'Findme.Long', roles: ['streamer'], is_active: true })
  expect(await codeOf(await send('POST', '/users', admin, { username: 'FINDME.long' }))).toBe(
    'user.name_taken',
  )
  expect(await codeOf(await send('POST', '/users', admin, { username: 'x1', roles: ['pope'] }))).toBe(
    'role.unknown',
  )

  const find = async (query: string) =>
    (await bodyOf(await send('GET', `/users?${query}`, admin))).items.map(item => item.id)
  expect(await find('q=findme.l')).toEqual([user.id])
  expect(await find('q=FINDME@EX')).toEqual([user.id])
  expect(await find('role=streamer')).toEqual([user.id])
  expect(await find('q=%25')).toEqual([])
  expect(await find('role=streamer&is_active=false')).toEqual([])
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await bodyOf(await send('GET', `/users?limit=2${cursor && `&cursor=${cursor}`}`, admin))
    seen.push(...page.items.map(item => item.id))
    cursor = page.next_cursor
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toContain(admin.user.id)

  const patched = await send('PATCH', `/users/${user.id}`, admin, {
    is_vip: true,
    roles: ['user', 'assistant'],
  })
  expect(await bodyOf(patched)).toMatchObject({ is_vip: true, roles: ['user', 'assistant'] })
  const link = await bodyOf(await send('POST', `/users/${user.id}/password-reset`, admin))
  expect(link).toEqual({ sent: false, link: expect.stringContaining('/reset-password#token=') })
})

test('nobody raises himself or others above himself', async () => {
  const plainAdmin = await signUp(app, { roles: ['admin'] })
  const other = await signUp(app)
  const refusals: [TestUser, string, string, object, number][] = [
    [other, 'PATCH', `/users/${other.user.id}`, { roles: ['admin'] }, 403],
    [other, 'PATCH', `/users/${other.user.id}`, { is_vip: true }, 403],
    [plainAdmin, 'PATCH', `/users/${plainAdmin.user.id}`, { roles: ['super_admin'] }, 403],
    [plainAdmin, 'PATCH', `/users/${other.user.id}`, { roles: ['super_admin'] }, 403],
    [plainAdmin, 'PATCH', `/users/${admin.user.id}`, { is_active: false }, 403],
    [plainAdmin, 'PATCH', `/users/${admin.user.id}`, { email: 'mine@example.com' }, 403],
    [plainAdmin, 'POST', `/users/${admin.user.id}/password-reset`, {}, 403],
    [plainAdmin, 'POST', '/users', { username: 'puppet1x', roles: ['super_admin'] }, 403],
    [plainAdmin, 'PUT', '/identity/roles/user', { permissions: ['identity.roles.manage'] }, 403],
  ]
  for (const [who, method, path, body, status] of refusals) {
    const response = await send(method, path, who, Object.keys(body).length > 0 ? body : undefined)
    expect([path, response.status]).toEqual([path, status])
  }
  expect((await send('DELETE', `/users/${admin.user.id}`, plainAdmin)).status).toBe(403)
  expect(
    (await send('PATCH', `/users/${other.user.id}`, plainAdmin, { roles: ['user', 'admin'] })).status,
  ).toBe(200)
})

test('the last super_admin stays, even when two leave at the same moment', async () => {
  const alone = await startTestApp({ modules: [identity] })
  try {
    const patch = (who: TestUser, id: string, body: object) =>
      alone.fetch(`/api/v1/users/${id}`, {
        method: 'PATCH',
        headers: { ...who.headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const first = await signInAdmin(alone)
    expect((await patch(first, first.user.id, { roles: ['admin'] })).status).toBe(409)
    expect((await patch(first, first.user.id, { is_active: false })).status).toBe(409)
    const gone = await alone.fetch(`/api/v1/users/${first.user.id}`, {
      method: 'DELETE',
      headers: first.headers,
    })
    expect(gone.status).toBe(409)
    const second = await signInAdmin(alone)
    const both = await Promise.all([
      patch(first, first.user.id, { is_active: false }),
      patch(second, second.user.id, { is_active: false }),
    ])
    expect(both.map(response => response.status).sort()).toEqual([200, 409])
  } finally {
    await alone.stop()
  }
})

test('roles are edited as sets of known permissions; super_admin has all of them always', async () => {
  const roles = await bodyOf(await send('GET', '/identity/roles', admin))
  expect(roles.items.map(role => role.name)).toEqual([
    'super_admin',
    'admin',
    'agency_admin',
    'streamer',
    'assistant',
    'user',
  ])
  const known = (await bodyOf(await send('GET', '/identity/permissions', admin))).items.map(
    permission => permission.name,
  )
  expect(roles.items[0]?.permissions).toEqual(known)
  const put = (name: string, permissions: string[]) =>
    send('PUT', `/identity/roles/${name}`, admin, { permissions })
  expect(await codeOf(await put('super_admin', []))).toBe('role.fixed')
  expect(await codeOf(await put('pope', []))).toBe('role.not_found')
  expect(await codeOf(await put('user', ['made.up.thing']))).toBe('permission.unknown')
  const helper = await signUp(app, { roles: ['assistant'] })
  expect((await send('GET', '/users', helper)).status).toBe(403)
  expect((await put('assistant', ['identity.users.read'])).status).toBe(200)
  expect((await send('GET', '/users', helper)).status).toBe(200)

  const contract = app.app.use(identityKey)
  await contract.syncPermissions([
    { name: 'identity.users.read', roles: ['user'] },
    { name: 'zoo.animals.feed', roles: ['assistant', 'user'] },
  ])
  const after = await bodyOf(await send('GET', '/identity/roles', admin))
  const permissionsOf = (name: string) => after.items.find(role => role.name === name)?.permissions
  expect(permissionsOf('assistant')).toEqual(['identity.users.read', 'zoo.animals.feed'])
  expect(permissionsOf('user')).not.toContain('identity.users.read')
  expect((await contract.actorFor(admin.user.id))?.permissions.has('zoo.animals.feed')).toBe(true)

  const [assistant, streamer] = [
    await signUp(app, { roles: ['assistant'] }),
    await signUp(app, { roles: ['streamer'] }),
  ]
  const feeders = await contract.userIdsWithPermission('zoo.animals.feed')
  expect(feeders).toEqual(expect.arrayContaining([admin.user.id, assistant.user.id]))
  expect(feeders).not.toContain(streamer.user.id)
})

test('a deleted user leaves a nameless row, and its names are free again', async () => {
  const username = 'Passing.By'
  const own = await signUp(app, { username, email: 'passing@example.com', password: 'kettle-7-lantern' })
  await upload(own, png)
  await send('PATCH', '/users/me', own, { profile: { city: '杭州' }, phone: '13700000009' })
  expect((await app.app.use(identityKey).usersByIds([own.user.id])).get(own.user.id)?.city).toBe('杭州')
  const stranger = await signUp(app)
  expect((await send('DELETE', `/users/${own.user.id}`, stranger)).status).toBe(404)
  expect((await send('DELETE', `/users/${own.user.id}`, own)).status).toBe(204)
  expect((await send('GET', '/users/me', own)).status).toBe(401)
  expect((await send('GET', `/users/${own.user.id}`, admin)).status).toBe(404)
  const { rows } = await app.core.db.pool.query('SELECT * FROM identity_user WHERE id = $1', [own.user.id])
  expect(JSON.stringify(rows)).not.toMatch(/passing|杭州|1370000|argon2|avatars/i)
  const card = (await app.app.use(identityKey).usersByIds([own.user.id])).get(own.user.id)
  expect(card).toMatchObject({ display_name: '', is_active: false, email: null })
  await signUp(app, { username, email: 'passing@example.com' })
})
