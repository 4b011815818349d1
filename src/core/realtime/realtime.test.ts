import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { type Backend, type BackendListener, formatPosition, parsePosition, ring } from './backend.ts'
import { createBatch, textFrame } from './batch.ts'
import { createChannels } from './channels.ts'
import { createConnections } from './connections.ts'
import { createMemoryBackend } from './memory-backend.ts'
import { realtimeContract } from './realtime.contract.ts'
import { actorOf } from './realtime.testing.ts'
import { createRealtime } from './realtime.ts'
import { createTickets } from './tickets.ts'

const createHub = (backend: Backend = createMemoryBackend({ clock: systemClock })) =>
  createRealtime({ backend, log: silentLog, clock: systemClock })

realtimeContract('realtime in memory', async () => {
  const hub = createHub()
  return { a: hub, b: hub, close: () => hub.stop() }
})

test('positions survive the trip through text', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[\w-]{1,32}$/),
      fc.integer({ min: 0, max: 999_999_999_999_999 }),
      (epoch, offset) => {
        expect(parsePosition(formatPosition({ epoch, offset }))).toEqual({ epoch, offset })
      },
    ),
  )
  fc.assert(
    fc.property(fc.string(), text => {
      const position = parsePosition(text)
      if (position) expect(position.offset).toBeGreaterThanOrEqual(0)
    }),
  )
})

test('a frame says its length the way RFC 6455 asks', () => {
  for (const [length, header] of [
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 255, 255]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ] as const) {
    const frame = textFrame('x'.repeat(length))
    expect([...frame.subarray(0, header.length)]).toEqual([...header])
    expect(frame.length).toBe(header.length + length)
  }
  expect(textFrame('中')).toEqual(Buffer.from([0x81, 3, 0xe4, 0xb8, 0xad]))
})

test('the forms of a batch are built once', () => {
  const batch = createBatch('a.b', { epoch: 'e', offset: 3 }, ['{"n":1}', '{"n":2}'])
  expect(batch.webSocketFrame).toBe(batch.webSocketFrame)
  expect(batch.serverSentEvents).toBe(batch.serverSentEvents)
  expect(batch.serverSentEvents.toString()).toBe('id: e:3\ndata: {"n":1}\n\nid: e:4\ndata: {"n":2}\n\n')
  expect(JSON.parse(batch.webSocketFrame.subarray(2).toString())).toEqual({
    type: 'messages',
    channel: 'a.b',
    items: [
      { id: 'e:3', data: { n: 1 } },
      { id: 'e:4', data: { n: 2 } },
    ],
  })
})

test('a busy channel is sent in few batches, and the first message at once', async () => {
  const hub = createHub()
  const sizes: number[] = []
  await hub.attach('busy', undefined, { ready() {}, batch: ({ items }) => sizes.push(items.length) })
  for (let n = 0; n < 500; n++) await hub.publish('busy', { n })
  expect(sizes[0]).toBe(1)
  await vi.waitFor(() => expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(500), 20_000)
  expect(sizes.length).toBeLessThan(50)
  await hub.stop()
})

/** The real memory backend behind a line that drops, repeats and reorders what is live. */
function overBadLine(choose: () => 'pass' | 'drop' | 'repeat' | 'late'): {
  backend: Backend
  restore(): void
} {
  const inner = createMemoryBackend({ clock: systemClock })
  let outer: BackendListener | undefined
  let late: (() => void)[] = []
  let isBad = true
  return {
    backend: {
      ...inner,
      async read(channel, after) {
        // The answer takes its time, live messages overtake it.
        const snapshot = await inner.read(channel, after)
        await new Promise(setImmediate)
        return snapshot
      },
      listen(listener) {
        outer = listener
        inner.listen({
          ...listener,
          onMessage(...message) {
            const fate = isBad ? choose() : 'pass'
            if (fate === 'late') late.push(() => listener.onMessage(...message))
            if (fate === 'pass' || fate === 'repeat') listener.onMessage(...message)
            if (fate === 'repeat') listener.onMessage(...message)
            if (fate === 'pass') {
              for (const deliver of late) deliver()
              late = []
            }
          },
        })
      },
    },
    restore() {
      isBad = false
      outer?.onDoubt()
    },
  }
}

