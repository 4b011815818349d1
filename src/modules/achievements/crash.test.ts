import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createTestDb } from '#core/testing/database.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import type { Definition } from './contract.ts'
import { counting, definitionOf } from './testing.ts'

const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }
const users = 400
const patience = { timeout: 120_000, interval: 20 }

let database: Awaited<ReturnType<typeof createTestDb>>
let dataDir: string
let server: ServerProcess
let token: string

beforeAll(async () => {
  const modules = await loadModules()
  database = await createTestDb([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-replay-'))
})
afterAll(async () => {
  await server.kill()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function live() {
  server = spawnServer({
    PORT: String(await freePort()),
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key of the tests that is long enough to pass',
    ADMIN_EMAIL: admin.name,
    ADMIN_PASSWORD: admin.password,
  })
  await untilReady(server)
  const signedIn = await call<{ access_token: string }>('POST', '/auth/login', { ...admin, mode: 'token' })
  token = signedIn.access_token
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return (await response.json()) as T
}

/** User n did something 1 to 4 times. */
async function plantHistory() {
  await sql`
    WITH planted AS (
      INSERT INTO achievements_user (user_id)
      SELECT gen_random_uuid() FROM generate_series(1, ${users}) RETURNING user_id
    )
    INSERT INTO achievements_fact (id, user_id, event, occurred_at, day, fields)
    SELECT gen_random_uuid(), user_id, 'devices.turn.completed', now(), current_date, '{}'
    FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS n FROM planted) AS numbered
    CROSS JOIN LATERAL generate_series(1, 1 + n % 4)`.execute(database.db.primary)
}

const definition = (id: string) => call<Definition>('GET', `/achievements/definitions/${id}`)

test('a replay goes on after a cancel and after kill -9, and unlocks everything exactly once', async () => {
  await live()
  await plantHistory()
  const made = await call<Definition>(
    'POST',
    '/achievements/definitions',
    definitionOf(counting('devices.turn.completed', 2, 4)),
  )
  const half = async (from: number) => {
    await vi.waitFor(async () => {
      const { replay } = await definition(made.id)
      expect(replay.users_done).toBeGreaterThan(from)
    }, patience)
    return definition(made.id)
  }
  const begun = await half(0)
  await call('POST', `/jobs/${begun.replay.job_id}/cancel`)
  const stopped = await vi.waitFor(async () => {
    const now = await definition(made.id)
    expect(now.replay.state).not.toBe('running')
    return now
  }, patience)

  await call('POST', `/achievements/definitions/${made.id}/replays`)
  await half(stopped.replay.users_done)
  await server.kill()
  await live()
  await vi.waitFor(async () => expect((await definition(made.id)).replay.state).toBe('done'), patience)
  const { holders, replay } = await definition(made.id)
  expect(replay.users_done).toBeGreaterThanOrEqual(users)
  expect(holders.sort((a, b) => a.users - b.users)).toEqual([
    { tier: 'silver', users: users / 4 },
    { tier: 'bronze', users: (users * 3) / 4 },
  ])
  const { rows } = await sql<{ tallied: number; told: number; points: number }>`
    SELECT (SELECT sum(amount) FROM achievements_tally) AS tallied,
      (SELECT count(*) FROM notifications_notification) AS told,
      (SELECT sum(points) FROM achievements_user) AS points`.execute(database.db.primary)
  expect(rows[0]).toMatchObject({ told: users, points: (users * 3 * 10) / 4 + (users * 20) / 4 })
}, 300_000)
