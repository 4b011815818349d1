import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { CardRedeemed, type OwnedItem } from '#modules/cards/contract.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { createCommands } from './commands.ts'
import { devicesKey } from './contract.ts'
import { createLive } from './live.ts'
import { createRegistry } from './registry.ts'
import { createStates } from './state.ts'
import { claimedDevice, startUp } from './testing.ts'
import { unlockJob } from './unlocked.ts'
import type { CommandView, Device, HistoryEntry, Member, Offer } from './views.ts'

let app: TestApp
beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())

async function call<T>(method: string, path: string, who: TestUser, body?: object) {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method,
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T & { code: string } }
}
const offer = (device: { id: string }, owner: TestUser, kind: string, to?: TestUser) =>
  call<Offer>('POST', `/devices/${device.id}/offers`, owner, {
    kind,
    ...(to ? { username: to.user.username.toUpperCase() } : {}),
  })
const accept = (made: { body: Offer }, who: TestUser) =>
  call<Device>('POST', `/offers/${made.body.id}/accept`, who)
const acceptLink = (made: { body: Offer }, who: TestUser) =>
  call<Device>('POST', `/offer-links/${made.body.url_path?.split('=')[1]}/accept`, who)
/** What the connection of a device calls. */
function deviceSide() {
  const live = createLive({ ...app.core, log: app.core.log })
  const deps = { ...app.core, live }
  return { registry: createRegistry(deps), commands: createCommands(deps), states: createStates(deps) }
}
const itemsNamed = (count: number): OwnedItem[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `item-${n}`,
    template_id: `template-${n}`,
    template_version: 1,
    category: 'dance',
    rarity: 'common',
    name: `Dance ${n}`,
    attributes: {},
    acquired_at: '2026-01-01T00:00:00.000Z',
  }))
/** Runs the job by hand, with items that no cards stand for. */
const unlock = ({ user }: TestUser, itemsOf: () => Promise<OwnedItem[]>) =>
  unlockJob({ ...app.core, states: deviceSide().states, cards: { itemsOf } }).run(
    { user_id: user.id },
    {
      job_id: '',
      attempt: 1,
      signal: AbortSignal.timeout(60_000),
      log: app.core.log,
      progress: async () => {},
    },
  )
/** A claim sets off a look at what its user owns, which would cross what comes next, and is news of its own. */
const claimsAreOver = () =>
  vi.waitFor(
    async () => {
      const deliveries = await sql`SELECT FROM core_event_delivery`.execute(app.core.db.primary)
      expect(deliveries.rows).toEqual([])
      expect(await app.core.jobs.counts()).toMatchObject({ queued: 0, running: 0, failed: 0 })
    },
    { timeout: 20_000 },
  )

test('family sees and commands a device, and may not do what is the owner’s', async () => {
  const [owner, member, stranger] = await Promise.all([signUp(app), signUp(app), signUp(app)])
  const device = await claimedDevice(app, owner)
  const path = `/devices/${device.id}`
  expect((await offer(device, stranger, 'member')).status).toBe(404)
  expect((await offer(device, owner, 'member', owner)).body.code).toBe('offer.recipient_is_owner')
  const nobody = await call('POST', `${path}/offers`, owner, { kind: 'member', username: 'nobody-here' })
  expect(nobody.body.code).toBe('offer.recipient_unknown')

  const made = await offer(device, owner, 'member', member)
  expect(made).toMatchObject({ status: 201, body: { url_path: null, to: { id: member.user.id } } })
  expect((await accept(made, stranger)).status).toBe(404)
  expect((await call<{ items: Offer[] }>('GET', '/offers', member)).body.items).toMatchObject([
    { kind: 'member', from: { id: owner.user.id } },
  ])
  expect(await accept(made, member)).toMatchObject({
    status: 200,
    body: { role: 'member', is_primary: false },
  })
  expect((await accept(made, member)).body.code).toBe('offer.not_found')
  expect((await offer(device, owner, 'member', member)).body.code).toBe('offer.recipient_is_member')

  expect((await call<{ items: Device[] }>('GET', '/devices', member)).body.items).toMatchObject([
    { id: device.id, owner: { id: owner.user.id } },
  ])
  expect((await call('POST', `${path}/commands`, member, { command: { kind: 'reboot' } })).status).toBe(201)
  for (const [method, rest, body] of [
    ['PATCH', '', { name: 'mine' }],
    ['DELETE', '', undefined],
    ['POST', '/offers', { kind: 'transfer' }],
    ['GET', '/offers', undefined],
  ] as const)
    expect((await call(method, path + rest, member, body)).body.code).toBe('device.owner_only')
  const members = await call<{ items: Member[] }>('GET', `${path}/members`, member)
  expect(members.body.items.map(({ role }) => role)).toEqual(['owner', 'member'])
  expect((await call('DELETE', `${path}/members/${member.user.id}`, member)).status).toBe(204)
  expect((await call('GET', path, member)).status).toBe(404)
})

