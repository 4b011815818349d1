import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { sampleKey } from './contract.ts'

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ settings: { SAMPLE_TITLE_MAX_CHARS: '20' } })
})
afterAll(() => app.stop())

async function call(who: TestUser | null, query = '', body?: object) {
  const response = await app.fetch(`/api/v1/sample/items${query}`, {
    headers: { ...who?.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: await response.json() }
}

test('items are made, and listed newest first, page by page', async () => {
  const user = await signUp(app)
  for (const title of ['first', 'second', 'third'])
    expect(await call(user, '', { title })).toMatchObject({ status: 201, body: { title } })
  const page = await call(user, '?limit=2')
  expect(page).toMatchObject({ status: 200, body: { items: [{ title: 'third' }, { title: 'second' }] } })
  const { next_cursor } = page.body as { next_cursor: string }
  expect((await call(user, `?limit=2&cursor=${next_cursor}`)).body).toMatchObject({
    items: [{ title: 'first' }],
    next_cursor: null,
  })
  const counts = await app.app.use(sampleKey).countItems([user.user.id])
  expect(counts).toEqual(new Map([[user.user.id, 3]]))
})

test('nobody sees what is not his own', async () => {
  const [owner, other] = await Promise.all([signUp(app), signUp(app)])
  await call(owner, '', { title: 'mine' })
  expect((await call(other)).body).toEqual({ items: [], next_cursor: null })
  expect((await call(null)).status).toBe(401)
  expect((await call(null, '', { title: 'x' })).status).toBe(401)
})

test('a title has a length that fits', async () => {
  const user = await signUp(app)
  expect((await call(user, '', { title: '' })).status).toBe(400)
  const tooLong = await call(user, '', { title: 'x'.repeat(21) })
  expect(tooLong).toMatchObject({ status: 422, body: { code: 'sample.title_too_long' } })
})

test('what a deleted user had is gone', async () => {
  const user = await signUp(app)
  await call(user, '', { title: 'mine' })
  await app.core.events.publish(app.core.db.primary, UserDeleted, { user_id: user.user.id })
  await vi.waitFor(async () => expect((await call(user)).body).toMatchObject({ items: [] }), 10_000)
})
