import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { createActivations } from './activation.ts'
import { createClaimGuard } from './claim-guard.ts'
import { createCommands } from './commands.ts'
import { createImports } from './imports.ts'
import { createLive } from './live.ts'
import { createRegistry } from './registry.ts'
import { sweepJob } from './sweeping.ts'
import type { DevicesTables } from './tables.ts'
import { activate, claim, claimedDevice, newDevice, newMac, startUp, type TestDevice } from './testing.ts'
import type { Device } from './views.ts'

let app: TestApp
/** As the socket asks it. */
let registry: ReturnType<typeof createRegistry>

/** Settings that a test changes while the server runs. */
const envFile = join(mkdtempSync(join(tmpdir(), 'banyan-devices-')), '.env')
async function withSettings(settings: string, work: () => Promise<void>) {
  const apply = (text: string) => {
    writeFileSync(envFile, text)
    app.app.reload()
  }
  apply(settings)
  try {
    await work()
  } finally {
    apply('')
  }
}

beforeAll(async () => {
  app = await startTestApp({ envFile })
  registry = createRegistry({ ...app.core, live: createLive({ ...app.core, log: app.core.log }) })
})
afterAll(async () => {
  await app.stop()
  rmSync(dirname(envFile), { recursive: true })
})

async function call<T>(method: string, path: string, who: TestUser, body?: object) {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method,
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T }
}

const rows = () => app.core.db.withTables<DevicesTables>().primary
const expireCodes = (mac: string) =>
  sql`UPDATE devices_activation SET expires_at = now() - interval '1 second'
      WHERE device_id = (SELECT id FROM devices_device WHERE mac = ${mac})`.execute(rows())
/** All tests come from one address. */
const forgetGuesses = () => sql`DELETE FROM devices_claim_guard WHERE key LIKE 'ip:%'`.execute(rows())
const identityOf = ({ mac, client_id }: TestDevice, token: string) =>
  registry.authenticateDevice({ mac, client_id, token })

test('a device starts up, shows six digits, is claimed, and then has an owner', async () => {
  const user = await signUp(app)
  const device = newDevice(newMac().toUpperCase())
  const first = await startUp(app, device, {
    application: { name: 'xiaozhi', version: '2.1.0' },
    board: { type: 'bread-compact-wifi', ssid: 'home', rssi: -50, ip: '192.168.1.7' },
  })
  expect(first).toMatchObject({
    status: 200,
    body: {
      server_time: { timestamp: expect.any(Number), timezone_offset: 480 },
      firmware: { version: '2.1.0', url: '' },
      websocket: { url: `${app.url.replace('http', 'ws')}/api/v1/devices/ws`, version: 1 },
      activation: { code: expect.stringMatching(/^\d{6}$/), challenge: expect.any(String) },
    },
  })
  const { code = '' } = first.body.activation ?? {}
  expect(first.body.activation?.message).toContain(code)
  expect(await activate(app, device)).toMatchObject({ status: 202 })
  expect(await startUp(app, device)).toMatchObject({ body: { activation: { code } } })
  expect(await identityOf(device, first.body.websocket.token)).toMatchObject({ user_id: null })

  const claimed = await claim(app, user, ` ${code.slice(0, 3)}-${code.slice(3)} `)
  expect(claimed).toMatchObject({
    status: 201,
    body: {
      is_primary: true,
      role: 'owner',
      mac: device.mac.toLowerCase(),
      board: 'bread-compact-wifi',
      presence: { is_online: false, firmware_version: '2.1.0', network: { ssid: 'home' } },
    },
  })
  expect(await activate(app, device)).toMatchObject({ status: 200 })
  const after = await startUp(app, device)
  expect(after.body.activation).toBeUndefined()
  expect(after.body.websocket.token).toBe(first.body.websocket.token)
  expect(await identityOf(device, after.body.websocket.token)).toMatchObject({
    device_id: claimed.body.id,
    user_id: user.user.id,
    bot_id: null,
  })
})

