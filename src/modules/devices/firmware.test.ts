import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { isReached } from './firmware-rollout.ts'
import { callDevices, claimedDevice, startUp, uploadTo } from './testing.ts'
import type { DeviceType, Group } from './views.ts'

let app: TestApp
let admin: TestUser

beforeAll(async () => {
  app = await startTestApp()
  admin = await signInAdmin(app, { locale: 'en' })
})
afterAll(() => app.stop())

const call = <T>(method: string, path: string, body?: object, who = admin) =>
  callDevices<T>(app, method, path, who, body)

test('firmware is rolled out by percentage, group and version, and downloaded in parts', async () => {
  const type = (
    await call<DeviceType>('POST', '/types', { key: `fw-${Date.now()}`, name: 'FW', category: 'toy' })
  ).body
  const bytes = new Uint8Array(randomBytes(100_000))
  const publish = (version: string, content = bytes) =>
    uploadTo<{ id: string; sha256: string; size: number }>(
      app,
      `/firmware-releases?type_id=${type.id}&version=${version}`,
      admin,
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

test('of releases that all reach a device, the newest that it has is where it stays', async () => {
  const { body: type } = await call<DeviceType>('POST', '/types', {
    key: `two-${Date.now()}`,
    name: 'Two',
    category: 'toy',
  })
  for (const [version, is_forced] of [
    ['2.0.0', false],
    ['1.5.0', true],
  ] as const) {
    const path = `/firmware-releases?type_id=${type.id}&version=${version}`
    const { body } = await uploadTo<{ id: string }>(app, path, admin, 'bytes', 'xiaozhi.bin')
    await call('PATCH', `/firmware-releases/${body.id}`, { state: 'rolling', percent: 100, is_forced })
  }
  const device = await claimedDevice(app, await signUp(app))
  await call('PATCH', `/registrations/${device.id}`, { type_id: type.id })
  const after = async (version: string) =>
    (await startUp(app, device, { application: { version } })).body.firmware.version
  expect(await after('1.0.0')).toBe('2.0.0')
  expect(await after('1.5.0')).toBe('2.0.0')
  // Forced back, it would be brought forward again at the next start, and so on for ever.
  expect(await after('2.0.0')).toBe('2.0.0')
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
