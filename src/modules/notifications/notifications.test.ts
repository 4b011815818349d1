import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { defineNotification, type Notification, type Notifications, notificationsKey } from './contract.ts'

const invited = defineNotification<{ team: string; days: number }>({
  name: 'test.invited',
  texts: {
    'zh-CN': { title: '{team} 邀请您', body: '邀请在 {days} 天内有效。' },
    en: { title: '{team} invites you', body: 'The invitation holds for {days} days.' },
  },
  path: '/teams/{team}',
  is_emailed: true,
})
const quiet = defineNotification<Record<string, never>>({
  name: 'test.quiet',
  texts: { 'zh-CN': { title: '静', body: '。' }, en: { title: 'Quiet', body: '.' } },
  is_emailed: false,
})

let app: TestApp
/** Where it really listens; `app.url` is the public address. */
let base: string
let service: Notifications

beforeAll(async () => {
  app = await startTestApp({ settings: { PUBLIC_URL: 'https://ai.example.com' } })
  base = `http://127.0.0.1:${(app.app.http.server.address() as AddressInfo).port}`
  service = app.app.use(notificationsKey)
})
afterAll(() => app.stop())

async function get<T>(user: TestUser, path: string): Promise<T> {
  const response = await fetch(`${base}/api/v1/notifications${path}`, {
    headers: user.headers,
  })
  expect(response.status).toBe(200)
  return (await response.json()) as T
}
type List = { items: Notification[]; next_cursor: string | null }

const post = (user: TestUser, path: string) =>
  fetch(`${base}/api/v1/notifications${path}`, { method: 'POST', headers: user.headers })

async function listen(user: TestUser) {
  const messages: { type: string; unread_count: number }[] = []
  await app.core.realtime.subscribe(`notifications.user.${user.user.id}`, {}, ({ data }) => {
    messages.push(data as (typeof messages)[number])
  })
  return messages
}

test('tells the user live, in the list and by e-mail', async () => {
  const user = await signUp(app, { email: 'han.mei@example.org' })
  const live = await listen(user)
  await service.notify(user.user.id, invited, { team: 'a b', days: 3 })
  await vi.waitFor(
    () => expect(live).toMatchObject([{ type: 'notification.created', unread_count: 1 }]),
    30_000,
  )
  expect(live[0]).toMatchObject({
    notification: {
      title: 'a b invites you',
      body: 'The invitation holds for 3 days.',
      path: '/teams/a%20b',
    },
  })
  expect((await get<List>(user, '')).items).toMatchObject([
    { kind: 'test.invited', title: 'a b invites you', data: { team: 'a b', days: 3 }, read_at: null },
  ])
  const { items } = await app.core.mail.mailbox.list({ limit: 1 })
  expect(items).toMatchObject([{ to: 'han.mei@example.org', subject: 'a b invites you' }])
  const letter = await app.core.mail.mailbox.get(items[0]?.id ?? '')
  expect(letter?.text).toBe('The invitation holds for 3 days.\n\nhttps://ai.example.com/teams/a%20b\n')
})

test('sends no e-mail to who has switched them off', async () => {
  const user = await signUp(app, { email: 'quiet@example.org' })
  expect(await get(user, '/choices')).toEqual({ by_email: true })
  const response = await fetch(`${base}/api/v1/notifications/choices`, {
    method: 'PUT',
    headers: { ...user.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ by_email: false }),
  })
  expect(await response.json()).toEqual({ by_email: false })
  const live = await listen(user)
  await service.notify(user.user.id, invited, { team: 'a b', days: 3 })
  // The app is told after the e-mail would have been written.
  await vi.waitFor(() => expect(live).toHaveLength(1), 30_000)
  const { items } = await app.core.mail.mailbox.list({ limit: 10 })
  expect(items.filter(({ to }) => to === 'quiet@example.org')).toEqual([])
})

test('speaks the language of the reader', async () => {
  const user = await signUp(app, { locale: 'zh-CN' })
  const live = await listen(user)
  await service.notify(user.user.id, invited, { team: '三班', days: 3 })
  await vi.waitFor(() => expect(live).toMatchObject([{ notification: { title: '三班 邀请您' } }]), 30_000)
  expect((await get<List>(user, '')).items).toMatchObject([{ body: '邀请在 3 天内有效。' }])
})

test('reading is told to all devices, and only one’s own can be read', async () => {
  const [user, stranger] = await Promise.all([signUp(app), signUp(app)])
  const live = await listen(user)
  for (let n = 0; n < 3; n++) await service.notify(user.user.id, quiet, {})
  await vi.waitFor(() => expect(live).toHaveLength(3), 30_000)
  expect(await get(user, '/unread-count')).toEqual({ unread_count: 3 })
  const { items } = await get<List>(user, '?limit=2')
  const id = items[0]?.id ?? ''

  expect((await post(stranger, `/${id}/read`)).status).toBe(404)
  expect((await get<List>(stranger, '')).items).toEqual([])
  expect(await (await post(user, `/${id}/read`)).json()).toEqual({ unread_count: 2 })
  expect(await (await post(user, `/${id}/read`)).json()).toEqual({ unread_count: 2 })
  expect((await get<List>(user, '?unread=true')).items).toHaveLength(2)
  expect(await (await post(user, '/read-all')).json()).toEqual({ unread_count: 0 })
  await vi.waitFor(
    () => expect(live.at(-1)).toEqual({ type: 'notification.read', id: null, unread_count: 0 }),
    30_000,
  )
  expect((await get<List>(user, '?unread=true')).items).toEqual([])
})

test('pages through the list', async () => {
  const user = await signUp(app)
  for (let n = 0; n < 5; n++) await service.notify(user.user.id, quiet, {})
  const first = await get<List>(user, '?limit=3')
  const second = await get<List>(user, `?limit=3&cursor=${first.next_cursor}`)
  const ids = [...first.items, ...second.items].map(item => item.id)
  expect(new Set(ids).size).toBe(5)
  expect(ids).toEqual([...ids].sort().reverse())
  expect(second.next_cursor).toBeNull()
})

test('a key makes it once, and a transaction that fails makes none', async () => {
  const user = await signUp(app)
  await Promise.all(Array.from({ length: 10 }, () => service.notify(user.user.id, quiet, {}, { key: 'k' })))
  await expect(
    app.core.db.transaction(async tx => {
      await service.notify(user.user.id, quiet, {}, { tx })
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  expect((await get<List>(user, '')).items).toHaveLength(1)
})

test('nothing is left of a deleted user', async () => {
  const user = await signUp(app)
  await service.notify(user.user.id, quiet, {})
  await app.core.db.transaction(tx => app.core.events.publish(tx, UserDeleted, { user_id: user.user.id }))
  await vi.waitFor(async () => expect((await get<List>(user, '')).items).toEqual([]), { timeout: 30_000 })
})

test('the channel is for its user alone', async () => {
  const [user, stranger] = await Promise.all([signUp(app), signUp(app)])
  const sse = (who: TestUser) =>
    fetch(`${base}/api/v1/realtime/sse?channel=notifications.user.${user.user.id}`, { headers: who.headers })
  const own = await sse(user)
  expect(own.status).toBe(200)
  await own.body?.cancel()
  const other = await sse(stranger)
  expect(other.status).toBe(404)
  expect((await fetch(`${base}/api/v1/notifications`)).status).toBe(401)
  expect((await post(user, `/${newId()}/read`)).status).toBe(404)
})
