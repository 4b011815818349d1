import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createTestDb } from '#core/testing/database.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import type { Batch } from './batches.ts'
import type { Redemption } from './redemption-testing.ts'
import { anyTemplate } from './testing.ts'

const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }
const quantity = 200
const callers = 8

let database: Awaited<ReturnType<typeof createTestDb>>
let dataDir: string
let server: ServerProcess
let headers: Record<string, string>

beforeAll(async () => {
  const modules = await loadModules()
  database = await createTestDb([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-crash-'))
  await live()
  const { access_token } = await call<{ access_token: string }>('POST', '/auth/login', {
    ...admin,
    mode: 'token',
  })
  headers = { authorization: `Bearer ${access_token}` }
})
afterAll(async () => {
  await server.kill()
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** The next life of the same installation. */
async function live() {
  server = spawnServer({
    PORT: String(await freePort()),
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key of the tests that is long enough to pass',
    ADMIN_EMAIL: admin.name,
    ADMIN_PASSWORD: admin.password,
    RATE_LIMIT_WRITE_PER_MINUTE: '0',
  })
  await untilReady(server)
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return (text.startsWith('{') ? JSON.parse(text) : text) as T
}

const redeem = (code: string) => call<Redemption>('POST', '/cards/redemptions', { code })

async function releasedCodes(): Promise<{ batch: Batch; codes: string[] }> {
  const template = await call<{ id: string }>('POST', '/cards/templates', anyTemplate)
  await call('PATCH', `/cards/templates/${template.id}`, { state: 'published' })
  const { id } = await call<Batch>('POST', '/cards/batches', {
    template_id: template.id,
    name: 'crash',
    quantity,
  })
  await call('POST', `/cards/batches/${id}/generate`)
  await vi.waitFor(
    async () => expect(await call('GET', `/cards/batches/${id}`)).toMatchObject({ state: 'ready' }),
    { timeout: 60_000, interval: 100 },
  )
  const batch = await call<Batch>('POST', `/cards/batches/${id}/release`)
  const csv = await call<string>('GET', `/cards/batches/${id}/codes.csv`)
  const codes = csv.split('\n').map(line => /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/.exec(line)?.[0])
  return { batch, codes: codes.filter(code => code !== undefined) }
}

test('a server killed among redemptions loses none that it answered, and logs and announces each once', async () => {
  const { batch, codes } = await releasedCodes()
  const answered = new Map<string, string>()
  let next = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let code = codes[next++]; code; code = codes[next++]) {
        try {
          answered.set(code, (await redeem(code)).item.id)
        } catch {
          // Its server is gone.
          return
        }
        if (answered.size === quantity / 4) void server.kill()
      }
    }),
  )
  expect(answered.size).toBeGreaterThanOrEqual(quantity / 4)
  expect(answered.size).toBeLessThan(quantity)
  await server.kill()
  await live()

  for (const [code, id] of answered)
    expect(await redeem(code)).toMatchObject({ already_owned: true, item: { id } })
  for (const code of codes.filter(code => !answered.has(code)))
    answered.set(code, (await redeem(code)).item.id)
  const ids = [...answered.values()].sort()
  expect(new Set(ids).size).toBe(quantity)

  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ pending: number; unannounced: number }>`
        SELECT (SELECT count(*) FROM cards_usage_pending) AS pending,
          (SELECT count(*) FROM cards_redemption WHERE announced_at IS NULL) AS unannounced`.execute(
        database.db.primary,
      )
      expect(rows).toEqual([{ pending: 0, unannounced: 0 }])
    },
    // A killed process is given up after 20 seconds, and cron jobs run once a minute.
    { timeout: 240_000, interval: 500 },
  )
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM cards_usage WHERE action = 'redeemed' ORDER BY id`.execute(database.db.primary)
  expect(rows.map(row => row.id)).toEqual(ids)
  const told = await sql<{ count: number }>`
    SELECT count(*) FROM notifications_notification WHERE kind = 'cards.card_redeemed'`.execute(
    database.db.primary,
  )
  expect(told.rows).toEqual([{ count: quantity }])
  expect(await call('GET', `/cards/usage-chains/${batch.id}/verification`)).toMatchObject({
    checked: quantity,
    findings: [],
  })
}, 400_000)
