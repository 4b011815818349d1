import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { identityKey } from './contract.ts'
import identity from './index.ts'
import { signInAdmin, signUp, type TestUser } from './testing.ts'
import { ask, bodyOf, codeOf } from './testing-http.ts'

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity] })
})
afterAll(() => app.stop())

const send = (method: string, path: string, who: TestUser, body?: unknown) =>
  ask(app, method, `/identity/organisations${path}`, who, body)

async function founded() {
  const owner = await signUp(app)
  const response = await send('POST', '', owner, { name: '茶社' })
  expect(response.status).toBe(201)
  return { owner, id: (await bodyOf(response)).id }
}

async function joined(id: string, inviter: TestUser, role: string) {
  const invitation = await send('POST', `/${id}/invitations`, inviter, { role })
  expect(invitation.status).toBe(201)
  const member = await signUp(app)
  const { token } = await bodyOf(invitation)
  expect((await send('POST', '/join', member, { token })).status).toBe(200)
  return member
}

test('an organisation is made, joined by invitation, and known to other modules', async () => {
  const { owner, id } = await founded()
  const member = await joined(id, owner, 'member')
  const { items } = await bodyOf(await send('GET', `/${id}/members`, member))
  expect(items).toMatchObject([
    { user_id: owner.user.id, role: 'owner' },
    { user_id: member.user.id, role: 'member' },
  ])
  const first = await bodyOf(await send('GET', `/${id}/members?limit=1`, member))
  const second = await bodyOf(await send('GET', `/${id}/members?limit=1&cursor=${first.next_cursor}`, member))
  expect(second).toMatchObject({ items: [{ user_id: member.user.id }], next_cursor: null })
  const me = await bodyOf(await app.fetch('/api/v1/users/me', member))
  expect(me.organisations).toEqual([{ id, name: '茶社', role: 'member' }])
  const contract = app.app.use(identityKey)
  expect(await contract.isMember(member.user.id, id)).toBe(true)
  expect(await contract.memberRole(owner.user.id, id)).toBe('owner')
  expect(await contract.isMember((await signUp(app)).user.id, id)).toBe(false)
})

test('an invitation works once, can be taken back, and goes by mail where an address is given', async () => {
  const { owner, id } = await founded()
  const invite = async (body: object) => bodyOf(await send('POST', `/${id}/invitations`, owner, body))
  const once = await invite({})
  const guests = await Promise.all(Array.from({ length: 5 }, () => signUp(app)))
  const answers = await Promise.all(guests.map(guest => send('POST', '/join', guest, { token: once.token })))
  expect(answers.map(answer => answer.status).sort()).toEqual([200, 400, 400, 400, 400])

  const mailed = await invite({ email: 'guest@example.com', role: 'admin' })
  const { items } = await app.core.mail.mailbox.list({ limit: 10 })
  const mail = await app.core.mail.mailbox.get(items.find(item => item.to === 'guest@example.com')?.id ?? '')
  expect(mail?.text).toContain(`/settings/organisations/join#token=${mailed.token}`)

  const open = await bodyOf(await send('GET', `/${id}/invitations`, owner))
  expect(open.items).toMatchObject([{ id: mailed.id, email: 'guest@example.com', role: 'admin' }])
  expect((await send('DELETE', `/${id}/invitations/${mailed.id}`, owner)).status).toBe(204)
  expect(await codeOf(await send('POST', '/join', guests[0] as TestUser, { token: mailed.token }))).toBe(
    'invitation.invalid',
  )
})

test('each role may do its own, and no more', async () => {
  const { owner, id } = await founded()
  const boss = await joined(id, owner, 'admin')
  const member = await joined(id, owner, 'member')
  const stranger = await signUp(app)
  const platform = await signInAdmin(app)
  const role = (who: TestUser, of: TestUser, to: string) =>
    send('PATCH', `/${id}/members/${of.user.id}`, who, { role: to })
  const attempts: [() => Promise<Response>, number][] = [
    [() => send('GET', `/${id}`, stranger), 404],
    [() => send('GET', `/${id}/members`, stranger), 404],
    [() => send('PATCH', `/${id}`, stranger, { name: 'x' }), 404],
    [() => send('POST', `/${id}/invitations`, stranger, {}), 404],
    [() => send('DELETE', `/${id}/members/${member.user.id}`, stranger), 404],
    [() => send('DELETE', `/${id}`, stranger), 404],
    [() => send('GET', `/${id}`, member), 200],
    [() => send('PATCH', `/${id}`, member, { name: 'x' }), 403],
    [() => send('POST', `/${id}/invitations`, member, {}), 403],
    [() => send('GET', `/${id}/invitations`, member), 403],
    [() => role(member, member, 'owner'), 403],
    [() => send('DELETE', `/${id}/members/${boss.user.id}`, member), 403],
    [() => send('DELETE', `/${id}`, member), 403],
    [() => send('PATCH', `/${id}`, boss, { name: 'by admin' }), 200],
    [() => send('POST', `/${id}/invitations`, boss, { role: 'owner' }), 403],
    [() => role(boss, boss, 'owner'), 403],
    [() => role(boss, owner, 'member'), 403],
    [() => send('DELETE', `/${id}/members/${owner.user.id}`, boss), 403],
    [() => send('DELETE', `/${id}`, boss), 403],
    [() => role(boss, member, 'admin'), 204],
    [() => role(boss, member, 'member'), 204],
    [() => role(owner, stranger, 'member'), 404],
    [() => send('GET', `/${id}/members`, platform), 200],
    [() => send('DELETE', `/${id}`, owner), 204],
    [() => send('GET', `/${id}`, owner), 404],
  ]
  for (const [index, [attempt, status]] of attempts.entries())
    expect([index, (await attempt()).status]).toEqual([index, status])
})

test('there is always an owner: the last one can neither leave nor step down, nor two at once', async () => {
  const { owner, id } = await founded()
  const leave = (who: TestUser) => send('DELETE', `/${id}/members/${who.user.id}`, who)
  expect(await codeOf(await leave(owner))).toBe('organisation.last_owner')
  expect(
    await codeOf(await send('PATCH', `/${id}/members/${owner.user.id}`, owner, { role: 'member' })),
  ).toBe('organisation.last_owner')
  const second = await joined(id, owner, 'owner')
  const answers = await Promise.all([leave(owner), leave(second)])
  expect(answers.map(answer => answer.status).sort()).toEqual([204, 409])
})

test('when the only owner’s account is deleted, the next in line owns; nobody left, nothing left', async () => {
  const { owner, id } = await founded()
  const member = await joined(id, owner, 'member')
  const boss = await joined(id, owner, 'admin')
  const solo = (await bodyOf(await send('POST', '', owner, { name: 'solo' }))).id
  const gone = await app.fetch(`/api/v1/users/${owner.user.id}`, { method: 'DELETE', headers: owner.headers })
  expect(gone.status).toBe(204)
  const { items } = await bodyOf(await send('GET', `/${id}/members`, member))
  expect(items).toMatchObject([
    { user_id: boss.user.id, role: 'owner' },
    { user_id: member.user.id, role: 'member' },
  ])
  expect((await send('GET', `/${solo}`, await signInAdmin(app))).status).toBe(404)
})
