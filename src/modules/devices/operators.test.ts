import { createHash, createHmac, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { isReached } from './firmware-rollout.ts'
import { createImports } from './imports.ts'
import type { DevicesTables } from './tables.ts'
import { activate, claim, claimedDevice, newDevice, newMac, startUp } from './testing.ts'
import type { Batch, DeviceType, Group, ImportView, Registration } from './views.ts'

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

async function call<T>(method: string, path: string, body?: object, who: TestUser = admin) {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method,
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T & { code?: string } }
}
async function upload<T>(path: string, bytes: Uint8Array<ArrayBuffer> | string, name = 'list.csv') {
  const form = new FormData()
  form.append('file', new Blob([bytes]), name)
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method: 'POST',
    headers: admin.headers,
    body: form,
  })
  return { status: response.status, body: (await response.json()) as T & { code?: string } }
}
const newBatch = async (fields: object = {}) =>
  (await call<Batch>('POST', '/batches', { type_id: defaultType.id, name: 'First', ...fields })).body
const importList = (batch: Batch, bytes: Uint8Array<ArrayBuffer> | string) =>
  upload<ImportView>(`/batches/${batch.id}/imports`, bytes)
const rows = () => app.core.db.withTables<DevicesTables>().primary

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
    ['', /empty/],
    ['PK\x03\x04 a workbook', /CSV/],
    ['\0\0\0\0', /CSV/],
  ] as const) {
    const { body } = await importList(await newBatch(), bytes)
    expect(body).toMatchObject({ state: 'failed', added: 0, error: expect.stringMatching(error) })
  }
  const huge = await importList(await newBatch(), new Uint8Array(1_100_000))
  expect([huge.status, huge.body.code]).toEqual([413, 'storage.too_large'])
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

test('types have a schema that what owners set must fit', async () => {
  const owner = await signUp(app)
  const schema = {
    type: 'object',
    properties: { nod: { type: 'integer', maximum: 3 } },
    additionalProperties: false,
  }
  const type = { key: `nodder-${Date.now()}`, name: 'Nodder', category: 'toy', properties_schema: schema }
  const made = await call<DeviceType>('POST', '/types', type)
  expect(made.status).toBe(201)
  expect((await call('POST', '/types', type)).body.code).toBe('device_type.key_taken')
  for (const bad of [
    { type: 'array' },
    { type: 'object', properties: { a: { type: 'nothing' } } },
    { type: 'object', properties: { a: { $ref: 'https://example.com/a' } } },
    { type: 'object', properties: { a: { pattern: '(a+)+$' } } },
  ])
    expect((await call('PATCH', `/types/${made.body.id}`, { properties_schema: bad })).body.code).toBe(
      'device_type.schema_invalid',
    )
  const { id } = await claimedDevice(app, owner)
  await call('PATCH', `/registrations/${id}`, { type_id: made.body.id })
  const set = (desired: object, more: object = {}) =>
    call<{ desired: object; desired_version: number }>(
      'PATCH',
      `/devices/${id}/state`,
      { desired, ...more },
      owner,
    )
  expect(await set({ nod: 2 })).toMatchObject({
    status: 200,
    body: { desired: { nod: 2 }, desired_version: 1 },
  })
  expect(await set({ nod: 4 })).toMatchObject({
    status: 422,
    body: { code: 'device_state.invalid', errors: [{ pointer: '/body/nod' }] },
  })
  expect((await set({ unlocked: [] })).body.code).toBe('device_state.reserved')
  expect((await set({ nod: 1 }, { expected_version: 0 })).body.code).toBe('device_state.conflict')
  // Of many who change it from one version at once, one gets through.
  const many = await Promise.all([0, 1, 3].map(nod => set({ nod }, { expected_version: 1 })))
  expect(many.filter(({ status }) => status === 200)).toHaveLength(1)
  expect((await call('DELETE', `/types/${made.body.id}`)).body.code).toBe('device_type.in_use')
})

test('operators retire, reinstate and release devices', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const path = `/registrations/${device.id}`
  expect((await call<Registration>('GET', path)).body.owner?.id).toBe(owner.user.id)
  expect((await call<Registration>('POST', `${path}/release`)).body).toMatchObject({
    owner: null,
    state: 'activated',
  })
  expect((await call('POST', `${path}/release`)).body.code).toBe('device.not_bound')
  expect((await call('GET', `/devices/${device.id}`, undefined, owner)).status).toBe(404)
  await call('PATCH', path, { is_retired: true })
  expect(await startUp(app, device)).toMatchObject({ status: 403, body: { code: 'device.retired' } })
  await call('PATCH', path, { is_retired: false })
  expect((await startUp(app, device)).status).toBe(200)
  const { body } = await call<{ items: { kind: string }[] }>('GET', `${path}/history`)
  expect(body.items.map(({ kind }) => kind)).toEqual(['reinstated', 'retired', 'released', 'claimed'])
})