test('a link lets one person in, once, until it is withdrawn or lapses', async () => {
  const [owner, first, second] = await Promise.all([signUp(app), signUp(app), signUp(app)])
  const device = await claimedDevice(app, owner)
  const made = await offer(device, owner, 'member')
  const results = await Promise.all([first, second].map(who => acceptLink(made, who)))
  expect(results.map(({ status }) => status).sort()).toEqual([200, 404])
  const withdrawn = await offer(device, owner, 'member')
  expect((await call('DELETE', `/offers/${withdrawn.body.id}`, first)).status).toBe(404)
  expect((await call('DELETE', `/offers/${withdrawn.body.id}`, owner)).status).toBe(204)
  expect((await acceptLink(withdrawn, second)).body.code).toBe('offer.not_found')
  const lapsed = await offer(device, owner, 'member')
  await sql`UPDATE devices_offer SET expires_at = now() - interval '1 second' WHERE id = ${lapsed.body.id}`.execute(
    app.core.db.primary,
  )
  expect((await acceptLink(lapsed, second)).body.code).toBe('offer.not_found')
})

test('a device is handed over: one new owner, and the old one is out', async () => {
  const [owner, member, next, other] = await Promise.all([signUp(app), signUp(app), signUp(app), signUp(app)])
  const device = await claimedDevice(app, owner)
  await accept(await offer(device, owner, 'member', member), member)
  await call('PATCH', `/devices/${device.id}`, owner, { name: 'Our secret name' })
  const [one, two] = [
    await offer(device, owner, 'transfer', next),
    await offer(device, owner, 'transfer', other),
  ]
  const results = await Promise.all([accept(one, next), accept(two, other)])
  expect(results.map(({ status }) => status).sort()).toEqual([200, 404])
  const winner = results[0]?.status === 200 ? next : other
  for (const gone of [owner, member])
    expect((await call('GET', `/devices/${device.id}`, gone)).status).toBe(404)
  const { body } = await call<Device>('GET', `/devices/${device.id}`, winner)
  expect(body).toMatchObject({ role: 'owner', is_primary: true })
  expect(JSON.stringify(body)).not.toContain('secret')
  const history = await call<{ items: HistoryEntry[] }>('GET', `/devices/${device.id}/history`, winner)
  expect(history.body.items.map(({ kind }) => kind)).toEqual(['transferred'])
  // The device itself stays the same installation: at its next start it is told a new token, and needs no digits.
  const { registry } = deviceSide()
  expect(await registry.authenticateDevice(device)).toBeNull()
  const started = await startUp(app, device)
  expect(started.body.activation).toBeUndefined()
  expect(await registry.authenticateDevice({ ...device, token: started.body.websocket.token })).toMatchObject(
    { user_id: winner.user.id },
  )
})

