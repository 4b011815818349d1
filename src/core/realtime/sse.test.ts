import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage, request } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDoors, type ServerFrame } from './doors.testing.ts'

const within = 20_000
/** Without pauses: who was dropped has five seconds to read on. */
const soon = { timeout: 50_000, interval: 1 }
let doors: Awaited<ReturnType<typeof openDoors>>
beforeEach(async () => {
  doors = await openDoors()
})
afterEach(() => doors.close())

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

const listen = (query: string, headers: Record<string, string> = { authorization: 'Bearer ann' }) =>
  hear(get(`${doors.url}/api/v1/realtime/sse?${query}`, { headers }))

/** Several channels in one stream. */
function listenTo(...channels: { channel: string; from?: string }[]) {
  const headers = { authorization: 'Bearer ann', 'content-type': 'application/json' }
  const asked = request(`${doors.url}/api/v1/realtime/stream`, { method: 'POST', headers })
  asked.end(JSON.stringify({ channels }))
  return hear(asked)
}

async function hear(request: ClientRequest) {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const events: EventSourceMessage[] = []
  const retries: number[] = []
  const parser = createParser({ onEvent: event => events.push(event), onRetry: ms => retries.push(ms) })
  response.setEncoding('utf8')
  response.on('data', chunk => parser.feed(chunk))
  response.on('error', () => undefined)
  return {
    request,
    response,
    events,
    retries,
    ended: new Promise(resolve => response.once('close', resolve)),
    frames: () => events.map(({ data }) => JSON.parse(data) as ServerFrame),
    numbers: () =>
      events.filter(({ event }) => !event).map(({ data }) => (JSON.parse(data) as { n: number }).n),
  }
}

