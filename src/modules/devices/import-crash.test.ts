import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import type { Batch, DeviceType, ImportView } from './views.ts'

let banyan: Installation
beforeAll(async () => {
  banyan = await createInstallation()
  await banyan.live()
})
afterAll(() => banyan.drop())

async function newBatch(name: string): Promise<Batch> {
  const { items } = await banyan.call<{ items: DeviceType[] }>('GET', '/devices/types')
  return banyan.call('POST', '/devices/batches', { type_id: items[0]?.id, name })
}

function upload(batch: Batch, text: string) {
  const form = new FormData()
  form.append('file', new Blob([text]), 'factory.csv')
  return banyan.call<ImportView>('POST', `/devices/batches/${batch.id}/imports`, form)
}

type Row = { id: string; state: string; lines_done: number }
async function importOf(batch: Batch): Promise<Row | undefined> {
  const { rows } = await sql<Row>`
    SELECT id, state, lines_done FROM devices_import WHERE batch_id = ${batch.id}`.execute(banyan.db.primary)
  return rows[0]
}

/**
 * Begins to import a list, kills the server once it has taken in some of the lines, and returns where it was. Before
 * that it gets no further than to `mac`: that is kept back for a device that never comes to be.
 */
const killAmong = (batch: Batch, mac: string, begin: () => Promise<unknown>): Promise<Row> =>
  banyan.db.transaction(async tx => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(tx)
    const written = mac.replaceAll(/(..)(?!$)/g, '$1:')
    await sql`
      INSERT INTO devices_device (id, type_id, mac, state, approval)
      SELECT gen_random_uuid(), id, ${written}, 'produced', 'approved' FROM devices_type WHERE is_default`.execute(
      tx,
    )
    await begin()
    await vi.waitFor(async () => expect((await importOf(batch))?.lines_done).toBeGreaterThan(0), {
      timeout: 60_000,
      interval: 5,
    })
    await banyan.kill()
    await sql`DELETE FROM devices_device WHERE mac = ${written}`.execute(tx)
    const row = await importOf(batch)
    if (!row) throw new Error('The import is gone')
    return row
  })

/** The report once all is done, and the devices that are there. */
async function resultOf(batch: Batch, { id }: Row) {
  await vi.waitFor(
    async () =>
      expect(await banyan.call<ImportView>('GET', `/devices/imports/${id}`)).toMatchObject({ state: 'done' }),
    // A killed process is given up after 20 seconds; a job looks after small lists a minute later.
    { timeout: 180_000, interval: 200 },
  )
  const { rows } = await sql<{ mac: string }>`
    SELECT mac FROM devices_device WHERE batch_id = ${batch.id} ORDER BY mac`.execute(banyan.db.primary)
  const files = join(banyan.dataDir, 'files', 'devices', 'imports')
  await vi.waitFor(() => expect(existsSync(files) ? readdirSync(files) : []).toEqual([]), 20_000)
  return {
    report: await banyan.call<ImportView>('GET', `/devices/imports/${id}`),
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
  const cut = await killAmong(batch, macs[20_000] ?? '', async () =>
    expect(await upload(batch, lines.join('\n'))).toMatchObject({ job_id: expect.any(String) }),
  )
  expect(cut.state).toBe('running')
  expect(cut.lines_done).toBeLessThan(lines.length)
  await banyan.live()
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
  let answer: Promise<string> | undefined
  const cut = await killAmong(batch, macs[7_000] ?? '', async () => {
    answer = upload(batch, macs.join('\n')).then(
      () => 'answered',
      () => 'gone',
    )
  })
  expect([await answer, cut.state]).toEqual(['gone', 'running'])
  await banyan.live()
  const { report, macs: stored } = await resultOf(batch, cut)
  expect(stored).toEqual(macs)
  expect(report).toMatchObject({ added: macs.length, refused: 0, lines_done: macs.length, problems: [] })
}, 400_000)
