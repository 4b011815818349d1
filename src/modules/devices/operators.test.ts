import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { callDevices, claimedDevice, startUp } from './testing.ts'
import type { DeviceType, Group, Registration } from './views.ts'

let app: TestApp
let admin: TestUser

beforeAll(async () => {
  app = await startTestApp()
  admin = await signInAdmin(app, { locale: 'en' })
})
afterAll(() => app.stop())

const call = <T>(method: string, path: string, body?: object, who = admin) =>
  callDevices<T>(app, method, path, who, body)

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
    body: { code: 'device_state.invalid', errors: [{ pointer: '/body/desired/nod' }] },
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