test('commands wait for the device, are acknowledged once, and end by themselves', async () => {
  const [owner, other] = await Promise.all([signUp(app), signUp(app)])
  const device = await claimedDevice(app, owner)
  const foreign = await claimedDevice(app, other)
  const { commands } = deviceSide()
  const send = (more: object = {}) =>
    call<CommandView>('POST', `/devices/${device.id}/commands`, owner, {
      command: { kind: 'say', text: 'Hello' },
      ...more,
    })
  const sent = await send()
  expect(sent).toMatchObject({ status: 201, body: { state: 'queued' } })
  expect(await commands.pendingCommands(device.id)).toMatchObject([
    { id: sent.body.id, command: { kind: 'say', text: 'Hello' } },
  ])
  expect(await commands.pendingCommands(foreign.id)).toEqual([])
  const stateNow = async () =>
    (await call<{ items: CommandView[] }>('GET', `/devices/${device.id}/commands`, owner)).body.items[0]
      ?.state
  // Another device cannot answer for this one.
  await commands.acknowledgeCommand({ device_id: foreign.id, command_id: sent.body.id, is_done: true })
  expect(await stateNow()).toBe('queued')
  await commands.markSent(device.id, sent.body.id)
  expect((await call('DELETE', `/commands/${sent.body.id}`, owner)).body.code).toBe('command.not_open')
  await commands.acknowledgeCommand({ device_id: device.id, command_id: sent.body.id, is_done: true })
  await commands.acknowledgeCommand({ device_id: device.id, command_id: sent.body.id, is_done: false })
  expect(await stateNow()).toBe('done')

  const late = await send({ expires_in_s: 10 })
  await sql`UPDATE devices_command SET expires_at = now() - interval '1 second' WHERE id = ${late.body.id}`.execute(
    app.core.db.primary,
  )
  expect(await commands.pendingCommands(device.id)).toEqual([])
  expect(await stateNow()).toBe('expired')
  expect(await commands.expire(10)).toBe(1)

  const many = await Promise.all(Array.from({ length: 60 }, () => send()))
  expect(many.filter(({ status }) => status === 201)).toHaveLength(50)
  expect(many.find(({ status }) => status !== 201)?.body.code).toBe('device.too_many_commands')
  for (const bad of [
    { kind: 'fly' },
    { kind: 'say' },
    { kind: 'say', text: '' },
    { kind: 'tool', tool: 'x' },
  ])
    expect((await send({ command: bad })).status).toBe(400)
})

test('what a device reports is merged, bounded, and seen at once by those who watch', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const { states, registry } = deviceSide()
  await claimsAreOver()
  const news: unknown[] = []
  const listening = await app.core.realtime.subscribe(`devices.device.${device.id}`, {}, message =>
    news.push(message.data),
  )
  const coming = await registry.come(device.id, '127.0.0.1')
  await registry.touch(device.id, { battery: 81.4, network: { ssid: 'home', rssi: -40 } })
  await vi.waitFor(
    () =>
      expect(news).toMatchObject([
        { type: 'device.presence', presence: { is_online: true, battery: null } },
        { type: 'device.presence', presence: { is_online: true, battery: 81 } },
      ]),
    20_000,
  )
  await call('PATCH', `/devices/${device.id}/state`, owner, { desired: { volume: 30, theme: 'dark' } })
  await states.recordReported(device.id, { volume: 20, wifi: { channel: 6 } })
  await states.recordReported(device.id, { volume: 30, wifi: { channel: null, band: 5 } }, 1)
  const { body } = await call('GET', `/devices/${device.id}/state`, owner)
  expect(body).toMatchObject({
    desired: { volume: 30, theme: 'dark' },
    reported: { volume: 30, wifi: { band: 5 } },
    desired_version: 1,
    reported_version: 1,
  })
  await expect(states.recordReported(device.id, { notes: 'x'.repeat(40_000) })).rejects.toMatchObject({
    code: 'device_state.too_large',
  })
  await Promise.all(Array.from({ length: 20 }, (_, n) => states.recordReported(device.id, { [`k${n}`]: n })))
  expect(Object.keys((await states.read(device.id)).reported)).toHaveLength(22)
  if (coming) await registry.leave(coming)
  await vi.waitFor(() => expect(news.at(-1)).toMatchObject({ presence: { is_online: false } }), 20_000)
  listening.close()
})

test('a wish that is no other than before is no news', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  await claimsAreOver()
  const heard: { channel: string; type: unknown }[] = []
  const listen = async (channel: string) =>
    app.core.realtime.subscribe(channel, {}, ({ data }) =>
      heard.push({ channel, type: 'type' in data && data.type }),
    )
  const [watched, socket] = [`devices.device.${device.id}`, `devices.socket.${device.id}`]
  const listening = [await listen(watched), await listen(socket)]
  const wish = (volume: number) =>
    call('PATCH', `/devices/${device.id}/state`, owner, { desired: { volume } })
  for (const volume of [30, 30, 40]) expect((await wish(volume)).body).toMatchObject({ desired: { volume } })
  for (const channel of [watched, socket]) await app.core.realtime.publish(channel, { type: 'end' })
  await vi.waitFor(() => expect(heard.filter(({ type }) => type === 'end')).toHaveLength(2), 20_000)
  const typesOn = (channel: string) => heard.filter(each => each.channel === channel).map(({ type }) => type)
  expect(typesOn(watched)).toEqual(['state.updated', 'state.updated', 'end'])
  expect(typesOn(socket)).toEqual(['desired', 'desired', 'end'])
  for (const each of listening) each.close()
})

