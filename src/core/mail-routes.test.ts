import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { migration as jobsMigration } from '#core/jobs/migrations/0001_jobs.ts'
import { type Door, openDoor } from '#core/jobs/testing/door.ts'
import { startProcess, type TestProcess } from '#core/jobs/testing/harness.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createMail, type Mail, type StoredMail } from './mail.ts'
import { mailRoutes } from './mail-routes.ts'
import { migration } from './migrations/0001_mail.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let process: TestProcess
let mail: Mail
let door: Door

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [jobsMigration, migration] }])
  process = await startProcess(database.url)
  mail = createMail({ ...process, settings: { SMTP_URL: '', MAIL_FROM: 'banyan@example.com' } })
  door = await openDoor(process.db, router => mailRoutes(router, mail))
})
afterAll(async () => {
  await door.close()
  await process.stop(0)
  await database.drop()
})

test('only administrators read the mailbox', async () => {
  const [admin, other] = [door.enter(['core.mailbox.read']), door.enter(['core.jobs.manage'])]
  await mail.send(process.db.primary, { to: 'a@example.org', subject: 'One', text: 'First' })
  await mail.send(process.db.primary, {
    to: 'b@example.org',
    subject: 'Two',
    text: 'Second',
    html: '<p>Second</p>',
  })
  const answer = await admin.fetch('/api/v1/admin/mailbox?limit=1')
  const page = (await answer.json()) as { items: StoredMail[]; next_cursor: string }
  expect(page.items).toMatchObject([{ to: 'b@example.org', subject: 'Two', state: 'stored' }])
  const rest = await admin.fetch(`/api/v1/admin/mailbox?limit=1&cursor=${page.next_cursor}`)
  expect(await rest.json()).toMatchObject({ items: [{ subject: 'One' }], next_cursor: null })
  const one = await admin.fetch(`/api/v1/admin/mailbox/${page.items[0]?.id}`)
  expect(await one.json()).toMatchObject({ text: 'Second', html: '<p>Second</p>' })
  expect((await admin.fetch(`/api/v1/admin/mailbox/${newId()}`)).status).toBe(404)
  expect((await other.fetch('/api/v1/admin/mailbox')).status).toBe(403)
  expect((await other.fetch(`/api/v1/admin/mailbox/${page.items[0]?.id}`)).status).toBe(403)
})
