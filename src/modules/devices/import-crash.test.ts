import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createTestDb } from '#core/testing/database.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import type { Batch, DeviceType, ImportView } from './views.ts'

const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }

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
  dataDir = mkdtempSync(join(tmpdir(), 'banyan-import-'))
  await live()
  const login = JSON.stringify({ ...admin, mode: 'token' })
  const { access_token } = await call<{ access_token: string }>('POST', '/auth/login', login)
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
  })
  await untilReady(server)
}

async function call<T>(method: string, path: string, body?: string | FormData): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}) },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

async function newBatch(name: string): Promise<Batch> {
  const { items } = await call<{ items: DeviceType[] }>('GET', '/devices/types')
  return call('POST', '/devices/batches', JSON.stringify({ type_id: items[0]?.id, name }))
}

function upload(batch: Batch, text: string) {
  const form = new FormData()
  form.append('file', new Blob([text]), 'factory.csv')
  return call<ImportView>('POST', `/devices/batches/${batch.id}/imports`, form)
}

type Row = { id: string; state: string; lines_done: number }
async function importOf(batch: Batch): Promise<Row | undefined> {
  const { rows } = await sql<Row>`
    SELECT id, state, lines_done FROM devices_import WHERE batch_id = ${batch.id}`.execute(
    database.db.primary,
  )
  return rows[0]
}

/** Kills the server once it has taken in some of the lines, and returns where it was. */
async function killAmong(batch: Batch): Promise<Row> {
  await vi.waitFor(async () => expect((await importOf(batch))?.lines_done).toBeGreaterThan(0), {
    timeout: 60_000,
    interval: 5,
  })
  await server.kill()
  const row = await importOf(batch)
  if (!row) throw new Error('The import is gone')
  return row
}

/** The report once all is done, and the devices that are there. */
async function resultOf(batch: Batch, { id }: Row) {
  await vi.waitFor(
    async () =>
      expect(await call<ImportView>('GET', `/devices/imports/${id}`)).toMatchObject({ state: 'done' }),
    // A killed process is given up after 20 seconds; a job looks after small lists a minute later.
    { timeout: 180_000, interval: 200 },
  )
  const { rows } = await sql<{ mac: string }>`
    SELECT mac FROM devices_device WHERE batch_id = ${batch.id} ORDER BY mac`.execute(database.db.primary)
  const files = join(dataDir, 'files', 'devices', 'imports')
  await vi.waitFor(() => expect(existsSync(files) ? readdirSync(files) : []).toEqual([]), 20_000)
  return {
    report: await call<ImportView>('GET', `/devices/imports/${id}`),
    macs: rows.map(row => row.mac.replaceAll(':', '')),
  }
}

const macOf = (prefix: string, n: number) => `${prefix}${n.toString(16).padStart(12 - prefix.length, '0')}`

test('a long list whose reader is killed half-way is taken in once, line by line, and reported so', async () => {
  const lines = ['mac,serial']
  const macs: string[] = []
  const problems: [number, string][] = []
  const refuse = (line: string, code: string) => {
    lines.push(line)
    problems.push([lines.length, code])
  }
  while (lines.length < 40_000) {
    const n = lines.length
    const mac = macOf('0600', n)
    // What is wrong is wrong before the end of the first life and after it, and refers to lines of both.
    if (n % 1000 === 500) refuse('nonsense,', 'mac_malformed')
    else if (n % 1000 === 501) refuse(`${macs.at(-1)},`, 'mac_repeated')
    else if (n > 2000 && n % 1000 === 502) refuse(`${macs[n - 2000]},`, 'mac_in_batch')
    else {
      lines.push(`${mac},L${n}`)
      macs.push(mac)
    }
  }
  const batch = await newBatch('long')
  expect(await upload(batch, lines.join('\n'))).toMatchObject({ job_id: expect.any(String) })
  const cut = await killAmong(batch)
  expect(cut.state).toBe('running')
  expect(cut.lines_done).toBeLessThan(lines.length)
  await live()
  const { report, macs: stored } = await resultOf(batch, cut)
  expect(stored).toEqual(macs.sort())
  expect(report).toMatchObject({
    added: macs.length,
    refused: problems.length,
    lines_done: lines.length,
    error: null,
  })
  expect(report.problems.map(({ line, code }) => [line, code])).toEqual(problems)
}, 400_000)

test('a short list is finished too when the server dies before its sender has the answer', async () => {
  const macs = Array.from({ length: 14_000 }, (_, n) => macOf('0a00', n))
  const batch = await newBatch('short')
  const answer = upload(batch, macs.join('\n')).then(
    () => 'answered',
    () => 'gone',
  )
  const cut = await killAmong(batch)
  expect([await answer, cut.state]).toEqual(['gone', 'running'])
  await live()
  const { report, macs: stored } = await resultOf(batch, cut)
  expect(stored).toEqual(macs)
  expect(report).toMatchObject({ added: macs.length, refused: 0, lines_done: macs.length, problems: [] })
}, 400_000)
