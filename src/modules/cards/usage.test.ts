import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { z } from 'zod'
import { dropOldPartitions, makePartitions } from '#core/db/partitions.ts'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import type { Batch } from './batches.ts'
import { codesOf } from './redemption-access.ts'
import { unknownBatch } from './redemption-tables.ts'
import { type Collector, rowsOf, settled, signUpCollector } from './redemption-testing.ts'
import { signUpOperator } from './testing.ts'
import type { CardUse, UsageVerification } from './usage.ts'

type Verification = z.output<typeof UsageVerification>

let app: TestApp
let operator: Awaited<ReturnType<typeof signUpOperator>>
let collector: Collector
let template: { id: string }

beforeAll(async () => {
  app = await startTestApp()
  operator = await signUpOperator(app)
  collector = await signUpCollector(app)
  template = await operator.cards.template()
})
afterAll(() => app.stop())

const run = (text: string, values: unknown[] = []) => app.core.db.pool.query(text, values)

const verify = async (batchId: string, from = 1) =>
  (await operator.cards.call<Verification>('GET', `/usage-chains/${batchId}/verification?from_seq=${from}`))
    .body

const findingsOf = async (batchId: string) =>
  (await verify(batchId)).findings.map(({ kind, first_seq, last_seq, id }) => ({
    kind,
    rows: [first_seq, last_seq],
    id,
  }))

/** A batch of which five cards were redeemed, all in the log. The rows, by their place. */
async function usedBatch(): Promise<{ batch: Batch; ids: string[] }> {
  const batch = await operator.cards.released({ template_id: template.id, quantity: 5 })
  for (const code of await codesOf(app, batch.id)) expect((await collector.redeem(code)).status).toBe(200)
  await settled(app)
  const rows = await rowsOf(app)
    .selectFrom('cards_usage')
    .select(['id', 'seq'])
    .where('batch_id', '=', batch.id)
    .orderBy('seq')
    .execute()
  expect(rows.map(row => row.seq)).toEqual([1, 2, 3, 4, 5])
  expect(await verify(batch.id)).toMatchObject({ checked: 5, findings: [], last_seq: 5, next_seq: null })
  return { batch, ids: ['', ...rows.map(row => row.id)] }
}

test('a row that was changed is named, whatever was changed in it', async () => {
  const changes = [
    'number = number + 1',
    "action = 'refused'",
    "reason = 'unknown'",
    "at = at - interval '1 second'",
    'cards = 2',
    `id = '${newId()}'`,
    `redemption_id = '${newId()}'`,
    `person_digest = '\\x00'`,
  ]
  const { batch } = await usedBatch()
  for (const change of changes) {
    const { rows } = await run('SELECT * FROM cards_usage WHERE batch_id = $1 AND seq = 3', [batch.id])
    await run(`UPDATE cards_usage SET ${change} WHERE batch_id = $1 AND seq = 3`, [batch.id])
    const found = await findingsOf(batch.id)
    expect(found).toContainEqual(expect.objectContaining({ kind: 'row_changed', rows: [3, 3] }))
    expect(found.filter(finding => finding.kind !== 'person_changed')).toHaveLength(1)
    await run('DELETE FROM cards_usage WHERE batch_id = $1 AND seq = 3', [batch.id])
    await sql`INSERT INTO cards_usage SELECT * FROM jsonb_populate_recordset(NULL::cards_usage, ${JSON.stringify(
      rows.map(row => ({
        ...row,
        hash: `\\x${row.hash.toString('hex')}`,
        salt: `\\x${row.salt.toString('hex')}`,
        person_digest: `\\x${row.person_digest.toString('hex')}`,
      })),
    )}::jsonb)`.execute(app.core.db.primary)
    expect(await findingsOf(batch.id)).toEqual([])
  }
})

test('so are one whose hash was replaced, and one that names somebody else', async () => {
  const { batch, ids } = await usedBatch()
  await run(`UPDATE cards_usage SET hash = sha256('x') WHERE batch_id = $1 AND seq = 2`, [batch.id])
  expect(await findingsOf(batch.id)).toMatchObject([
    { kind: 'row_changed', rows: [2, 2], id: ids[2] },
    { kind: 'row_changed', rows: [3, 3] },
  ])
  const other = await usedBatch()
  await run('UPDATE cards_usage SET user_id = $2 WHERE batch_id = $1 AND seq = 4', [other.batch.id, newId()])
  await run("UPDATE cards_usage SET ip = '10.9.8.7' WHERE batch_id = $1 AND seq = 5", [other.batch.id])
  await run('UPDATE cards_usage SET salt = NULL WHERE batch_id = $1 AND seq = 1', [other.batch.id])
  expect(await findingsOf(other.batch.id)).toEqual(
    [1, 4, 5].map(seq => ({ kind: 'person_changed', rows: [seq, seq], id: other.ids[seq] })),
  )
})

