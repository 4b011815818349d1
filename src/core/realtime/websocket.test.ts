import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connect, openDoors } from './doors.testing.ts'

const within = 20_000
/** Without pauses: who was dropped has five seconds to read on. */
const soon = { timeout: 50_000, interval: 1 }
let doors: Awaited<ReturnType<typeof openDoors>>
beforeEach(async () => {
  doors = await openDoors([
    {
      pattern: 'broken.:x',
      async authorize() {
        throw new Error('the database is away')
      },
    },
  ])
})
afterEach(() => doors.close())

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('subscribe, receive, unsubscribe', async () => {
  const ann = await connect(doors.wsUrl)
  ann.send({ type: 'subscribe', channel: 'open.a' })
  await vi.waitFor(() => expect(ann.frames).toHaveLength(1), within)
  expect(ann.frames[0]).toMatchObject({ type: 'subscribed', channel: 'open.a', recovered: true })
  expect(ann.frames[0]?.position).toMatch(/^[\w-]+:0$/)
  await doors.hub.publish('open.a', { n: 1, text: '中文 \u2028 😀' })
  await vi.waitFor(() => expect(ann.items('open.a')).toHaveLength(1), within)
  expect(ann.items('open.a')[0]?.data).toEqual({ n: 1, text: '中文 \u2028 😀' })
  ann.send({ type: 'unsubscribe', channel: 'open.a' })
  ann.send({ type: 'ping' })
  await vi.waitFor(() => expect(ann.frames.at(-1)).toEqual({ type: 'pong' }), within)
  await doors.hub.publish('open.a', { n: 2 })
  ann.send({ type: 'ping' })
  await vi.waitFor(() => expect(ann.frames.filter(({ type }) => type === 'pong')).toHaveLength(2), within)
  expect(ann.items('open.a')).toHaveLength(1)
  ann.socket.close()
  await vi.waitFor(() => expect(doors.hub.connections.count('websocket')).toBe(0), within)
})

test('a subscribe and an unsubscribe sent in one breath take effect in their order', async () => {
  const ann = await connect(doors.wsUrl)
  for (let i = 0; i < 10; i++) {
    ann.send({ type: 'subscribe', channel: 'open.a' })
    ann.send({ type: 'unsubscribe', channel: 'open.a' })
  }
  ann.send({ type: 'ping' })
  await vi.waitFor(() => expect(ann.frames.at(-1)?.type).toBe('pong'), within)
  await doors.hub.publish('open.a', { n: 1 })
  ann.send({ type: 'subscribe', channel: 'open.b' })
  await vi.waitFor(() => expect(ann.frames.at(-1)?.channel).toBe('open.b'), within)
  expect(ann.items('open.a')).toEqual([])
})

test('a connection cut again and again while messages come resumes without gap or duplicate', async () => {
  const seen: number[] = []
  let from = (await doors.hub.subscribe('open.a', {}, () => undefined)).position
  let n = 0
  while (seen.length < 300) {
    const ann = await connect(doors.wsUrl)
    ann.send({ type: 'subscribe', channel: 'open.a', from })
    let isPublished = false
    const publishing = (async () => {
      for (let i = 0; i < 20 && n < 300; i++) {
        await doors.hub.publish('open.a', { n: ++n })
        await new Promise(setImmediate)
      }
      isPublished = true
    })()
    const enough = 1 + (seen.length % 3)
    // A slow machine gathers all of them into fewer frames.
    const isAllThere = () => isPublished && ann.items('open.a').at(-1)?.data.n === n
    await vi.waitFor(() => expect(ann.frames.length >= enough || isAllThere()).toBe(true), within)
    ann.socket.terminate()
    await Promise.all([ann.closed, publishing])
    expect(ann.frames[0]).toMatchObject({ type: 'subscribed', recovered: true, position: from })
    for (const { id, data } of ann.items('open.a')) {
      seen.push(data.n)
      from = id
    }
  }
  expect(seen).toEqual(upTo(300))
})

test('what the caller may not know looks like what is not there', async () => {
  const ann = await connect(doors.wsUrl)
  for (const channel of ['own.bob', 'nothing.here', 'own', 'broken.x'])
    ann.send({ type: 'subscribe', channel })
  ann.send({ type: 'subscribe', channel: 'own.ann' })
  await vi.waitFor(() => expect(ann.frames).toHaveLength(5), within)
  expect(ann.frames.map(({ type, channel, code }) => [type, channel, code])).toEqual([
    ['error', 'own.bob', 'realtime.channel_not_found'],
    ['error', 'nothing.here', 'realtime.channel_not_found'],
    ['error', 'own', 'realtime.channel_not_found'],
    ['error', 'broken.x', 'server.internal'],
    ['subscribed', 'own.ann', undefined],
  ])
  expect(JSON.stringify(ann.frames)).not.toContain('database')
})

