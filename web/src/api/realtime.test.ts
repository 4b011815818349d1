import { expect, test } from 'vitest'
import { createRealtime, type Following, type Realtime, type RealtimeItem, type Socket } from './realtime.ts'

/** A browser's socket, or a stream, as the hub sees it, with the other end in the test's hands. */
type Wire = Socket & {
  sent: Record<string, unknown>[]
  closedWith: number | null
  /** What a stream was opened for. */
  follows: Following[] | null
}

function setUp() {
  const wires: Wire[] = []
  let timers: { run: () => void; ms: number }[] = []
  const open = (follows: Following[] | null) => {
    const wire: Wire = {
      sent: [],
      closedWith: null,
      follows,
      send: text => wire.sent.push(JSON.parse(text)),
      close: code => {
        wire.closedWith = code ?? 1005
      },
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    }
    wires.push(wire)
    return wire
  }
  const realtime: Realtime = createRealtime({
    open: () => open(null),
    openStream: open,
    random: () => 0.5,
    setTimer: (run, ms) => {
      const timer = { run, ms }
      timers.push(timer)
      return timer
    },
    clearTimer: timer => {
      timers = timers.filter(each => each !== timer)
    },
  })
  const wire = () => wires.at(-1) as Wire
  return {
    realtime,
    wires,
    wire,
    delays: () => timers.map(timer => timer.ms),
    /** Lets the timer that is due first run. */
    tick() {
      const next = timers.toSorted((a, b) => a.ms - b.ms)[0]
      if (!next) throw new Error('nothing is due')
      timers = timers.filter(each => each !== next)
      next.run()
    },
    /** Lets the timer of this length run. */
    run(ms: number) {
      const timer = timers.find(each => each.ms === ms)
      if (!timer) throw new Error(`nothing is due in ${ms} ms`)
      timers = timers.filter(each => each !== timer)
      timer.run()
    },
    opened: () => wire().onopen?.(undefined as never),
    says: (frame: object) => wire().onmessage?.({ data: JSON.stringify(frame) }),
    closed: (code: number) => wire().onclose?.({ code }),
  }
}

const listener = () => {
  const items: RealtimeItem[] = []
  const ready: { position: string; recovered: boolean }[] = []
  return {
    items,
    ready,
    subscriber: {
      onItems: (more: RealtimeItem[]) => items.push(...more),
      onReady: (state: { position: string; recovered: boolean }) => ready.push(state),
    },
  }
}

test('two views of one channel share the connection and the subscription', () => {
  const { realtime, wires, wire, opened, says } = setUp()
  const first = listener()
  const second = listener()
  realtime.subscribe('a', first.subscriber)
  const leave = realtime.subscribe('a', second.subscriber)
  opened()
  expect(wires).toHaveLength(1)
  expect(wire().sent).toEqual([{ type: 'subscribe', channel: 'a' }])
  says({ type: 'subscribed', channel: 'a', position: 'e:4', recovered: true })
  says({ type: 'messages', channel: 'a', items: [{ id: 'e:5', data: 1 }] })
  leave()
  says({ type: 'messages', channel: 'a', items: [{ id: 'e:6', data: 2 }] })
  expect(first.items.map(item => item.data)).toEqual([1, 2])
  expect(second.items.map(item => item.data)).toEqual([1])
  expect(wire().sent).toHaveLength(1)
})

test('after a cut each channel goes on from its last message', () => {
  const { realtime, wire, opened, says, closed, tick } = setUp()
  const view = listener()
  realtime.subscribe('a', view.subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:0', recovered: true })
  says({
    type: 'messages',
    channel: 'a',
    items: [
      { id: 'e:1', data: 1 },
      { id: 'e:2', data: 2 },
    ],
  })
  closed(1012)
  expect(realtime.state()).toBe('reconnecting')
  tick()
  opened()
  expect(wire().sent).toEqual([{ type: 'subscribe', channel: 'a', from: 'e:2' }])
  // The server's head is further on; until the replay has come, a second cut must go back to what was seen.
  says({ type: 'subscribed', channel: 'a', position: 'e:9', recovered: true })
  closed(1006)
  tick()
  opened()
  expect(wire().sent).toEqual([{ type: 'subscribe', channel: 'a', from: 'e:2' }])
})

test('a lost position is told to the view, and the new one counts', () => {
  const { realtime, wire, opened, says, closed, tick } = setUp()
  const view = listener()
  realtime.subscribe('a', view.subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:3', recovered: true })
  closed(1006)
  tick()
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'f:0', recovered: false })
  expect(view.ready.at(-1)).toEqual({ position: 'f:0', recovered: false })
  closed(1006)
  tick()
  opened()
  expect(wire().sent).toEqual([{ type: 'subscribe', channel: 'a', from: 'f:0' }])
})