test('start-up works without a body, by GET, and for pages of other origins', async () => {
  const headers = { 'device-id': newMac(), 'client-id': 'web_test_client' }
  for (const init of [
    { method: 'GET', headers },
    { method: 'POST', headers },
    {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"board":7,"x":[]}',
    },
  ]) {
    const response = await app.fetch('/api/v1/devices/ota', {
      ...init,
      headers: { ...init.headers, origin: 'http://localhost:8006' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('content-type')).toContain('application/json')
  }
  for (const path of ['/api/v1/devices/ota/', '/api/v1/devices/ota/activate']) {
    const preflight = await app.fetch(path, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:8006',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'client-id,content-type,device-id',
      },
    })
    expect(preflight.status).toBe(204)
    const allowed = preflight.headers.get('access-control-allow-headers') ?? ''
    for (const name of ['device-id', 'client-id', 'content-type']) expect(allowed).toContain(name)
  }
})

test('what is wrong with a start-up request is said', async () => {
  const ask = async (headers: Record<string, string>, body = '{}') => {
    const response = await app.fetch('/api/v1/devices/ota', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    return [response.status, ((await response.json()) as { code: string }).code]
  }
  const id = { 'client-id': 'x' }
  expect(await ask(id)).toEqual([400, 'device.mac_invalid'])
  for (const mac of [
    'aa:bb:cc',
    'zz:bb:cc:dd:ee:ff',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    'aabb:ccddeeff',
  ])
    expect(await ask({ ...id, 'device-id': mac })).toEqual([400, 'device.mac_invalid'])
  expect(await ask({ 'device-id': newMac() })).toEqual([400, 'device.client_id_missing'])
  expect(await ask({ ...id, 'device-id': newMac() }, '{"half')).toEqual([400, 'input.invalid'])
  expect(await ask({ ...id, 'device-id': newMac() }, `"${'x'.repeat(70_000)}"`)).toEqual([
    413,
    'input.too_large',
  ])
  // Firmware sends its ids in the body as well.
  const body = JSON.stringify({ mac_address: newMac(), uuid: 'b4a0' })
  expect((await ask({}, body))[0]).toBe(200)
})

test('fifty devices that ask at once get fifty codes, and one that asks often keeps its own', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => startUp(app, newDevice())))
  const codes = answers.map(({ body }) => body.activation?.code)
  expect(new Set(codes).size).toBe(50)
  const device = newDevice()
  const again = await Promise.all(Array.from({ length: 20 }, () => startUp(app, device)))
  expect(new Set(again.map(({ body }) => body.activation?.code)).size).toBe(1)
})

test('of two users who type in one code at once exactly one gets the device', async () => {
  for (let round = 0; round < 5; round++) {
    const users = await Promise.all(Array.from({ length: 6 }, () => signUp(app)))
    const { body } = await startUp(app, newDevice())
    const results = await Promise.all(users.map(user => claim(app, user, body.activation?.code ?? '')))
    const statuses = results.map(({ status }) => status).sort()
    expect(statuses).toEqual([201, 422, 422, 422, 422, 422])
    await forgetGuesses()
    for (const { status, body } of results) if (status === 422) expect(body.code).toBe('activation_code.used')
  }
})