test('first `subscribed`, then the messages with their ids', async () => {
  const ann = await listen('channel=open.a')
  expect(ann.response.statusCode).toBe(200)
  expect(ann.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  await vi.waitFor(() => expect(ann.events).toHaveLength(1), within)
  const subscribed = JSON.parse(ann.events[0]?.data ?? '')
  expect(ann.events[0]).toMatchObject({ event: 'subscribed', id: subscribed.position })
  expect(subscribed).toMatchObject({ type: 'subscribed', channel: 'open.a', recovered: true })
  await doors.hub.publish('open.a', { n: 1, text: 'a\nb\r\n中文\u2028' })
  await vi.waitFor(() => expect(ann.events).toHaveLength(2), within)
  expect(JSON.parse(ann.events[1]?.data ?? '')).toEqual({ n: 1, text: 'a\nb\r\n中文\u2028' })
  expect(ann.events[1]?.id).toBe(subscribed.position.replace(/:0$/, ':1'))
  expect(doors.hub.connections.count('sse')).toBe(1)
  ann.request.destroy()
  await vi.waitFor(() => expect(doors.hub.connections.count('sse')).toBe(0), within)
})

test('Last-Event-ID, or `from`, resumes after every event', async () => {
  const first = await listen('channel=open.a')
  await vi.waitFor(() => expect(first.events).toHaveLength(1), within)
  for (let n = 1; n <= 20; n++) await doors.hub.publish('open.a', { n })
  await vi.waitFor(() => expect(first.numbers()).toEqual(upTo(20)), within)
  for (const [i, { id = '' }] of first.events.entries()) {
    const resumed =
      i % 2
        ? await listen('channel=open.a', { authorization: 'Bearer ann', 'last-event-id': id })
        : await listen(`channel=open.a&from=${encodeURIComponent(id)}`)
    await vi.waitFor(() => expect(resumed.numbers()).toEqual(upTo(20, i + 1)), within)
    await vi.waitFor(() => expect(resumed.events).not.toHaveLength(0), within)
    expect(JSON.parse(resumed.events[0]?.data ?? '')).toMatchObject({ recovered: true, position: id })
    resumed.request.destroy()
  }
  const lost = await listen('channel=open.a', { authorization: 'Bearer ann', 'last-event-id': 'gone:3' })
  await vi.waitFor(() => expect(lost.events).toHaveLength(1), within)
  expect(JSON.parse(lost.events[0]?.data ?? '')).toMatchObject({ recovered: false })
})

test('refuses in plain HTTP, before the stream begins', async () => {
  expect((await listen('channel=own.bob')).response.statusCode).toBe(404)
  expect((await listen('channel=nothing')).response.statusCode).toBe(404)
  expect((await listen('channel=open.a', {})).response.statusCode).toBe(401)
  expect((await listen('channel=open.a&ticket=wrong', {})).response.statusCode).toBe(401)
})

test('several channels share a stream, each from its own place', async () => {
  const first = await listenTo({ channel: 'open.a' }, { channel: 'own.bob' }, { channel: 'open.b' })
  expect(first.response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  await vi.waitFor(() => expect(first.frames()).toHaveLength(3), within)
  expect(first.frames()).toMatchObject([
    { type: 'subscribed', channel: 'open.a', recovered: true },
    { type: 'error', channel: 'own.bob', code: 'realtime.channel_not_found' },
    { type: 'subscribed', channel: 'open.b', recovered: true },
  ])
  for (let n = 1; n <= 10; n++) await doors.hub.publish(n % 2 ? 'open.a' : 'open.b', { n })
  const heard = (frames: ServerFrame[], channel: string) =>
    frames.flatMap(frame =>
      frame.type === 'messages' && frame.channel === channel ? (frame.items ?? []) : [],
    )
  await vi.waitFor(() => {
    expect(heard(first.frames(), 'open.a').map(item => item.data.n)).toEqual([1, 3, 5, 7, 9])
    expect(heard(first.frames(), 'open.b').map(item => item.data.n)).toEqual([2, 4, 6, 8, 10])
  }, within)
  expect(doors.hub.connections.count('sse')).toBe(1)
  first.request.destroy()

  const from = heard(first.frames(), 'open.a')[1]?.id ?? ''
  const resumed = await listenTo({ channel: 'open.a', from }, { channel: 'open.b', from: 'gone:1' })
  await vi.waitFor(() => expect(resumed.frames()).toHaveLength(3), within)
  expect(resumed.frames()[0]).toMatchObject({ channel: 'open.a', position: from, recovered: true })
  expect(heard(resumed.frames(), 'open.a').map(item => item.data.n)).toEqual([5, 7, 9])
  expect(resumed.frames()[2]).toMatchObject({ channel: 'open.b', recovered: false })
})

test('a ticket opens one stream', async () => {
  const { actorOf } = await import('./realtime.testing.ts')
  const { ticket } = await doors.tickets.issue(actorOf('ann'))
  expect((await listen(`channel=own.ann&ticket=${ticket}`, {})).response.statusCode).toBe(200)
  expect((await listen(`channel=own.ann&ticket=${ticket}`, {})).response.statusCode).toBe(401)
})

test('a stop ends the stream with a hint when to come back', async () => {
  const ann = await listen('channel=open.a')
  await vi.waitFor(() => expect(ann.events).toHaveLength(1), within)
  await doors.hub.stop()
  await ann.ended
  expect(ann.response.complete).toBe(true)
  expect(ann.retries).toHaveLength(1)
  expect((await listen('channel=open.a')).response.statusCode).toBe(503)
})

test('sign-out ends the stream and says so', async () => {
  const ann = await listen('channel=open.a')
  await vi.waitFor(() => expect(ann.events).toHaveLength(1), within)
  await doors.hub.disconnectUser('ann')
  await ann.ended
  expect(ann.events.at(-1)).toMatchObject({ event: 'closed' })
  expect(JSON.parse(ann.events.at(-1)?.data ?? '')).toMatchObject({ code: 4001 })
})

test('a reader that does not read is dropped; the others do not notice', async () => {
  const [slow, good] = [await listen('channel=open.a'), await listen('channel=open.a')]
  await vi.waitFor(() => expect([slow.events.length, good.events.length]).toEqual([1, 1]), within)
  slow.response.pause()
  const text = 'x'.repeat(900_000)
  let n = 0
  await vi.waitFor(async () => {
    await doors.hub.publish('open.a', { n: ++n, text })
    await vi.waitFor(() => expect(good.numbers()).toHaveLength(n), soon)
    expect(doors.hub.connections.count('sse')).toBe(1)
  }, soon)
  slow.response.resume()
  await slow.ended
  expect(slow.events.at(-1)).toMatchObject({ event: 'closed' })
  expect(slow.numbers()).toEqual(upTo(slow.numbers().length))
  expect(good.numbers()).toEqual(upTo(n))
})