test('delays grow, are jittered, and end at half a minute; views learn that it is down', () => {
  const { realtime, closed, tick, delays } = setUp()
  realtime.subscribe('a', listener().subscriber)
  const seen: number[] = []
  for (let attempt = 0; attempt < 10; attempt += 1) {
    closed(1006)
    seen.push(...delays())
    tick()
  }
  expect(seen.slice(0, 4)).toEqual([375, 750, 1500, 3000])
  expect(seen.at(-1)).toBe(22_500)
  expect(realtime.state()).toBe('down')
})

test('silence is asked once, then the connection is given up and made anew', () => {
  const { realtime, wires, wire, opened, says, tick } = setUp()
  realtime.subscribe('a', listener().subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:0', recovered: true })
  tick()
  expect(wire().sent.at(-1)).toEqual({ type: 'ping' })
  says({ type: 'pong' })
  tick()
  tick()
  expect(wires[0]?.closedWith).toBe(4000)
  tick()
  expect(wires).toHaveLength(2)
})

test('a session that ended is not tried again until somebody asks', () => {
  const { realtime, wires, opened, closed, delays } = setUp()
  realtime.subscribe('a', listener().subscriber)
  opened()
  closed(4001)
  expect(realtime.state()).toBe('signed_out')
  expect(delays()).toEqual([])
  realtime.retry()
  expect(wires).toHaveLength(2)
})

test('the last view gone, the connection lingers and then closes', () => {
  const { realtime, wires, opened, says, tick } = setUp()
  const leave = realtime.subscribe('a', listener().subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:0', recovered: true })
  leave()
  expect(wires[0]?.closedWith).toBeNull()
  tick()
  expect(wires[0]?.closedWith).toBe(1000)
  expect(realtime.state()).toBe('idle')
})

test('messages of a subscription that was left do not reach the next one of the same channel', () => {
  const { realtime, opened, says } = setUp()
  const leave = realtime.subscribe('a', listener().subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:0', recovered: true })
  leave()
  const next = listener()
  realtime.subscribe('a', next.subscriber)
  says({ type: 'messages', channel: 'a', items: [{ id: 'e:1', data: 'late' }] })
  says({ type: 'subscribed', channel: 'a', position: 'e:1', recovered: true })
  says({ type: 'messages', channel: 'a', items: [{ id: 'e:2', data: 'new' }] })
  expect(next.items.map(item => item.data)).toEqual(['new'])
})

test('a view that joins a live channel is ready at once, and told when its own position is not the channel’s', async () => {
  const { realtime, opened, says } = setUp()
  realtime.subscribe('a', listener().subscriber)
  opened()
  says({ type: 'subscribed', channel: 'a', position: 'e:7', recovered: true })
  const fresh = listener()
  const behind = listener()
  realtime.subscribe('a', fresh.subscriber)
  realtime.subscribe('a', { ...behind.subscriber, from: 'e:2' })
  await Promise.resolve()
  expect(fresh.ready).toEqual([{ position: 'e:7', recovered: true }])
  expect(behind.ready).toEqual([{ position: 'e:7', recovered: false }])
})

test('nonsense on the wire is ignored; errors reach the channel they name', () => {
  const { realtime, wire, opened, says } = setUp()
  const errors: string[] = []
  realtime.subscribe('a', { onItems: () => {}, onError: error => errors.push(error.code) })
  opened()
  wire().onmessage?.({ data: 'not json' })
  wire().onmessage?.({ data: '42' })
  says({ type: 'messages', channel: 'nobody', items: [{ id: 'e:1', data: 1 }] })
  says({ type: 'error', channel: 'a', code: 'channel.forbidden', detail: '' })
  expect(errors).toEqual(['channel.forbidden'])
})

const subscribed = (channel: string, position: string) => ({
  type: 'subscribed',
  channel,
  position,
  recovered: true,
})
const message = (channel: string, id: string, data: unknown) => ({
  type: 'messages',
  channel,
  items: [{ id, data }],
})

/** A hub whose WebSocket is blocked, listening to `a` over a stream, at `e:1`. */
function onStream() {
  const hub = setUp()
  const view = listener()
  hub.realtime.subscribe('a', view.subscriber)
  hub.closed(1006)
  hub.tick()
  hub.opened()
  hub.says(subscribed('a', 'e:0'))
  hub.says(message('a', 'e:1', 1))
  return { ...hub, view }
}

test('where the WebSocket is blocked, a stream carries the channels', () => {
  const { realtime, wires, view } = onStream()
  expect(wires.map(({ follows }) => follows)).toEqual([null, [{ channel: 'a' }]])
  expect(realtime.state()).toBe('open')
  expect(view.items).toEqual([{ id: 'e:1', data: 1 }])
  expect(wires[1]?.sent).toEqual([])
})

test('a WebSocket that opens and says nothing is blocked too', () => {
  const { realtime, wires, opened, closed, tick } = setUp()
  realtime.subscribe('a', listener().subscriber)
  opened()
  tick()
  expect(wires[0]?.closedWith).toBe(4000)
  tick()
  expect(wires[1]?.follows).toEqual([{ channel: 'a' }])
  closed(1006)
  tick()
  opened()
  closed(1006)
  tick()
  expect(wires.map(({ follows }) => follows !== null)).toEqual([false, true, false, true])
})

test('a refused connection counts as one that failed', () => {
  const { realtime, opened, says, closed, tick } = setUp()
  realtime.subscribe('a', listener().subscriber)
  for (let attempt = 0; attempt < 4; attempt += 1) {
    opened()
    says({ type: 'error', code: 'realtime.too_many_connections', detail: '' })
    closed(4029)
    if (attempt < 3) tick()
  }
  expect(realtime.state()).toBe('down')
})

test('a stream that was cut is opened again, each channel from its last message', () => {
  const { realtime, wire, view, says, closed, tick } = onStream()
  closed(1006)
  expect(realtime.state()).toBe('reconnecting')
  tick()
  expect(wire().follows).toEqual([{ channel: 'a', from: 'e:1' }])
  says(subscribed('a', 'e:1'))
  says(message('a', 'e:2', 2))
  expect(view.items.map(item => item.data)).toEqual([1, 2])
})

test('a channel more takes a new stream; what the old one still says does not count twice', () => {
  const { realtime, wires, wire, view, says, tick } = onStream()
  const old = wire()
  const other = listener()
  const third = listener()
  realtime.subscribe('b', other.subscriber)
  realtime.subscribe('c', third.subscriber)
  expect(wires).toHaveLength(2)
  // The old stream goes on until then.
  says(message('a', 'e:2', 2))
  tick()
  expect(old.closedWith).toBe(1000)
  expect(realtime.state()).toBe('open')
  expect(wire().follows).toEqual([{ channel: 'a', from: 'e:2' }, { channel: 'b' }, { channel: 'c' }])
  old.onmessage?.({ data: JSON.stringify(message('a', 'e:3', 3)) })
  old.onclose?.({ code: 1006 })
  for (const channel of ['a', 'b', 'c']) says(subscribed(channel, 'e:2'))
  says(message('a', 'e:3', 3))
  says(message('b', 'e:9', 9))
  expect(view.items.map(item => item.data)).toEqual([1, 2, 3])
  expect(other.items.map(item => item.data)).toEqual([9])
  expect(wires).toHaveLength(3)
})

test('a stream says nothing of a channel that was left and entered again', () => {
  const { realtime, says, tick } = onStream()
  const leave = realtime.subscribe('b', listener().subscriber)
  tick()
  leave()
  const next = listener()
  realtime.subscribe('b', { ...next.subscriber, from: 'e:4' })
  says(subscribed('b', 'e:7'))
  says(message('b', 'e:8', 'of the old one'))
  expect(next.ready).toEqual([])
  expect(next.items).toEqual([])
})

test('the silence of a stream is its end', () => {
  const { realtime, wires, wire, run } = onStream()
  const stream = wire()
  // A sign of life that carries nothing.
  stream.onmessage?.({ data: '' })
  run(75_000)
  expect(stream.closedWith).toBe(4000)
  expect(realtime.state()).toBe('reconnecting')
  run(375)
  expect(wires.at(-1)?.follows).toEqual([{ channel: 'a', from: 'e:1' }])
})

test('back to the WebSocket when it gets through again, without a gap and without a double', () => {
  const { realtime, wires, wire, view, opened, says, tick } = onStream()
  const stream = wire()
  tick()
  const socket = wire()
  expect(wires).toHaveLength(3)
  expect(socket.follows).toBeNull()
  opened()
  expect(socket.sent).toEqual([{ type: 'ping' }])
  // Until the WebSocket has answered, the stream is what counts.
  stream.onmessage?.({ data: JSON.stringify(message('a', 'e:2', 2)) })
  says({ type: 'pong' })
  expect(stream.closedWith).toBe(1000)
  expect(socket.sent.at(-1)).toEqual({ type: 'subscribe', channel: 'a', from: 'e:2' })
  stream.onmessage?.({ data: JSON.stringify(message('a', 'e:3', 3)) })
  says(subscribed('a', 'e:3'))
  says(message('a', 'e:3', 3))
  expect(view.items.map(item => item.data)).toEqual([1, 2, 3])
  expect(realtime.state()).toBe('open')
  realtime.subscribe('b', listener().subscriber)
  expect(socket.sent.at(-1)).toEqual({ type: 'subscribe', channel: 'b' })
})

test('while it stays blocked, the WebSocket is tried less and less often', () => {
  const { realtime, wires, run, opened, closed } = onStream()
  for (const wait of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000]) {
    run(wait)
    closed(1006)
  }
  // One that opens and does not answer is as bad.
  run(600_000)
  opened()
  run(10_000)
  expect(wires.at(-1)?.closedWith).toBe(1000)
  run(600_000)
  expect(realtime.state()).toBe('open')
  expect(wires[1]?.closedWith).toBeNull()
})

test('the network coming back is a reason to try the WebSocket at once', () => {
  const { realtime, wires, wire } = onStream()
  realtime.retry()
  realtime.retry()
  expect(wires).toHaveLength(3)
  expect(wire().follows).toBeNull()
})