test('a user who claims several devices at once has one primary device', async () => {
  const user = await signUp(app)
  const codes = await Promise.all(
    Array.from({ length: 5 }, async () => (await startUp(app, newDevice())).body.activation?.code ?? ''),
  )
  const claims = await Promise.all(codes.map(code => claim(app, user, code)))
  expect(claims.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
  const { body } = await call<{ items: Device[] }>('GET', '/devices', user)
  expect(body.items.map(({ is_primary }) => is_primary)).toEqual([true, false, false, false, false])
  const last = body.items[4]?.id
  await Promise.all(body.items.map(({ id }) => call('PATCH', `/devices/${id}`, user, { is_primary: true })))
  await call('PATCH', `/devices/${last}`, user, { is_primary: true })
  const after = await call<{ items: Device[] }>('GET', '/devices', user)
  expect(after.body.items.filter(({ is_primary }) => is_primary).map(({ id }) => id)).toEqual([last])
})

test('codes that are malformed, wrong, expired or used are told apart', async () => {
  const user = await signUp(app)
  for (const code of ['12345', '1234567', 'abcdef', '12 34', '１２３'])
    expect((await claim(app, user, code)).body.code).toBe('activation_code.malformed')

  const device = newDevice()
  const { activation } = (await startUp(app, device)).body
  await expireCodes(device.mac)
  expect((await claim(app, user, activation?.code ?? '')).body.code).toBe('activation_code.expired')
  expect((await activate(app, device)).status).toBe(410)
  const renewed = (await startUp(app, device)).body.activation
  expect(renewed?.challenge).not.toBe(activation?.challenge)
  expect((await claim(app, user, activation?.code ?? '')).body.code).toBe('activation_code.expired')
  expect((await claim(app, user, renewed?.code ?? '')).status).toBe(201)
  const other = await signUp(app)
  expect((await claim(app, other, renewed?.code ?? '')).body.code).toBe('activation_code.used')
})

test('letters that look like digits are read as digits', async () => {
  const user = await signUp(app)
  for (const code of ['100110', '010101']) {
    const { body } = await startUp(app, newDevice())
    await sql`UPDATE devices_activation SET code = ${code}
              WHERE code = ${body.activation?.code} AND is_open`.execute(rows())
    const typed = code.replaceAll('0', 'O').replace('1', 'l').replace('1', 'I')
    expect((await claim(app, user, typed)).status).toBe(201)
  }
})

test('guessing is slowed down, and the right code is let in after the wait', async () => {
  const user = await signUp(app)
  const wrong = async () => {
    const { status, body, headers } = await claim(app, user, '000000')
    return { status, code: body.code, wait: Number(headers.get('retry-after')) }
  }
  for (let attempt = 0; attempt < 5; attempt++) expect((await wrong()).status).toBe(422)
  const blocked = await wrong()
  expect(blocked).toMatchObject({ status: 429, code: 'claim.too_many_attempts' })
  const { body } = await startUp(app, newDevice())
  expect((await claim(app, user, body.activation?.code ?? '')).status).toBe(429)
  const release = () =>
    sql`UPDATE devices_claim_guard SET blocked_until = now() - interval '1 second'
        WHERE key = ${`user:${user.user.id}`}`.execute(rows())
  await release()
  expect((await wrong()).status).toBe(422)
  const later = await wrong()
  expect(later.status).toBe(429)
  expect(later.wait).toBeGreaterThan(blocked.wait)
  // Many at once count each.
  await release()
  const many = await Promise.all(Array.from({ length: 10 }, wrong))
  expect(many.filter(({ status }) => status === 422)).toHaveLength(1)
  await release()
  await forgetGuesses()
  expect((await claim(app, user, body.activation?.code ?? '')).status).toBe(201)
})

test('the MAC of somebody else’s device opens, reads and changes nothing', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const before = await call<Device>('GET', `/devices/${device.id}`, owner)
  const spoof = { mac: device.mac, client_id: 'another' }
  const { status, body } = await startUp(app, spoof, {
    application: { version: '9.9.9' },
    board: { ssid: 'x' },
  })
  expect(status).toBe(200)
  expect(body.activation?.code).toMatch(/^\d{6}$/)
  expect(await identityOf(spoof, body.websocket.token)).toBeNull()
  expect(await identityOf({ ...spoof, client_id: device.client_id }, body.websocket.token)).toBeNull()
  expect(await identityOf(spoof, device.token)).toBeNull()
  expect((await activate(app, spoof)).status).toBe(202)
  const thief = await signUp(app)
  expect((await claim(app, thief, body.activation?.code ?? '')).body.code).toBe('device.has_owner')
  expect(await call('GET', `/devices/${device.id}`, owner)).toEqual(before)
  expect(await identityOf(device, device.token)).toMatchObject({ user_id: owner.user.id })
  expect((await startUp(app, device)).body.activation).toBeUndefined()
})