test('frames that are not understood are answered, and the connection lives on', async () => {
  const ann = await connect(doors.wsUrl)
  const bad = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"type":"explode"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","channel":7}',
    '{"type":"subscribe","channel":"open.a","from":7}',
    '{"type":"subscribe","channel":"open.a","extra":1}',
    `{"type":"subscribe","channel":"${'x'.repeat(201)}"}`,
    '{"__proto__":{"type":"ping"}}',
  ]
  for (const text of bad) ann.send(text)
  ann.socket.send(Buffer.from([1, 2, 3]))
  ann.send({ type: 'ping' })
  await vi.waitFor(() => expect(ann.frames.at(-1)?.type).toBe('pong'), within)
  expect(ann.frames.slice(0, -1).map(({ code }) => code)).toEqual(
    Array.from({ length: bad.length + 1 }, () => 'realtime.invalid_frame'),
  )
})

test('a frame that is too large ends the connection, not the server', async () => {
  const ann = await connect(doors.wsUrl)
  ann.send('x'.repeat(17 * 1024))
  expect((await ann.closed).code).toBe(1009)
  await connect(doors.wsUrl)
})

test('bytes that are no WebSocket end the connection, not the server', async () => {
  const raw = createConnection(doors.port, '127.0.0.1')
  raw.write(
    `GET /api/v1/realtime/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
  )
  await once(raw, 'data')
  raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  raw.resume()
  await once(raw, 'close')
  await connect(doors.wsUrl)
})

test('too many frames are refused, then the connection is closed', async () => {
  const ann = await connect(doors.wsUrl)
  for (let i = 0; i < 300; i++) ann.send({ type: 'ping' })
  await vi.waitFor(() => expect(ann.frames).toHaveLength(300), within)
  const refused = ann.frames.filter(({ code }) => code === 'realtime.too_many_frames').length
  expect(refused).toBeGreaterThan(50)
  expect(refused).toBeLessThanOrEqual(100)
  for (let i = 0; i < 400; i++) ann.send({ type: 'ping' })
  expect((await ann.closed).code).toBe(1008)
})

test('a client that does not read is dropped with 4008; the others do not notice', async () => {
  const [slow, good] = [await connect(doors.wsUrl), await connect(doors.wsUrl)]
  for (const client of [slow, good]) client.send({ type: 'subscribe', channel: 'open.a' })
  await vi.waitFor(() => expect([slow.frames.length, good.frames.length]).toEqual([1, 1]), within)
  slow.socket.pause()
  const text = 'x'.repeat(900_000)
  let n = 0
  await vi.waitFor(async () => {
    await doors.hub.publish('open.a', { n: ++n, text })
    await vi.waitFor(() => expect(good.items('open.a')).toHaveLength(n), soon)
    expect(n).toBeGreaterThan(12)
  }, soon)
  slow.socket.resume()
  expect(await slow.closed).toEqual({ code: 4008, reason: 'Too slow' })
  expect(good.items('open.a').map(({ data }) => data.n)).toEqual(upTo(n))
  // And it may come back to where it was, as far as the ring goes.
  const last = slow.items('open.a').at(-1)?.id
  const back = await connect(doors.wsUrl)
  back.send({ type: 'subscribe', channel: 'open.a', from: last })
  await vi.waitFor(() => expect(back.frames[0]?.type).toBe('subscribed'), within)
})

test('many large replays at once do not count as slow', async () => {
  const text = 'x'.repeat(50_000)
  const start = await doors.hub.subscribe('open.0', {}, () => undefined)
  const positions = [start.position]
  for (let c = 1; c < 30; c++) {
    positions.push((await doors.hub.subscribe(`open.${c}`, {}, () => undefined)).position)
  }
  for (let c = 0; c < 30; c++) for (let n = 1; n <= 10; n++) await doors.hub.publish(`open.${c}`, { n, text })
  const ann = await connect(doors.wsUrl)
  for (const [c, from] of positions.entries()) ann.send({ type: 'subscribe', channel: `open.${c}`, from })
  for (let c = 0; c < 30; c++) {
    await vi.waitFor(() => expect(ann.items(`open.${c}`).map(({ data }) => data.n)).toEqual(upTo(10)), within)
  }
  expect(ann.socket.readyState).toBe(ann.socket.OPEN)
})

test('without credentials: an error frame and 4001', async () => {
  const nobody = await connect(doors.wsUrl, { 'accept-language': 'en' })
  expect((await nobody.closed).code).toBe(4001)
  expect(nobody.frames).toMatchObject([{ type: 'error', code: 'auth.required', detail: 'Sign in first.' }])
})

test('a ticket opens one connection', async () => {
  const answer = await fetch(`${doors.url}/api/v1/realtime/tickets`, {
    method: 'POST',
    headers: { authorization: 'Bearer ann' },
  })
  const { ticket, expires_in } = (await answer.json()) as { ticket: string; expires_in: number }
  expect(expires_in).toBe(30)
  const ann = await connect(`${doors.wsUrl}?ticket=${ticket}`, {})
  ann.send({ type: 'subscribe', channel: 'own.ann' })
  await vi.waitFor(() => expect(ann.frames[0]?.type).toBe('subscribed'), within)
  const again = await connect(`${doors.wsUrl}?ticket=${ticket}`, {})
  expect((await again.closed).code).toBe(4001)
})

test('a session cookie counts only for pages of our own origin, or a friend’s', async () => {
  const cookie = 'user=ann'
  for (const [origin, isWelcome] of [
    [`http://127.0.0.1:${doors.port}`, true],
    ['https://friend.example', true],
    ['https://evil.example', false],
    [`http://127.0.0.1:${doors.port + 1}`, false],
    ['null', false],
  ] as const) {
    const client = await connect(doors.wsUrl, { cookie, origin })
    client.send({ type: 'ping' })
    await vi.waitFor(() => expect(client.frames.length).toBeGreaterThan(0), within)
    expect([origin, client.frames[0]?.type]).toEqual([origin, isWelcome ? 'pong' : 'error'])
    client.socket.terminate()
  }
  const elsewhere = await connect(doors.wsUrl, {
    authorization: 'Bearer ann',
    origin: 'https://evil.example',
  })
  elsewhere.send({ type: 'ping' })
  await vi.waitFor(() => expect(elsewhere.frames[0]?.type).toBe('pong'), within)
})

