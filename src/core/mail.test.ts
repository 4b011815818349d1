import type { AddressInfo } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { sql } from 'kysely'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { migration as jobsMigration } from '#core/jobs/migrations/0001_jobs.ts'
import { startProcess, type TestProcess } from '#core/jobs/testing/harness.ts'
import { createLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createMail, type MailService } from './mail.ts'
import { migration } from './migrations/0001_mail.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let lines: string[] = []
const cleanups: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [jobsMigration, migration] }])
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await sql`DELETE FROM core_mail`.execute(database.db.primary)
})
afterAll(() => database.drop())

type Letter = { from: string; to: string[]; body: string }

/** A mail server on loopback that keeps what it takes. */
async function startServer(options: Partial<SMTPServerOptions> = {}) {
  const letters: Letter[] = []
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    logger: false,
    async onData(stream, session, done) {
      const body = await readText(stream)
      const { mailFrom, rcptTo } = session.envelope
      letters.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address), body })
      done()
    },
    ...options,
  })
  server.on('error', () => undefined)
  const listening = server.listen(0, '127.0.0.1')
  await new Promise(resolve => listening.once('listening', resolve))
  cleanups.push(() => new Promise<void>(resolve => server.close(resolve)))
  return { letters, port: (listening.address() as AddressInfo).port }
}

async function start(SMTP_URL: string): Promise<TestProcess & { mail: MailService }> {
  lines = []
  const made: { mail?: MailService } = {}
  const process = await startProcess(
    database.url,
    ({ db, jobs }) => {
      made.mail = createMail({ db, jobs, settings: { SMTP_URL, MAIL_FROM: 'Banyan <banyan@example.com>' } })
      return made.mail.jobs
    },
    { log: createLog('debug', line => lines.push(line)) },
  )
  cleanups.push(() => process.stop(0))
  if (!made.mail) throw new Error('unreachable')
  return { ...process, mail: made.mail }
}

const letter = {
  to: 'li.lei@example.org',
  subject: '设置新密码',
  text: 'Open https://ai.example.com/reset#token=canary-token to go on.',
}

const mailbox = async (mail: MailService) => (await mail.mailbox.list({ limit: 10 })).items

const expectDiscreetLog = () => {
  expect(lines.join('\n')).not.toMatch(/li\.lei|canary/)
}

test('sends a mail once its transaction has committed, and keeps nothing of it', async () => {
  const { letters, port } = await startServer()
  const { db, mail } = await start(`smtp://127.0.0.1:${port}`)
  expect(mail.delivers).toBe(true)
  await expect(
    db.transaction(async tx => {
      await mail.send(tx, { ...letter, to: 'nobody@example.org' })
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  await db.transaction(tx => mail.send(tx, { ...letter, html: '<p>Open</p>' }))
  await vi.waitFor(async () => expect(await mailbox(mail)).toEqual([]), { timeout: 20_000 })
  expect(letters).toHaveLength(1)
  expect(letters[0]).toMatchObject({ from: 'banyan@example.com', to: [letter.to] })
  expect(letters[0]?.body).toContain('canary-token')
  expect(letters[0]?.body).toMatch(/Message-ID: <[0-9a-f-]{36}@example\.com>/i)
  expectDiscreetLog()
})

test('goes to one address only, whatever is in it', async () => {
  const { letters, port } = await startServer()
  const { db, mail } = await start(`smtp://127.0.0.1:${port}`)
  await mail.send(db.primary, { ...letter, to: 'a@example.org, b@example.org' })
  await mail.send(db.primary, { ...letter, subject: 'Hello\r\nBcc: c@example.org' })
  await vi.waitFor(() => expect(letters).toHaveLength(1), { timeout: 20_000 })
  expect(letters[0]?.to).toEqual([letter.to])
  expect(letters[0]?.body).not.toMatch(/^Bcc:/m)
})

test('tries again while the server is out of order', async () => {
  let refusals = 2
  const { letters, port } = await startServer({
    onRcptTo(_address, _session, done) {
      if (refusals-- > 0)
        done(Object.assign(new Error('li.lei@example.org: try later'), { responseCode: 451 }))
      else done()
    },
  })
  const { db, mail } = await start(`smtp://127.0.0.1:${port}`)
  await mail.send(db.primary, letter)
  await vi.waitFor(
    async () => expect(await mailbox(mail)).toMatchObject([{ state: 'failed', error_code: 'smtp.451' }]),
    {
      timeout: 20_000,
    },
  )
  await vi.waitFor(() => expect(letters).toHaveLength(1), { timeout: 40_000 })
  await vi.waitFor(async () => expect(await mailbox(mail)).toEqual([]), { timeout: 20_000 })
  expectDiscreetLog()
})

test('gives up on a mail that the server refuses for good', async () => {
  const { port } = await startServer({
    onRcptTo(_address, _session, done) {
      done(Object.assign(new Error('li.lei@example.org: no such user'), { responseCode: 550 }))
    },
  })
  const { db, jobs, mail } = await start(`smtp://127.0.0.1:${port}`)
  await mail.send(db.primary, letter)
  await vi.waitFor(
    async () => expect(await mailbox(mail)).toMatchObject([{ state: 'failed', error_code: 'smtp.550' }]),
    {
      timeout: 20_000,
    },
  )
  await vi.waitFor(async () => {
    const { items } = await jobs.list({ name: 'core.send_mail', limit: 1 })
    expect(items).toMatchObject([{ state: 'succeeded' }])
  }, 20_000)
  expectDiscreetLog()
})

test('does not talk to a server whose certificate it cannot verify', async () => {
  const { letters, port } = await startServer({ hideSTARTTLS: false })
  const { db, mail } = await start(`smtp://127.0.0.1:${port}`)
  await mail.send(db.primary, letter)
  await vi.waitFor(async () => expect(await mailbox(mail)).toMatchObject([{ state: 'failed' }]), {
    timeout: 20_000,
  })
  expect(letters).toEqual([])
})

test('a server that is not there is no more than a failure', async () => {
  const { db, mail } = await start('smtp://127.0.0.1:9')
  await mail.send(db.primary, letter)
  await vi.waitFor(async () => expect(await mailbox(mail)).toMatchObject([{ state: 'failed' }]), {
    timeout: 20_000,
  })
  expectDiscreetLog()
})

test('without a server, mail waits for administrators', async () => {
  const { db, mail } = await start('')
  expect(mail.delivers).toBe(false)
  for (let n = 0; n < 3; n++) await mail.send(db.primary, { ...letter, subject: `Mail ${n}` })
  const first = await mail.mailbox.list({ limit: 2 })
  const second = await mail.mailbox.list({ limit: 2, cursor: first.next_cursor ?? '' })
  const all = [...first.items, ...second.items]
  expect(all.map(item => item.subject).sort()).toEqual(['Mail 0', 'Mail 1', 'Mail 2'])
  expect(all.map(item => item.id)).toEqual(
    all
      .map(item => item.id)
      .sort()
      .reverse(),
  )
  expect(first.items[0]).toMatchObject({ to: letter.to, state: 'stored' })
  expect(first.items[0]).not.toHaveProperty('text')
  expect(await mail.mailbox.get(first.items[0]?.id ?? '')).toMatchObject({ text: letter.text, html: null })
  expectDiscreetLog()
})
