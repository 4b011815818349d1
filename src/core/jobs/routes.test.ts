import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/ids.ts'
import { createTestDb } from '#core/testing/database.ts'
import { defineJob } from './jobs.ts'
import { migration } from './migrations/0001_jobs.ts'
import { jobChannel, jobRoutes } from './routes.ts'
import { type Door, openDoor } from './testing/door.ts'
import { startProcess, type TestProcess } from './testing/harness.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let process: TestProcess
let door: Door

const fragile = defineJob({
  name: 'test.fragile',
  schema: z.object({ isBroken: z.boolean() }),
  attempts: 1,
  async run({ isBroken }) {
    if (isBroken) throw new Error('broken inside')
  },
})
const endless = defineJob({
  name: 'test.endless',
  schema: z.object({}),
  run: (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
})

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [migration] }])
  process = await startProcess(database.url, [fragile, endless])
  door = await openDoor(process.db, router => jobRoutes(router, process.jobs))
})
afterAll(async () => {
  await door.close()
  await process.stop(0)
  await database.drop()
})

const read = async (response: Promise<Response>) => {
  const answer = await response
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test('a job is for its owner and for those who manage jobs', async () => {
  const [owner, stranger, admin] = [door.enter(), door.enter(), door.enter(['core.jobs.manage'])]
  const { jobs, db } = process
  const id = await jobs.add(db.primary, fragile, { isBroken: true }, { owner_id: owner.id })
  await vi.waitFor(async () => expect(await jobs.get(id)).toMatchObject({ state: 'dead' }), {
    timeout: 20_000,
  })
  for (const allowed of [owner, admin]) {
    const { status, body } = await read(allowed.fetch(`/api/v1/jobs/${id}`))
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, state: 'dead', error_code: 'job.failed' })
    expect(body).not.toHaveProperty('error_detail')
  }
  expect(await read(stranger.fetch(`/api/v1/jobs/${id}`))).toMatchObject({
    status: 404,
    body: { code: 'job.not_found' },
  })
  expect((await owner.fetch(`/api/v1/jobs/${newId()}`)).status).toBe(404)
  expect((await owner.fetch('/api/v1/jobs/x')).status).toBe(400)

  const channel = jobChannel(jobs)
  const actorOf = (user_id: string, permissions: string[] = []) => ({
    user_id,
    via: 'access' as const,
    session_id: null,
    roles: [],
    permissions: new Set(permissions),
    locale: 'en' as const,
    time_zone: 'UTC',
  })
  expect(await channel.authorize(actorOf(owner.id), { id })).toBe(true)
  expect(await channel.authorize(actorOf(stranger.id), { id })).toBe(false)
  expect(await channel.authorize(actorOf(admin.id, ['core.jobs.manage']), { id })).toBe(true)
  expect(await channel.authorize(actorOf(owner.id), { id: 'x' })).toBe(false)
})

test('administrators list jobs, see why one failed, and retry it', async () => {
  const [owner, admin] = [door.enter(), door.enter(['core.jobs.manage'])]
  const { jobs, db } = process
  const id = await jobs.add(db.primary, fragile, { isBroken: true }, { owner_id: owner.id })
  await vi.waitFor(async () => expect(await jobs.get(id)).toMatchObject({ state: 'dead' }), {
    timeout: 20_000,
  })
  expect((await owner.fetch('/api/v1/admin/jobs')).status).toBe(403)
  const { body } = await read(admin.fetch(`/api/v1/admin/jobs?state=dead&owner_id=${owner.id}&limit=5`))
  expect(body).toMatchObject({ items: [{ id, error_detail: 'broken inside' }], next_cursor: null })
  expect((await admin.fetch('/api/v1/admin/jobs?state=wild')).status).toBe(400)
  expect((await admin.fetch('/api/v1/admin/jobs?cursor=wild')).status).toBe(400)

  const retry = (who: typeof admin, which: string) =>
    read(who.fetch(`/api/v1/admin/jobs/${which}/retry`, { method: 'POST' }))
  expect((await retry(owner, id)).status).toBe(403)
  expect((await retry(admin, id)).status).toBe(202)
  expect((await retry(admin, newId())).status).toBe(404)
  const fine = await jobs.add(db.primary, fragile, { isBroken: false })
  await vi.waitFor(async () => expect(await jobs.get(fine)).toMatchObject({ state: 'succeeded' }), {
    timeout: 20_000,
  })
  expect(await retry(admin, fine)).toMatchObject({ status: 409, body: { code: 'job.not_retryable' } })
})

test('owners cancel their own jobs, administrators any', async () => {
  const [owner, stranger, admin] = [door.enter(), door.enter(), door.enter(['core.jobs.manage'])]
  const { jobs, db } = process
  const cancel = (who: typeof owner, path: string) =>
    read(who.fetch(`/api/v1/${path}/cancel`, { method: 'POST' }))
  for (const [who, prefix] of [
    [owner, 'jobs'],
    [admin, 'admin/jobs'],
  ] as const) {
    const id = await jobs.add(db.primary, endless, {}, { owner_id: owner.id })
    await vi.waitFor(async () => expect(await jobs.get(id)).toMatchObject({ state: 'running' }), {
      timeout: 20_000,
    })
    expect((await cancel(stranger, `jobs/${id}`)).status).toBe(404)
    expect((await cancel(stranger, `admin/jobs/${id}`)).status).toBe(403)
    expect((await cancel(who, `${prefix}/${id}`)).status).toBe(202)
    await vi.waitFor(async () => expect(await jobs.get(id)).toMatchObject({ state: 'cancelled' }), {
      timeout: 20_000,
    })
    expect(await cancel(who, `${prefix}/${id}`)).toMatchObject({ status: 409, body: { code: 'job.ended' } })
  }
})