test('a row that is missing is named, and so is the one behind the gap', async () => {
  const { batch, ids } = await usedBatch()
  await run('DELETE FROM cards_usage WHERE batch_id = $1 AND seq IN (2, 3)', [batch.id])
  expect(await findingsOf(batch.id)).toEqual([
    { kind: 'row_missing', rows: [2, 3], id: null },
    { kind: 'row_unproven', rows: [4, 4], id: ids[4] },
  ])
})

test('rows that were cut off are missed, also when the head is set back', async () => {
  const { batch } = await usedBatch()
  await run('DELETE FROM cards_usage WHERE batch_id = $1 AND seq > 3', [batch.id])
  expect(await findingsOf(batch.id)).toEqual([{ kind: 'cut_off', rows: [4, 5], id: null }])
  await run(
    `UPDATE cards_usage_head h SET last_seq = 3, hash = u.hash FROM cards_usage u
     WHERE h.batch_id = $1 AND u.batch_id = $1 AND u.seq = 3`,
    [batch.id],
  )
  expect(await findingsOf(batch.id)).toEqual([{ kind: 'head_changed', rows: [1, 3], id: null }])
  await run('DELETE FROM cards_usage_head WHERE batch_id = $1', [batch.id])
  const found = await findingsOf(batch.id)
  expect(found.map(finding => finding.kind)).toEqual(['row_added', 'row_added', 'row_added', 'chain_missing'])
})

test('rows from elsewhere and rows that changed places are found', async () => {
  const added = await usedBatch()
  await run(
    `INSERT INTO cards_usage (batch_id, seq, at, id, action, cards, person_digest, hash)
     SELECT batch_id, 6, now(), gen_random_uuid(), action, 1, person_digest, hash FROM cards_usage
     WHERE batch_id = $1 AND seq = 5
     UNION ALL
     SELECT batch_id, 3, now(), gen_random_uuid(), action, 1, person_digest, hash FROM cards_usage
     WHERE batch_id = $1 AND seq = 3`,
    [added.batch.id],
  )
  expect(await findingsOf(added.batch.id)).toMatchObject([
    { kind: 'row_added', rows: [3, 3] },
    { kind: 'row_added', rows: [6, 6] },
  ])
  const swapped = await usedBatch()
  await run('UPDATE cards_usage SET seq = 7 - seq WHERE batch_id = $1 AND seq IN (3, 4)', [swapped.batch.id])
  expect((await findingsOf(swapped.batch.id)).map(finding => finding.kind)).toContain('row_changed')
})

test('months that have run out may go; others may not', async () => {
  const { batch } = await usedBatch()
  const old = monthsAgo(48)
  const recent = monthsAgo(2)
  for (const at of [old, recent]) {
    await makePartitions(app.core.db.primary, 'cards_usage', at)
    await addUses([{ batch_id: batch.id, at }])
  }
  await addUses([{ batch_id: batch.id, at: new Date() }])
  expect(await verify(batch.id)).toMatchObject({ findings: [], last_seq: 8 })
  const dropped = await dropOldPartitions(app.core.db.primary, { table: 'cards_usage', retention_months: 36 })
  expect(dropped.length).toBeGreaterThan(0)
  expect(await verify(batch.id)).toMatchObject({ findings: [], last_seq: 8 })
  const month = recent.toISOString().slice(0, 7).replace('-', '')
  await run(`DROP TABLE cards_usage_p${month}`)
  expect(await findingsOf(batch.id)).toEqual([{ kind: 'row_missing', rows: [7, 7], id: null }])
})