test('other paths are not ours', async () => {
  const lost = await connect(`ws://127.0.0.1:${doors.port}/elsewhere`)
  expect((await lost.closed).code).toBe(1006)
  const slash = await connect(`${doors.wsUrl}/`)
  slash.send({ type: 'ping' })
  await vi.waitFor(() => expect(slash.frames[0]?.type).toBe('pong'), within)
})

test('sign-out ends the connections of the user, or of one session', async () => {
  const [ann, bob] = [await connect(doors.wsUrl), await connect(doors.wsUrl, { authorization: 'Bearer bob' })]
  for (const client of [ann, bob]) client.send({ type: 'ping' })
  await vi.waitFor(() => expect([ann.frames.length, bob.frames.length]).toEqual([1, 1]), within)
  await doors.hub.disconnectUser('ann', 'another-session')
  await doors.hub.disconnectUser('ann', 'session-of-ann')
  expect(await ann.closed).toEqual({ code: 4001, reason: 'Signed out' })
  bob.send({ type: 'ping' })
  await vi.waitFor(() => expect(bob.frames).toHaveLength(2), within)
})

test('a stop closes with 1012, also those who come during it', async () => {
  const ann = await connect(doors.wsUrl)
  await doors.hub.stop()
  expect((await ann.closed).code).toBe(1012)
  const late = await connect(doors.wsUrl)
  expect((await late.closed).code).toBe(1012)
})

test('all subscribers of a channel are sent the same bytes', async () => {
  const clients = await Promise.all(Array.from({ length: 30 }, () => connect(doors.wsUrl)))
  for (const client of clients) client.send({ type: 'subscribe', channel: 'open.a' })
  for (const client of clients) await vi.waitFor(() => expect(client.frames).toHaveLength(1), within)
  for (let n = 1; n <= 100; n++) await doors.hub.publish('open.a', { n })
  for (const client of clients) {
    await vi.waitFor(
      () => expect(client.items('open.a').map(({ data }) => data.n)).toEqual(upTo(100)),
      within,
    )
    // Batches, not a frame a message.
    expect(client.frames.length).toBeLessThan(20)
  }
})