test('the owner pairs a device again that has lost its memory', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const reset = newDevice(device.mac)
  const { body } = await startUp(app, reset)
  expect(await claim(app, owner, body.activation?.code ?? '')).toMatchObject({
    status: 201,
    body: { id: device.id },
  })
  expect(await identityOf(device, device.token)).toBeNull()
  expect(await identityOf(reset, body.websocket.token)).toMatchObject({ user_id: owner.user.id })
})

test('a returned device is claimed by the next owner, who sees nothing of the last', async () => {
  const [first, second] = await Promise.all([signUp(app), signUp(app)])
  const device = await claimedDevice(app, first)
  await startUp(app, device, { board: { ssid: 'first home' } })
  await call('PATCH', `/devices/${device.id}`, first, { name: 'Mimi’s bear' })
  await call('PATCH', `/devices/${device.id}/state`, first, { desired: { volume: 10 } })
  await call('POST', `/devices/${device.id}/commands`, first, { command: { kind: 'say', text: 'secret' } })
  expect((await call('DELETE', `/devices/${device.id}`, first)).status).toBe(204)
  expect((await call('GET', `/devices/${device.id}`, first)).status).toBe(404)
  expect(await identityOf(device, device.token)).toBeNull()

  const { body } = await startUp(app, device)
  expect(body.websocket.token).not.toBe(device.token)
  expect((await claim(app, second, body.activation?.code ?? '')).body.id).toBe(device.id)
  const seen = JSON.stringify([
    (await call('GET', `/devices/${device.id}`, second)).body,
    (await call('GET', `/devices/${device.id}/state`, second)).body,
    (await call('GET', `/devices/${device.id}/commands`, second)).body,
    (await call('GET', `/devices/${device.id}/history`, second)).body,
  ])
  for (const trace of ['Mimi', 'first home', 'secret', first.user.id, first.user.username, '"volume":10'])
    expect(seen).not.toContain(trace)
})

test('a deleted user’s devices are free again', async () => {
  const { UserDeleted } = await import('#modules/identity/contract.ts')
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  await call('POST', `/devices/${device.id}/commands`, owner, { command: { kind: 'say', text: 'hi' } })
  await app.core.events.publish(app.core.db.primary, UserDeleted, { user_id: owner.user.id })
  await vi.waitFor(
    async () => expect((await startUp(app, device)).body.activation?.code).toMatch(/^\d{6}$/),
    { timeout: 20_000 },
  )
  await vi.waitFor(
    async () => {
      const { rows: left } = await sql<{ n: number }>`
        SELECT (SELECT count(*) FROM devices_command WHERE created_by = ${owner.user.id})
          + (SELECT count(*) FROM devices_history WHERE user_id = ${owner.user.id}) AS n`.execute(rows())
      expect(left[0]?.n).toBe(0)
    },
    { timeout: 20_000 },
  )
})

