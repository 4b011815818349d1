import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { catalog } from '#catalog'
import { systemClock } from '#core/clock.ts'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { createMemoryBackend } from '#core/realtime/memory-backend.ts'
import { createRealtime } from '#core/realtime/realtime.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createLive } from '../live.ts'
import { createRegistry } from '../registry.ts'
import { newMac } from '../testing.ts'
import { createDoor } from './door.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
beforeAll(async () => {
  const devices = (await catalog.devices?.())?.default
  database = await createTestDb([
    coreMigrations,
    { module: 'devices', migrations: devices?.migrations ?? [] },
  ])
})
afterAll(() => database.drop())

const nothing = () => undefined
const realtime = createRealtime({
  backend: createMemoryBackend({ clock: systemClock }),
  log: silentLog,
  clock: systemClock,
})

type Held = { what: string; go(): void }

/** What the doors write waits until the test lets it through, in whichever order. */
function slowRegistry() {
  const live = createLive({ realtime, log: silentLog })
  const registry = createRegistry({ db: database.db, clock: systemClock, keys: { hmac: [] }, live })
  const held: Held[] = []
  let isOpen = false
  let running = 0
  const slowly =
    <A extends unknown[], T>(what: string, write: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      running += 1
      try {
        if (!isOpen) await new Promise<void>(resolve => held.push({ what, go: resolve }))
        return await write(...args)
      } finally {
        running -= 1
      }
    }
  return {
    held,
    running: () => running,
    /** From now on nothing waits. */
    open() {
      isOpen = true
      for (const { go } of held.splice(0)) go()
    },
    registry: {
      ...registry,
      come: slowly('come', registry.come),
      leave: slowly('leave', registry.leave),
      keepOnline: slowly('keepOnline', registry.keepOnline),
    },
  }
}

type Slow = ReturnType<typeof slowRegistry>

/** A door as a process has it, for one device. */
async function openDoor({ registry }: Slow, device_id: string) {
  const door = createDoor({
    registry: {
      ...registry,
      authenticateDevice: async () => ({
        device_id,
        type_id: newId(),
        binding_id: null,
        user_id: null,
        bot_id: null,
      }),
    },
    identity: { authenticateUpgrade: async () => null },
    deviceOfUser: async () => null,
    arrivalOf: () => ({ ip: '', origin: '' }),
    realtime,
    log: silentLog,
    metrics: createMetrics(),
    settings: { DEVICES_HELLO_SECONDS: 600, DEVICES_IDLE_SECONDS: 600, DEVICES_MAX_CONNECTIONS: 10 },
    handlers: { onHello: nothing, onMessage: nothing, onUnexpected: nothing, count: nothing },
    onNews: nothing,
    onClose: nothing,
    isBusy: () => false,
  })
  const server: Server = createServer().on('upgrade', (request, socket, head) => {
    void door.open(request, socket, head, new URL(request.url ?? '', 'http://localhost'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    door,
    async connect(): Promise<WebSocket> {
      const device = new WebSocket(`ws://127.0.0.1:${port}/?device-id=02:00:00:00:00:01&client-id=c&token=t`)
      device.on('error', nothing)
      await once(device, 'open')
      return device
    },
    async stop() {
      await door.stop?.()
      server.close()
    },
  }
}

async function newDeviceRow(): Promise<string> {
  const [id, type_id] = [newId(), newId()]
  await sql`INSERT INTO devices_type (id, key, name, category, properties_schema, capabilities)
    VALUES (${type_id}, ${type_id}, 'Toy', 'toy', '{}', '[]')`.execute(database.db.primary)
  await sql`INSERT INTO devices_device (id, type_id, mac, state)
    VALUES (${id}, ${type_id}, ${newMac()}, 'activated')`.execute(database.db.primary)
  return id
}

async function isOnline(id: string): Promise<boolean> {
  const { rows } = await sql<{ online: boolean }>`
    SELECT coalesce(online_until > now(), false) AS online FROM devices_device WHERE id = ${id}`.execute(
    database.db.primary,
  )
  return rows[0]?.online ?? false
}

/** Numbers below `below`, the same ones for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const isOpen = ({ readyState }: WebSocket) => readyState === WebSocket.OPEN

test.each(Array.from({ length: 40 }, (_, seed) => ({ seed })))(
  'a device counts as there exactly while a connection of it stands, however late what is noted comes: $seed',
  async ({ seed }) => {
    const device_id = await newDeviceRow()
    const slow = slowRegistry()
    const doors = [await openDoor(slow, device_id), await openDoor(slow, device_id)]
    const pick = numbers(seed)
    const devices: WebSocket[] = []
    for (let step = 0; step < 14; step++) {
      const choice = pick(5)
      if (choice === 0 || devices.length === 0) {
        const device = await doors[pick(2)]?.connect()
        if (device) devices.push(device)
      } else if (choice === 1) devices[pick(devices.length)]?.close()
      else slow.held.splice(pick(slow.held.length), 1)[0]?.go()
      // What follows from it and waits for nobody has its turn.
      await realtime.publish('pause', {})
      await new Promise(setImmediate)
    }
    slow.open()
    await vi.waitFor(async () => {
      expect(slow.running()).toBe(0)
      expect(devices.filter(isOpen).length).toBeLessThanOrEqual(1)
      expect(await isOnline(device_id)).toBe(devices.some(isOpen))
    }, 20_000)
    for (const door of doors) await door.stop()
    expect(slow.running()).toBe(0)
    expect(await isOnline(device_id)).toBe(false)
  },
)

test('a presence that is being renewed while its device leaves, or another process has it, does not come back', async () => {
  const device_id = await newDeviceRow()
  const slow = slowRegistry()
  const before = await openDoor(slow, device_id)
  const release = (what: string) =>
    vi.waitFor(() => {
      const at = slow.held.findIndex(each => each.what === what)
      expect(at).not.toBe(-1)
      slow.held.splice(at, 1)[0]?.go()
    }, 20_000)
  const first = await before.connect()
  await release('come')
  await vi.waitFor(async () => expect(await isOnline(device_id)).toBe(true), 20_000)
  // A minute goes by, and the first process wants to renew.
  const real = performance.now.bind(performance)
  const time = vi.spyOn(performance, 'now').mockImplementation(() => real() + 61_000)
  await vi.waitFor(() => expect(slow.held.map(({ what }) => what)).toContain('keepOnline'), 20_000)
  time.mockRestore()
  // The device goes on in the second process, and leaves there.
  const after = await openDoor(slow, device_id)
  const second = await after.connect()
  const replaced = once(first, 'close')
  await release('come')
  await replaced
  await release('leave')
  second.close()
  await release('leave')
  await vi.waitFor(async () => expect(await isOnline(device_id)).toBe(false), 20_000)
  slow.open()
  await before.stop()
  await after.stop()
  await vi.waitFor(() => expect(slow.running()).toBe(0), 20_000)
  expect(await isOnline(device_id)).toBe(false)
})