test('a long log is verified piece by piece, and on the command line', async () => {
  const at = new Date()
  await addUses(Array.from({ length: 2600 }, () => ({ batch_id: unknownBatch, at })))
  const whole = await verify(unknownBatch)
  expect(whole).toMatchObject({ findings: [], next_seq: null })
  expect(whole.last_seq).toBeGreaterThanOrEqual(2600)
  await run("UPDATE cards_usage SET reason = 'frozen' WHERE batch_id = $1 AND seq = 2222", [unknownBatch])
  expect(await verify(unknownBatch, 1500)).toMatchObject({
    findings: [{ kind: 'row_changed', first_seq: 2222 }],
  })
  expect(await verify(unknownBatch, 2223)).toMatchObject({ findings: [] })

  const main = fileURLToPath(new URL('../../main.js', import.meta.url))
  const banyan = (...args: string[]) =>
    promisify(execFile)(process.execPath, [main, 'cards', 'verify', ...args], {
      env: {
        ...process.env,
        DATABASE_URL: app.core.db.connection_string,
        SECRET_KEY: 'a key of the tests that is long enough to pass',
        DATA_DIR: app.core.settings.DATA_DIR,
      },
    })
  await expect(banyan('--batch', unknownBatch)).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/row 2222 \([\w-]{36}\): was changed\n.*findings: 1 /s),
  })
  const { batch } = await usedBatch()
  expect((await banyan('--batch', batch.id)).stdout).toContain('✓ nothing was changed or removed (5 rows')
  await expect(banyan('--batch', 'x')).rejects.toMatchObject({ code: 1 })
}, 120_000)

test('operators read the log and see where each chain ends', async () => {
  const { batch, ids } = await usedBatch()
  const list = async (query: string) =>
    (await operator.cards.call<{ items: CardUse[]; next_cursor: string | null }>('GET', `/usage?${query}`))
      .body
  const first = await list(`batch_id=${batch.id}&limit=3`)
  expect(first.items.map(item => item.id)).toEqual([ids[5], ids[4], ids[3]])
  const rest = await list(`batch_id=${batch.id}&limit=3&cursor=${first.next_cursor}`)
  expect(rest.items.map(item => item.id)).toEqual([ids[2], ids[1]])
  expect(first.items[0]).toMatchObject({
    action: 'redeemed',
    batch: { id: batch.id, name: batch.name },
    template_name: batch.template_name,
    number: 5,
    user: { id: collector.id },
    is_undone: false,
  })
  expect(first.items[0]?.last4).toMatch(/^[0-9A-Z]{4}$/)
  await operator.cards.call('POST', `/redemptions/${ids[1]}/undo`, { reason: 'a mistake' })
  await settled(app)
  const undone = await list(`user_id=${collector.id}&action=undone`)
  expect(undone.items).toMatchObject([
    { redemption_id: ids[1], is_undone: true, note: 'a mistake', acting_user: { id: operator.user.id } },
  ])
  const newest = await list(`user_id=${collector.id}&action=redeemed&limit=2`)
  const older = await list(`user_id=${collector.id}&action=redeemed&limit=2&cursor=${newest.next_cursor}`)
  expect([...newest.items, ...older.items].map(item => item.id)).toEqual(
    [...newest.items, ...older.items]
      .map(item => item.id)
      .sort()
      .reverse(),
  )
  const wrong = await operator.cards.call('GET', `/usage?batch_id=${batch.id}&cursor=${newest.next_cursor}`)
  expect(wrong.status).toBe(400)
  const chains = await operator.cards.call<{ items: { batch_id: string; last_seq: number; hash: string }[] }>(
    'GET',
    '/usage-chains?limit=100',
  )
  const chain = chains.body.items.find(item => item.batch_id === batch.id)
  expect(chain).toMatchObject({ last_seq: 6, hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  await vi.waitFor(
    () => expect(app.logLines.some(line => line.includes(chain?.hash ?? '-'))).toBe(true),
    20_000,
  )
})

const monthsAgo = (months: number): Date => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 15))
}

/** Refusals as they are written, and the job that logs them. */
async function addUses(uses: readonly { batch_id: string; at: Date }[]) {
  await rowsOf(app)
    .insertInto('cards_usage_pending')
    .values(
      uses.map(({ batch_id, at }) => ({
        id: newId(),
        at: at.toISOString(),
        action: 'refused' as const,
        batch_id,
        number: null,
        redemption_id: null,
        reason: 'unknown',
        user_id: null,
        acting_user_id: null,
        ip: '10.1.2.3',
        region: null,
        note: null,
      })),
    )
    .execute()
  // Any use asks for the job that takes them all; no card has this code.
  await collector.redeem('0000-0000-0000-0000')
  await settled(app)
}