test('devices that nobody listed are let in, held, or refused', async () => {
  const user = await signUp(app)
  await withSettings('DEVICES_UNKNOWN=refuse', async () => {
    const device = newDevice()
    expect(await startUp(app, device)).toMatchObject({ status: 403, body: { code: 'device.unknown' } })
    expect((await activate(app, device)).status).toBe(410)
  })
  await withSettings('DEVICES_UNKNOWN=approve', async () => {
    const admin = await signInAdmin(app)
    const device = newDevice()
    const { activation } = (await startUp(app, device)).body
    expect(activation).toMatchObject({ challenge: expect.any(String), message: expect.any(String) })
    expect(activation).not.toHaveProperty('code')
    expect((await activate(app, device)).status).toBe(202)
    const waiting = await call<{ items: { id: string; mac: string }[] }>(
      'GET',
      '/registrations?approval=pending',
      admin,
    )
    expect(waiting.body.items.map(({ mac }) => mac)).toEqual([device.mac])
    const path = `/registrations/${waiting.body.items[0]?.id}`
    await call('PATCH', path, admin, { approval: 'approved' })
    const code = (await startUp(app, device)).body.activation?.code ?? ''
    await call('PATCH', path, admin, { approval: 'refused' })
    expect((await claim(app, user, code)).body.code).toBe('device.refused')
    expect((await startUp(app, device)).body.code).toBe('device.refused')
    await call('PATCH', path, admin, { approval: 'approved' })
    expect((await claim(app, user, code)).status).toBe(201)
  })
})

test('an address that asks too often is slowed down', async () => {
  await withSettings('DEVICES_START_UPS_PER_MINUTE=5', async () => {
    const answers = []
    for (let n = 0; n < 12; n++) answers.push(await startUp(app, newDevice()))
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'rate.limited' } })
  })
})

test('what has run out is swept away, and nothing else', async () => {
  const user = await signUp(app)
  const [old, fresh, bound] = [newDevice(), newDevice(), await claimedDevice(app, user)]
  await Promise.all([startUp(app, old), startUp(app, fresh)])
  await sql`UPDATE devices_device SET last_seen_at = now() - interval '20 days'
            WHERE mac IN (${old.mac}, ${bound.mac})`.execute(rows())
  await sql`UPDATE devices_activation SET expires_at = now() - interval '2 days'
            WHERE device_id IN (SELECT id FROM devices_device WHERE mac = ${bound.mac})`.execute(rows())
  const settings = {
    DEVICES_COMMAND_DAYS: 30,
    DEVICES_HISTORY_DAYS: 730,
    DEVICES_UNKNOWN_DAYS: 14,
  } as Parameters<typeof sweepJob>[0]['settings']
  const imports = createImports(app.core)
  const key = 'devices/imports/left'
  await app.core.storage.put(key, Buffer.from('mac'), { media_type: 'text/csv' })
  const { id: type_id } = await rows().selectFrom('devices_type').select('id').executeTakeFirstOrThrow()
  const batch_id = newId()
  await sql`INSERT INTO devices_batch (id, type_id, name) VALUES (${batch_id}, ${type_id}, 'x')`.execute(
    rows(),
  )
  await sql`INSERT INTO devices_import (id, batch_id, file_name, size, storage_key, state, created_at)
            VALUES (${newId()}, ${batch_id}, 'x', 3, ${key}, 'running', now() - interval '3 days')`.execute(
    rows(),
  )
  const live = createLive({ ...app.core, log: app.core.log })
  const sweep = sweepJob({
    ...app.core,
    settings,
    activations: createActivations(app.core),
    guard: createClaimGuard(app.core),
    commands: createCommands({ ...app.core, live }),
    sharing: { removeLapsed: async () => 0 },
    imports,
  })
  const signal = AbortSignal.timeout(60_000)
  await sweep.run({}, { job_id: '', attempt: 1, signal, log: app.core.log, progress: async () => {} })
  const left = await rows().selectFrom('devices_device').select('mac').execute()
  const macs = left.map(({ mac }) => mac)
  expect(macs).not.toContain(old.mac)
  expect(macs).toEqual(expect.arrayContaining([fresh.mac, bound.mac]))
  const { rows: lapsed } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM devices_activation WHERE expires_at < now() - interval '1 day'`.execute(rows())
  expect(lapsed[0]?.n).toBe(0)
  expect(await app.core.storage.get(key)).toBeNull()
})
