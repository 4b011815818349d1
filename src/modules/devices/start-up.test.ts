import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { activate, callDevices, claim, newDevice, newMac, startUp } from './testing.ts'

let app: TestApp

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
})
afterAll(async () => {
  await app.stop()
  rmSync(dirname(envFile), { recursive: true })
})

const call = <T>(method: string, path: string, who: TestUser, body?: object) =>
  callDevices<T>(app, method, path, who, body)

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
    // What flows back meanwhile is let in too.
    do answers.push(await startUp(app, newDevice()))
    while (answers.at(-1)?.status === 200)
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'rate.limited' } })
  })
})