test('a broadcast reaches every device of a group once, and can be taken back', async () => {
  const owner = await signUp(app)
  const devices = await Promise.all(Array.from({ length: 4 }, () => claimedDevice(app, owner)))
  const { body: group } = await call<Group>('POST', '/groups', { name: 'Testers' })
  expect((await call('POST', '/groups', { name: 'Testers' })).body.code).toBe('device_group.name_taken')
  const ids = devices.slice(0, 3).map(({ id }) => id)
  expect((await call<Group>('PATCH', `/groups/${group.id}/devices`, { add: ids })).body.devices).toBe(3)
  const sent = await call<{ id: string }>('POST', '/broadcasts', {
    group_id: group.id,
    command: { kind: 'alert', status: 'News', message: 'Version 2 is here' },
  })
  expect(sent.status).toBe(202)
  const path = `/broadcasts/${sent.body.id}`
  await vi.waitFor(
    async () => expect((await call('GET', path)).body).toMatchObject({ is_done: true, total: 3, sent: 3 }),
    { timeout: 30_000 },
  )
  const commandsOf = async (id: string) =>
    (await call<{ items: { state: string }[] }>('GET', `/registrations/${id}/commands`)).body.items
  expect(await commandsOf(devices[0]?.id ?? '')).toMatchObject([
    { state: 'queued', command: { kind: 'alert' } },
  ])
  expect(await commandsOf(devices[3]?.id ?? '')).toEqual([])
  await call('POST', `${path}/cancel`)
  expect(await commandsOf(devices[0]?.id ?? '')).toMatchObject([{ state: 'cancelled' }])
})

test('firmware is rolled out by percentage, group and version, and downloaded in parts', async () => {
  const type = (
    await call<DeviceType>('POST', '/types', { key: `fw-${Date.now()}`, name: 'FW', category: 'toy' })
  ).body
  const bytes = new Uint8Array(randomBytes(100_000))
  const publish = (version: string, content = bytes) =>
    upload<{ id: string; sha256: string; size: number }>(
      `/firmware-releases?type_id=${type.id}&version=${version}`,
      content,
      'xiaozhi.bin',
    )
  for (const version of ['v2.0', '2.0-rc', '1.2.3.4.5', '2..0'])
    expect((await publish(version)).body.code).toBe('firmware.version_malformed')
  expect((await publish('9.9', new Uint8Array(0))).body.code).toBe('firmware.empty')
  const { body: release } = await publish('2.0.0')
  expect(release).toMatchObject({
    size: 100_000,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    state: 'draft',
  })
  expect((await publish('2.0')).body.code).toBe('firmware.version_taken')

  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  await call('PATCH', `/registrations/${device.id}`, { type_id: type.id })
  const offered = async (version = '1.9.10') =>
    (await startUp(app, device, { application: { version } })).body.firmware
  const update = (patch: object) => call('PATCH', `/firmware-releases/${release.id}`, patch)
  expect(await offered()).toEqual({ version: '1.9.10', url: '' })
  await update({ state: 'rolling' })
  expect(await offered()).toEqual({ version: '1.9.10', url: '' })
  await update({ percent: 100 })
  const { url, version } = await offered()
  expect(version).toBe('2.0.0')
  expect(await offered('2.0')).toEqual({ version: '2.0', url: '' })
  expect(await offered('v2.1-beta')).toEqual({ version: '2.1', url: '' })
  await update({ min_version: '1.9.11' })
  expect(await offered()).toMatchObject({ url: '' })
  await update({ min_version: null, is_forced: true })
  expect(await offered('3.0.0')).toMatchObject({ version: '2.0.0', force: 1 })
  expect(await offered('2.0.0')).toEqual({ version: '2.0.0', url: '' })
  const { body: group } = await call<Group>('POST', '/groups', { name: 'Early' })
  await update({ is_forced: false, group_id: group.id })
  expect(await offered()).toMatchObject({ url: '' })
  await call('PATCH', `/groups/${group.id}/devices`, { add: [device.id] })
  expect(await offered()).toMatchObject({ version: '2.0.0' })
  expect((await call('DELETE', `/groups/${group.id}`)).body.code).toBe('device_group.in_use')

  const whole = await fetch(url)
  expect(whole.headers.get('content-length')).toBe('100000')
  expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes)
  for (const [range, part, said] of [
    ['bytes=0-9', bytes.slice(0, 10), 'bytes 0-9/100000'],
    ['bytes=99990-', bytes.slice(99_990), 'bytes 99990-99999/100000'],
    ['bytes=-5', bytes.slice(-5), 'bytes 99995-99999/100000'],
    ['bytes=99990-200000', bytes.slice(99_990), 'bytes 99990-99999/100000'],
  ] as const) {
    const response = await fetch(url, { headers: { range } })
    expect([response.status, response.headers.get('content-range')]).toEqual([206, said])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(part)
  }
  expect((await fetch(url, { headers: { range: 'bytes=100000-' } })).status).toBe(416)
  expect((await fetch(`${url}x`)).status).toBe(404)

  await update({ state: 'paused' })
  expect(await offered()).toMatchObject({ url: '' })
  expect((await call('DELETE', `/firmware-releases/${release.id}`)).body.code).toBe('firmware.live')
  await update({ state: 'withdrawn' })
  expect((await fetch(url)).status).toBe(404)
  expect((await update({ state: 'rolling' })).body.code).toBe('firmware.state_refused')
  expect((await call('DELETE', `/firmware-releases/${release.id}`)).status).toBe(204)
})

test('a growing percentage only adds devices, and comes near what it says', () => {
  const devices = Array.from({ length: 2000 }, (_, n) => `device-${n}`)
  const reached = (percent: number) => devices.filter(id => isReached('release', id, percent))
  for (const percent of [0, 5, 25, 100]) {
    const some = reached(percent)
    expect(some.length / 20).toBeGreaterThanOrEqual(percent - 4)
    expect(some.length / 20).toBeLessThanOrEqual(percent + 4)
    const more = new Set(reached(Math.min(100, percent + 10)))
    expect(some.every(id => more.has(id))).toBe(true)
  }
  expect(devices.filter(id => isReached('another', id, 25))).not.toEqual(reached(25))
})
