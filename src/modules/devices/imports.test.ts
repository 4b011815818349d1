import { createHmac, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { createImports } from './imports.ts'
import type { DevicesTables } from './tables.ts'
import { activate, callDevices, claim, newDevice, newMac, startUp, uploadTo } from './testing.ts'
import type { Batch, DeviceType, ImportView, Registration } from './views.ts'

let app: TestApp
let admin: TestUser
let defaultType: DeviceType

beforeAll(async () => {
  app = await startTestApp({ settings: { DEVICES_IMPORT_MAX_MB: '1' } })
  admin = await signInAdmin(app, { locale: 'en' })
  const { body } = await call<{ items: DeviceType[] }>('GET', '/types')
  defaultType = body.items[0] as DeviceType
})
afterAll(() => app.stop())

const call = <T>(method: string, path: string, body?: object, who = admin) =>
  callDevices<T>(app, method, path, who, body)
const newBatch = async (fields: object = {}) =>
  (await call<Batch>('POST', '/batches', { type_id: defaultType.id, name: 'First', ...fields })).body
const importList = (batch: Batch, bytes: Uint8Array<ArrayBuffer> | string) =>
  uploadTo<ImportView>(app, `/batches/${batch.id}/imports`, admin, bytes)
const rows = () => app.core.db.withTables<DevicesTables>().primary

test('serial numbers that no device can have are refused with their batch', async () => {
  const given = (fields: object) => ({ type_id: defaultType.id, name: 'Mistyped', ...fields })
  for (const fields of [
    { serial_from: 'SN0199', serial_to: 'SN0100' },
    { serial_from: 'SN1', serial_to: 'SN100' },
  ])
    expect(await call('POST', '/batches', given(fields))).toMatchObject({
      status: 422,
      body: { code: 'device_batch.serials_invalid', errors: [{ pointer: '/body/serial_to' }] },
    })
  const batch = await newBatch({ serial_from: 'SN0100', serial_to: 'SN0199' })
  const change = (fields: object) => call('PATCH', `/batches/${batch.id}`, fields)
  expect((await change({ serial_to: 'SN0099' })).status).toBe(422)
  expect((await change({ serial_from: 'SN0200' })).status).toBe(422)
  expect((await change({ serial_from: 'SN0200', serial_to: null })).status).toBe(200)
  expect((await change({ serial_to: 'SN0200' })).body).toMatchObject({ serial_to: 'SN0200' })
})

test('a list of devices is taken in, and what is wrong with a line is said', async () => {
  const [first, second, third] = [newMac(), newMac(), newMac()]
  const batch = await newBatch({ serial_from: 'SN0100', serial_to: 'SN0199' })
  const lines = [
    '\uFEFF序列号;MAC 地址;备注',
    `SN0100;${first.toUpperCase().replaceAll(':', '-')};红色`,
    `"SN0101";"${second.replaceAll(':', '')}";"a ""b"""`,
    '',
    `SN0102;${first};`,
    'SN0103;nonsense;',
    `SN0900;${newMac()};`,
    `=SUM(A1);${newMac()};`,
    `SN 1;${newMac()};`,
    `"SN0105;${newMac()};`,
    `SN0100;${third};`,
    ';;',
    `SN0106;${'x'.repeat(5000)};`,
    'SN0107;;',
  ]
  const { status, body } = await importList(batch, lines.join('\r\n'))
  expect(status).toBe(202)
  expect(body).toMatchObject({ state: 'done', encoding: 'utf-8', added: 2, refused: 9, error: null })
  expect(body.problems.map(({ line, code }) => [line, code])).toEqual([
    [5, 'mac_repeated'],
    [6, 'mac_malformed'],
    [7, 'serial_outside_range'],
    [8, 'formula'],
    [9, 'serial_malformed'],
    [10, 'line_malformed'],
    [11, 'serial_repeated'],
    [13, 'line_too_long'],
    [14, 'mac_missing'],
  ])
  for (const { detail } of body.problems) expect(detail).toMatch(/^[A-Z].*\.$/)
  const again = await importList(batch, `mac\n${first}\n`)
  expect(again.body.problems).toMatchObject([{ line: 2, code: 'serial_outside_range' }])
  const other = await newBatch()
  expect((await importList(other, first)).body.problems).toMatchObject([{ line: 1, code: 'mac_taken' }])
  expect((await call<Batch>('GET', `/batches/${batch.id}`)).body).toMatchObject({ devices: 2, activated: 0 })
})

test('lists in GBK and UTF-16 are read, and files that are no lists refused', async () => {
  const mac = newMac()
  // “序列号,MAC” in GBK.
  const gbk = Buffer.concat([Buffer.from('d0f2c1d0bac52c4d41430a', 'hex'), Buffer.from(`G1,${mac}\n`)])
  expect((await importList(await newBatch(), new Uint8Array(gbk))).body).toMatchObject({
    encoding: 'gbk',
    added: 1,
  })
  const wide = new Uint8Array(Buffer.from(`\uFEFFmac\tsn\n${newMac()}\tW1`, 'utf16le'))
  expect((await importList(await newBatch(), wide)).body).toMatchObject({ encoding: 'utf-16le', added: 1 })
  for (const [bytes, error] of [
    ['', /no devices/],
    ['\n\n', /no devices/],
    ['mac,serial\n\n', /no devices/],
    ['PK\x03\x04 a workbook', /CSV/],
    ['\0\0\0\0', /CSV/],
  ] as const) {
    const { body } = await importList(await newBatch(), bytes)
    expect(body).toMatchObject({ state: 'failed', added: 0, error: expect.stringMatching(error) })
  }
  const huge = await importList(await newBatch(), new Uint8Array(1_100_000))
  expect([huge.status, huge.body.code]).toEqual([413, 'storage.too_large'])
})

test('old line ends, and empty lines before the header, are as good as others', async () => {
  const [first, second] = [newMac(), newMac()]
  for (const text of [
    `serial,mac\rQ1,${first}\rQ2,nonsense\r`,
    `\r\n \nserial,mac\r\nQ3,${second}\r\nQ4,nonsense`,
  ]) {
    const { body } = await importList(await newBatch(), text)
    expect(body).toMatchObject({ added: 1, refused: 1, problems: [{ code: 'mac_malformed' }] })
    expect(body.problems[0]?.line).toBe(text.includes('Q1') ? 3 : 5)
  }
})

test('formulas in any cell that counts are refused, in quotes too; a BOM and GBK in other cells do no harm', async () => {
  const [first, second] = [newMac(), newMac()]
  const lines = [
    'mac,serial,备注',
    `${first},B1,=1+1`,
    `"=HYPERLINK(""http://example.com"",""x"")",B2,`,
    `+${newMac()},B3,`,
    `${newMac()},-1,`,
    `${newMac()},@SUM(A1),`,
    `"\t=1",B4,`,
    `${second},B5,红色`,
  ]
  const { body } = await importList(await newBatch(), `\uFEFF${lines.join('\r\n')}`)
  expect(body).toMatchObject({ encoding: 'utf-8', added: 2, refused: 5 })
  expect(body.problems.map(({ line, code }) => [line, code])).toEqual(
    [3, 4, 5, 6, 7].map(line => [line, 'formula']),
  )
  // “红色” in GBK, and a letter that was cut in the middle.
  const mac = newMac()
  const gbk = Buffer.concat([
    Buffer.from(`mac,serial,note\n${mac},G9,`),
    Buffer.from('bae8c9ab0a', 'hex'),
    Buffer.from(`${newMac()},G10,`),
    Buffer.from('ba', 'hex'),
  ])
  expect((await importList(await newBatch(), new Uint8Array(gbk))).body).toMatchObject({
    encoding: 'gbk',
    added: 2,
    refused: 0,
  })
})

test('a large list is a job, which goes on where it stopped', async () => {
  const batch = await newBatch()
  const macs = Array.from({ length: 12_000 }, (_, n) => `06:00:00:${n.toString(16).padStart(6, '0')}`).map(
    text => text.replaceAll(':', ''),
  )
  const { body } = await importList(batch, `mac,serial\n${macs.map((mac, n) => `${mac},L${n}`).join('\n')}`)
  expect(body).toMatchObject({
    state: expect.stringMatching(/queued|running|done/),
    job_id: expect.any(String),
  })
  await vi.waitFor(
    async () => {
      const seen = (await call<ImportView>('GET', `/imports/${body.id}`)).body
      expect(seen).toMatchObject({ state: 'done', added: 12_000, refused: 0, lines_done: 12_001 })
    },
    { timeout: 100_000, interval: 200 },
  )
  // The table that operators page through.
  const page = await call<{ items: Registration[]; next_cursor: string }>(
    'GET',
    `/registrations?batch_id=${batch.id}&limit=100`,
  )
  expect(page.body.items).toHaveLength(100)
  const found = await call<{ items: Registration[] }>('GET', '/registrations?q=06:00:00:00:2E:D')
  expect(found.body.items).toHaveLength(16)
  const bySerial = await call<{ items: Registration[] }>('GET', '/registrations?q=L1199')
  expect(bySerial.body.items).toHaveLength(11)
}, 120_000)

test('an import that is cut off goes on where it stopped, and takes each line once', async () => {
  const batch = await newBatch()
  const imports = createImports(app.core)
  const id = newId()
  const storage_key = `devices/imports/${id}`
  const lines = Array.from({ length: 3500 }, (_, n) => `0a00000${n.toString(16).padStart(5, '0')},C${n}`)
  const content = Buffer.from(['mac,serial', ...lines, 'nonsense'].join('\n'))
  await app.core.storage.put(storage_key, content, { media_type: 'text/csv' })
  await rows()
    .insertInto('devices_import')
    .values({
      id,
      batch_id: batch.id,
      user_id: null,
      file_name: 'cut.csv',
      size: content.length,
      storage_key,
      encoding: null,
      state: 'queued',
      problems: '[]',
      error_code: null,
      job_id: null,
      finished_at: null,
    })
    .execute()
  const run = (signal: AbortSignal, progress: () => Promise<void>) =>
    imports.job.run({ import_id: id }, { job_id: '', attempt: 1, signal, log: app.core.log, progress })
  const cut = new AbortController()
  // The process ends after the first thousand.
  await expect(
    run(cut.signal, async () => {
      throw new Error('cut off')
    }),
  ).rejects.toThrow('cut off')
  expect((await call<ImportView>('GET', `/imports/${id}`)).body).toMatchObject({
    state: 'running',
    added: 1000,
    lines_done: 1001,
  })
  // Two go on at once: each chunk counts for one of them.
  await Promise.allSettled([run(cut.signal, async () => {}), run(cut.signal, async () => {})])
  await run(cut.signal, async () => {})
  expect((await call<ImportView>('GET', `/imports/${id}`)).body).toMatchObject({
    state: 'done',
    added: 3500,
    refused: 1,
    problems: [{ line: 3502, code: 'mac_malformed' }],
  })
  expect(await app.core.storage.get(storage_key)).toBeNull()
})

test('a batch that asks for a proof lets only genuine devices be claimed', async () => {
  const batch = await newBatch({ requires_proof: true })
  const device = newDevice()
  const key = randomBytes(32)
  const { body: report } = await importList(
    batch,
    `mac,serial,hmac_key\n${device.mac},P100,${key.toString('hex')}\n${newMac()},P101,\n${newMac()},P102,beef\n`,
  )
  expect(report).toMatchObject({ added: 1, problems: [{ code: 'key_missing' }, { code: 'key_malformed' }] })
  const stored = await sql<{ proof_key_sealed: string }>`
    SELECT proof_key_sealed FROM devices_device WHERE mac = ${device.mac}`.execute(rows())
  expect(stored.rows[0]?.proof_key_sealed).not.toContain(key.toString('hex'))

  const user = await signUp(app)
  const { activation } = (await startUp(app, device)).body
  const { code = '', challenge = '' } = activation ?? {}
  expect((await claim(app, user, code)).body.code).toBe('device.proof_missing')
  const proof = (hmacKey: Buffer, text = challenge) => ({
    algorithm: 'hmac-sha256',
    serial_number: 'P100',
    challenge: text,
    hmac: createHmac('sha256', hmacKey).update(text).digest('hex'),
  })
  expect(await activate(app, device, proof(randomBytes(32)))).toMatchObject({
    status: 403,
    body: { code: 'device.proof_invalid' },
  })
  expect(await activate(app, device, { ...proof(key), hmac: 'x' })).toMatchObject({ status: 403 })
  expect(await activate(app, device, { ...proof(key), serial_number: 'P101' })).toMatchObject({ status: 403 })
  expect(await activate(app, device, proof(key, 'an old challenge'))).toMatchObject({
    status: 410,
    body: { code: 'activation.stale' },
  })
  expect((await claim(app, user, code)).body.code).toBe('device.proof_missing')
  expect((await activate(app, device, { Payload: proof(key) })).status).toBe(202)
  expect((await claim(app, user, code)).status).toBe(201)
  expect((await activate(app, device, proof(key))).status).toBe(200)
})
