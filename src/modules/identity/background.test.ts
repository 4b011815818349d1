import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { consumer } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { defineModule } from '#core/module.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { OrganisationDeleted, UserCreated, UserDeleted, UserDisabled } from './contract.ts'
import identity from './index.ts'
import { createJobsOfIdentity } from './jobs.ts'
import type { IdentityTables } from './tables.ts'
import { signInAdmin, signUp } from './testing.ts'
import { ask, bodyOf } from './testing-http.ts'

const heard: string[] = []

/** A module that listens, as the products do. */
const listener = defineModule({
  name: 'listener',
  settings: {},
  permissions: [],
  migrations: [],
  setup: () => ({
    consumers: [UserCreated, UserDisabled, UserDeleted].map(event =>
      consumer({
        name: `listener.hear_${event.name.split('.').at(-1)}`,
        event,
        handle: async ({ payload }) => void heard.push(`${event.name} ${payload.user_id}`),
      }),
    ),
  }),
})

let app: TestApp

beforeAll(async () => {
  app = await startTestApp({ modules: [identity, listener] })
})
afterAll(() => app.stop())

test('other modules hear of accounts that are made, disabled and deleted', async () => {
  const admin = await signInAdmin(app)
  const input = { username: 'heard-of', password: 'kettle-7-lantern' }
  expect((await ask(app, 'POST', '/auth/register', null, input)).status).toBe(202)
  const { items } = await bodyOf(await ask(app, 'GET', '/users?q=heard-of', admin))
  const id = items[0]?.id ?? ''
  const hears = (event: { name: string }) =>
    vi.waitFor(() => expect(heard).toContain(`${event.name} ${id}`), 30_000)
  await hears(UserCreated)
  await ask(app, 'PATCH', `/users/${id}`, admin, { is_active: false })
  await hears(UserDisabled)
  await ask(app, 'DELETE', `/users/${id}`, admin)
  await hears(UserDeleted)
  expect(OrganisationDeleted.name).toBe('identity.organisation.deleted')
})

test('nobody’s mailbox is flooded with reset links', async () => {
  const { user } = await signUp(app, { email: 'patient@example.com' })
  for (let n = 0; n < 5; n++)
    await ask(app, 'POST', '/auth/password/forgot', null, { email: 'patient@example.com' })
  const mails = async () => {
    const { items } = await app.core.mail.mailbox.list({ limit: 100 })
    return items.filter(item => item.to === user.email)
  }
  const done = async () => {
    const { items } = await app.core.jobs.list({ name: 'identity.send_password_reset', limit: 100 })
    return items.length === 5 && items.every(job => job.state === 'succeeded')
  }
  await vi.waitFor(async () => expect(await done()).toBe(true), 30_000)
  expect(await mails()).toHaveLength(3)
})

test('what has expired is cleared away, and what holds stays', async () => {
  const { user, headers } = await signUp(app)
  const db = app.core.db.withTables<IdentityTables>()
  const past = new Date(Date.now() - 1000).toISOString()
  const session = { id: newId(), user_id: user.id, token_hash: null, ip: '', user_agent: '' }
  await db.primary
    .insertInto('identity_session')
    .values({ ...session, created_at: past, last_used_at: past, expires_at: past })
    .execute()
  const { jobs } = createJobsOfIdentity({ db, clock: app.core.clock }, { request: async () => {} })
  const cleanUp = jobs.find(job => job.name === 'identity.clean_up')
  const signal = new AbortController().signal
  await cleanUp?.run({}, { job_id: newId(), attempt: 1, signal, log: silentLog, progress: async () => {} })
  const rows = await db.primary
    .selectFrom('identity_session')
    .select('id')
    .where('user_id', '=', user.id)
    .execute()
  expect(rows.map(row => row.id)).not.toContain(session.id)
  expect(rows).toHaveLength(1)
  expect((await ask(app, 'GET', '/users/me', { headers })).status).toBe(200)
})