test('other modules reach the primary device; redeemed items are unlocked on it', async () => {
  const owner = await signUp(app)
  const devices = app.app.use(devicesKey)
  expect(await devices.primaryDeviceOf(owner.user.id)).toBeNull()
  const device = await claimedDevice(app, owner)
  expect(await devices.primaryDeviceOf(owner.user.id)).toEqual({ id: device.id })
  await devices.sendCommand({
    user_id: owner.user.id,
    device_id: device.id,
    command: { kind: 'dance', dance_id: 'waltz' },
  })
  await expect(
    devices.sendCommand({
      user_id: (await signUp(app)).user.id,
      device_id: device.id,
      command: { kind: 'reboot' },
    }),
  ).rejects.toMatchObject({ code: 'device.not_found' })
  await expect(
    app.core.db.transaction(async tx => {
      await devices.setDesired(tx, device.id, { volume: 1 })
      throw new Error('undone')
    }),
  ).rejects.toThrow('undone')
  const { states } = deviceSide()
  expect((await states.read(device.id)).desired).toEqual({})

  await claimsAreOver()
  const items = itemsNamed(200)
  await unlock(owner, async () => items)
  await unlock(owner, async () => items)
  const { desired, desired_version } = await states.read(device.id)
  expect(desired.unlocked).toHaveLength(150)
  expect(desired_version).toBe(1)

  // The event itself: the cards module says that the user owns nothing, and so it becomes.
  await app.core.events.publish(app.core.db.primary, CardRedeemed, {
    redemption_id: device.id,
    user_id: owner.user.id,
    batch_id: device.id,
    template_id: device.id,
    template_version: 1,
    category: 'dance',
    rarity: 'common',
  })
  await vi.waitFor(async () => expect((await states.read(device.id)).desired).toEqual({ unlocked: [] }), {
    timeout: 20_000,
  })
})

test('of two that look at once, the one that read less does not have the last word', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  await claimsAreOver()
  let owned = itemsNamed(1)
  const itemsOf = async () => owned
  let looks = 0
  await unlock(owner, async () => {
    const read = owned
    looks += 1
    if (looks > 1) return read
    owned = itemsNamed(2)
    await unlock(owner, itemsOf)
    return read
  })
  expect((await deviceSide().states.read(device.id)).desired.unlocked).toHaveLength(2)
})

test('a device that goes to somebody else keeps nothing of what its last owner has', async () => {
  const owner = await signUp(app)
  const next = await signUp(app)
  const device = await claimedDevice(app, owner)
  await claimsAreOver()
  let isGone = false
  await unlock(owner, async () => {
    if (!isGone) {
      expect((await call('DELETE', `/devices/${device.id}`, owner)).status).toBe(204)
      await claimedDevice(app, next, device)
      isGone = true
    }
    return itemsNamed(3)
  })
  expect((await deviceSide().states.read(device.id)).desired).toEqual({})
})

test('what a user owns comes to the device that becomes the primary one', async () => {
  const owner = await signUp(app)
  const [first, second] = [await claimedDevice(app, owner), await claimedDevice(app, owner)]
  await claimsAreOver()
  const { states } = deviceSide()
  // Whatever a device holds from before: the cards module says that the user owns nothing.
  const holdSomething = (id: string) => states.setDesired(null, id, { unlocked: [{ id: 'from before' }] })
  const holdsNothing = (id: string) =>
    vi.waitFor(async () => expect((await states.read(id)).desired).toEqual({ unlocked: [] }), {
      timeout: 20_000,
    })
  await holdSomething(second.id)
  await states.setDesired(null, first.id, { unlocked: [{ id: 'from before' }], volume: 30 })
  expect((await call('PATCH', `/devices/${second.id}`, owner, { is_primary: true })).status).toBe(200)
  await holdsNothing(second.id)
  // The one that was it before would keep what is undone later.
  await vi.waitFor(async () => expect((await states.read(first.id)).desired).toEqual({ volume: 30 }), {
    timeout: 20_000,
  })
  await states.setDesired(null, first.id, { volume: null })
  await holdSomething(first.id)
  expect((await call('DELETE', `/devices/${second.id}`, owner)).status).toBe(204)
  await holdsNothing(first.id)
})