test('over a line that loses, repeats and reorders, subscribers still see every message once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.constantFrom('pass', 'pass', 'drop', 'repeat', 'late')),
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 20 }),
      async (fates, bursts) => {
        const { backend, restore } = overBadLine(() => fates.next().value as 'pass')
        const hub = createHub(backend)
        const seen: number[][] = []
        const start = await hub.subscribe('c', {}, () => undefined)
        let n = 0
        for (const burst of bursts) {
          const mine: number[] = []
          seen.push(mine)
          const joining = hub.subscribe('c', { from: start.position }, message =>
            mine.push((message.data as { n: number }).n),
          )
          for (let i = 0; i < burst; i++) await hub.publish('c', { n: ++n })
          expect((await joining).recovered).toBe(true)
        }
        restore()
        const all = Array.from({ length: n }, (_, i) => i + 1)
        for (const mine of seen) await vi.waitFor(() => expect(mine).toEqual(all), 20_000)
        await hub.stop()
      },
    ),
    { numRuns: 60 },
  )
})

test('when the ring ran over during an outage, subscribers are told', async () => {
  let isCut = false
  const { backend, restore } = overBadLine(() => (isCut ? 'drop' : 'pass'))
  const hub = createHub(backend)
  const onLost = vi.fn()
  const seen: number[] = []
  await hub.subscribe('c', { onLost }, message => seen.push((message.data as { n: number }).n))
  await hub.publish('c', { n: 1 })
  isCut = true
  for (let n = 2; n < ring.messages * 3; n++) await hub.publish('c', { n })
  restore()
  await vi.waitFor(() => expect(onLost).toHaveBeenCalledTimes(1), 20_000)
  await hub.publish('c', { n: -1 })
  await vi.waitFor(() => expect(seen).toEqual([1, -1]), 20_000)
  await hub.stop()
})

test('memory: idle channels are forgotten, and whoever comes back later is told', async () => {
  let now = 0
  const clock = { now: () => now }
  const hub = createHub(createMemoryBackend({ clock }))
  const first = await hub.subscribe('old', {}, () => undefined)
  await hub.publish('old', { n: 1 })
  first.close()
  now += ring.idle_ms
  await hub.publish('new', { n: 1 })
  const back = await hub.subscribe('old', { from: first.position }, () => undefined)
  expect(back.recovered).toBe(false)
  expect(back.position.split(':')[0]).not.toBe(first.position.split(':')[0])
  await hub.stop()
})

test('channels: patterns, parameters and the one answer for all that is not to be known', async () => {
  const authorize = vi.fn(async (actor, { id }) => id === actor.user_id)
  const channels = createChannels([
    { pattern: 'chat.user.:id', authorize },
    { pattern: 'chat.all', authorize: async () => true },
  ])
  const me = actorOf('me')
  await channels.authorize(me, 'chat.user.me')
  await channels.authorize(me, 'chat.user.me')
  expect(authorize).toHaveBeenCalledTimes(2)
  await channels.authorize(me, 'chat.all')
  for (const name of [
    'chat.user.you',
    'chat.user',
    'chat.user.me.x',
    'chat.user.',
    'nope',
    '',
    'chat.user.a b',
  ]) {
    await expect(channels.authorize(me, name)).rejects.toMatchObject({ code: 'realtime.channel_not_found' })
  }
  expect(() =>
    createChannels([
      { pattern: 'a.:x', authorize },
      { pattern: 'a.:y', authorize },
    ]),
  ).toThrow('a.:y')
})

test('a ticket is good once, and for 30 seconds', async () => {
  let now = 0
  const tickets = createTickets({ clock: { now: () => now } })
  const me = actorOf('me')
  const { ticket, expires_in } = await tickets.issue(me)
  expect(expires_in).toBe(30)
  expect(await tickets.take(ticket)).toEqual(me)
  expect(await tickets.take(ticket)).toBeNull()
  const late = await tickets.issue(me)
  now = 30_000
  expect(await tickets.take(late.ticket)).toBeNull()
  expect(await tickets.take('x'.repeat(32))).toBeNull()
})

test('connections: renewed within the hour, checked every 25 seconds, limited per user, counted', async () => {
  vi.useFakeTimers()
  try {
    const metrics = createMetrics()
    const connections = createConnections({ clock: systemClock, metrics })
    const events: string[] = []
    const connect = () =>
      connections.add({
        kind: 'websocket',
        actor: actorOf('me'),
        close: closing => events.push(closing),
        heartbeat: () => events.push('heartbeat'),
      })
    const remove = connect()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(events).toEqual(['heartbeat'])
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(events).toContain('renewal')
    expect(await metrics.registry.metrics()).toContain('websocket_connections_active 1')
    remove()
    remove()
    expect(connections.count('websocket')).toBe(0)
    for (let i = 0; i < 64; i++) connect()
    expect(connect).toThrow('too many live connections')
    connections.stop()
    expect(connect).toThrow('stopping')
  } finally {
    vi.useRealTimers()
  }
})
