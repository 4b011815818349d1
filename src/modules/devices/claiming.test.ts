import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { createLive } from './live.ts'
import { createRegistry } from './registry.ts'
import type { DevicesTables } from './tables.ts'
import {
  activate,
  callDevices,
  claim,
  claimedDevice,
  newDevice,
  newMac,
  startUp,
  type TestDevice,
} from './testing.ts'
import type { Device } from './views.ts'

let app: TestApp
/** As the socket asks it. */
let registry: ReturnType<typeof createRegistry>
beforeAll(async () => {
  app = await startTestApp()
  registry = createRegistry({ ...app.core, live: createLive({ ...app.core, log: app.core.log }) })
})
afterAll(() => app.stop())

const call = <T>(method: string, path: string, who: TestUser, body?: object) =>
  callDevices<T>(app, method, path, who, body)
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
  const { body } = await startUp(app, newDevice())
  const key = `user:${user.user.id}`
  const ownGuard = rows().selectFrom('devices_claim_guard').where('key', '=', key)
  /** Milliseconds from the last guess on. */
  const waitNow = async () => {
    const row = await ownGuard.select(['last_failure_at', 'blocked_until']).executeTakeFirstOrThrow()
    return Date.parse(row.blocked_until) - Date.parse(row.last_failure_at)
  }
  const blockUntil = (seconds: number) =>
    sql`UPDATE devices_claim_guard SET blocked_until = now() + make_interval(secs => ${seconds})
        WHERE key = ${key}`.execute(rows())
  const release = () => blockUntil(-1)
  for (let attempt = 0; attempt < 5; attempt++) expect((await wrong()).status).toBe(422)
  expect(await waitNow()).toBe(5_000)
  // However long it takes to ask.
  await blockUntil(60)
  const blocked = await wrong()
  expect(blocked).toMatchObject({ status: 429, code: 'claim.too_many_attempts' })
  expect(blocked.wait).toBeGreaterThan(0)
  expect(blocked.wait).toBeLessThanOrEqual(60)
  expect((await claim(app, user, body.activation?.code ?? '')).status).toBe(429)
  await release()
  expect((await wrong()).status).toBe(422)
  expect(await waitNow()).toBe(10_000)
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
