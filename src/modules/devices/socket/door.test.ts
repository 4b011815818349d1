import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { connectDevice } from '../simulator/device.ts'
import { callDevices, claimedDevice, newDevice, startUp } from '../testing.ts'
import { decodeFrame } from './framing.ts'
import {
  expectAlive,
  isError,
  socketUrl,
  startTalkApp,
  type TestDevice,
  talkingDevice,
  userSocket,
} from './talk.testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps('Fine.') }) })
})
afterAll(() => app.stop())
const call = (path: string, who: Pick<TestUser, 'headers'>, body?: object) =>
  callDevices<Record<string, unknown>>(app, body ? 'POST' : 'GET', path, who, body)

describe('greeting', () => {
  test('the answer names the transport, a session and the sound that goes down', async () => {
    const device = await talkingDevice(app)
    expect(device.messages[0]).toMatchObject({
      type: 'hello',
      transport: 'websocket',
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      audio_params: { format: 'opus', sample_rate: 24_000, channels: 1, frame_duration: 60 },
    })
    await device.close()
  })

  test('a greeting without sound parameters, version or transport is good, credentials in the query too', async () => {
    const owner = await signUp(app)
    const device = await claimedDevice(app, owner)
    for (const style of ['headers', 'query'] as const) {
      const socket = await connectDevice({ ...device, url: socketUrl(app), credentials: style, hello: null })
      socket.send({
        type: 'hello',
        device_id: device.mac.toUpperCase(),
        features: { mcp: false, emoji: true },
      })
      expect(await socket.waitFor(({ type }) => type === 'hello')).toMatchObject({ transport: 'websocket' })
      await socket.close()
    }
    const upper = await connectDevice({ ...device, mac: device.mac.toUpperCase(), url: socketUrl(app) })
    expect(upper.messages[0]).toMatchObject({ type: 'hello' })
    await upper.close()
  })

  test('a greeting with all that firmware says of itself is good, whatever of it is not spoken here', async () => {
    const device = await talkingDevice(app, {
      hello: {
        features: { mcp: false, aec: true, glyph_push: true },
        text_font: { bundle: 'noto-v1', charset: 'common', size: 20, bpp: 4 },
      },
    })
    device.send({ type: 'listen', state: 'detect', text: '𠮷野家在哪里？' })
    const heard = await device.waitFor(({ type }) => type === 'stt')
    // Without the font that the device names there are no glyphs to send: it shows what its own has.
    expect(Object.keys(heard).sort()).toEqual(['at', 'session_id', 'text', 'type'])
    await device.close()
  })

  test('every version of the frames goes down as it came up', async () => {
    for (const framing of [1, 2, 3] as const) {
      const device = await talkingDevice(app, { framing })
      const raw: Buffer[] = []
      device.webSocket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) raw.push(data)
      })
      device.send({ type: 'listen', state: 'detect', text: '你好吗？' })
      await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
      expect(raw.length).toBeGreaterThan(3)
      const frames = raw.map(data => decodeFrame(framing, data))
      for (const frame of frames) expect(frame?.payload.length).toBeGreaterThan(2)
      if (framing === 2) expect(frames.map(frame => frame?.timestamp)).toEqual(frames.map((_, i) => i * 60))
      await device.close()
    }
  })

  test('sound that is no Opus is told of', async () => {
    const device = await talkingDevice(app, {
      hello: { audio_params: { format: 'pcm', sample_rate: 16_000 } },
    })
    await device.waitFor(isError('device_message.audio_unsupported'))
    await expectAlive(device)
    await device.close()
  })
})

describe('who comes in', () => {
  const refused = async (address: string, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(address, { headers })
    const [message] = (await once(socket, 'message')) as [Buffer]
    const [code] = (await once(socket, 'close')) as [number]
    return { code, message: JSON.parse(String(message)) as { type: string; code: string; detail: string } }
  }

  test('nobody without credentials, nor with those of another device', async () => {
    const owner = await signUp(app)
    const [mine, other] = [await claimedDevice(app, owner), await claimedDevice(app, owner)]
    const url = socketUrl(app)
    expect(await refused(url)).toMatchObject({
      code: 4001,
      message: { type: 'error', code: 'auth.required' },
    })
    const wrong: Record<string, string>[] = [
      { 'device-id': mine.mac, 'client-id': mine.client_id, authorization: `Bearer ${other.token}` },
      { 'device-id': mine.mac, 'client-id': other.client_id, authorization: `Bearer ${mine.token}` },
      { 'device-id': mine.mac, 'client-id': mine.client_id, authorization: 'Bearer nonsense' },
      { 'device-id': mine.mac, 'client-id': mine.client_id },
      { 'device-id': 'no mac', 'client-id': mine.client_id, authorization: `Bearer ${mine.token}` },
    ]
    for (const headers of wrong)
      expect(await refused(url, headers)).toMatchObject({
        code: 4001,
        message: { code: 'device_socket.refused' },
      })
    const stranger = await signUp(app)
    expect(await refused(`${url}?token=${stranger.access_token}&device-id=${mine.mac}`)).toMatchObject({
      message: { code: 'device_socket.refused' },
    })
  })

  test('a plain request is told to upgrade, and the messages have a schema', async () => {
    const plain = await app.fetch('/api/v1/devices/ws')
    expect(plain.status).toBe(426)
    const schema = (await (await app.fetch('/api/v1/devices/ws/schema')).json()) as Record<string, object>
    expect(Object.keys(schema)).toEqual(['up', 'down'])
    const words = JSON.stringify(schema)
    for (const type of ['hello', 'listen', 'chat', 'weather', 'control', 'music', 'dance', 'status'])
      expect(words).toContain(`"${type}"`)
  })

  test('a new connection takes the place of the old one, and a stranger with the MAC of another does not', async () => {
    const device = await talkingDevice(app)
    await refused(socketUrl(app), {
      'device-id': device.mac,
      'client-id': device.client_id,
      authorization: 'x',
    })
    await expectAlive(device)
    const second = await connectDevice({ ...device, url: socketUrl(app) })
    expect((await device.closed).code).toBe(4003)
    await expectAlive(second)
    // Many at once: in the end one is left, and the device counts as there.
    const crowd = await Promise.all(
      Array.from({ length: 6 }, () => connectDevice({ ...device, url: socketUrl(app), hello: null })),
    )
    await vi.waitFor(
      () =>
        expect(
          [second, ...crowd].filter(({ webSocket }) => webSocket.readyState === WebSocket.OPEN).length,
        ).toBe(1),
      20_000,
    )
    await vi.waitFor(
      async () =>
        expect((await call(`/devices/${device.id}`, device.owner)).body).toMatchObject({
          presence: { is_online: true },
        }),
      20_000,
    )
    for (const each of crowd) await each.close()
    await vi.waitFor(
      async () =>
        expect((await call(`/devices/${device.id}`, device.owner)).body).toMatchObject({
          presence: { is_online: false },
        }),
      20_000,
    )
  })

  test('a device that is given up loses its connection', async () => {
    const device = await talkingDevice(app)
    const gone = await app.fetch(`/api/v1/devices/devices/${device.id}`, {
      method: 'DELETE',
      headers: device.owner.headers,
    })
    expect(gone.ok).toBe(true)
    expect((await device.closed).code).toBe(4001)
  })

  test('whoever waits with the MAC of a device that nobody has goes when its owner comes', async () => {
    const owner = await signUp(app)
    const made = newDevice()
    const squatter = newDevice(made.mac)
    const { body } = await startUp(app, squatter)
    const waiting = await connectDevice({ ...squatter, token: body.websocket.token, url: socketUrl(app) })
    const device = await claimedDevice(app, owner, made)
    expect((await waiting.closed).code).toBe(4001)
    // The one that was claimed may stay where it is.
    const own = await connectDevice({ ...device, url: socketUrl(app) })
    const { status } = await callDevices(app, 'PATCH', `/devices/${device.id}`, owner, { name: 'Bear' })
    expect(status).toBe(200)
    await expectAlive(own)
    await own.close()
  })

  test('a member who leaves the family no longer speaks as its device', async () => {
    const [owner, member] = [await signUp(app), await signUp(app)]
    const device = await claimedDevice(app, owner)
    const { body } = await call(`/devices/${device.id}/offers`, owner, {
      kind: 'member',
      username: member.user.username,
    })
    await call(`/offers/${body.id}/accept`, member, {})
    const socket = await userSocket(app, member.access_token, `&device-id=${device.id}`)
    socket.send({ type: 'hello' })
    await socket.waitFor(({ type }) => type === 'hello')
    const path = `/devices/${device.id}/members/${member.user.id}`
    expect((await callDevices(app, 'DELETE', path, owner)).status).toBe(204)
    expect((await socket.closed).code).toBe(4001)
  })

  test('a device without an owner is told so, once it listens and not before', async () => {
    const made = newDevice()
    const { body } = await startUp(app, made)
    const device = await connectDevice({ ...made, token: body.websocket.token, url: socketUrl(app) })
    device.send({ type: 'listen', state: 'detect', text: '你好吗？' })
    await device.waitFor(({ type, message }) => type === 'alert' && String(message).includes('绑定'))
    await device.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start')
    device.send({ type: 'abort' })
    await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
    await device.close()
  })
})

test('lines are pinged, and one on which nothing comes back is given up', async () => {
  const [there, gone] = [await talkingDevice(app), await talkingDevice(app)]
  const isOnline = async ({ id, owner }: TestDevice) =>
    ((await call(`/devices/${id}`, owner)).body as { presence: { is_online: boolean } }).presence.is_online
  await vi.waitFor(async () => expect(await isOnline(gone)).toBe(true), 20_000)
  gone.webSocket.pause()
  // Nobody waits for a minute here: the clock of the process is put forward, less far than what counts as idle.
  // A minute that also renews who is there, which must not bring back the one that is given up.
  const real = performance.now.bind(performance)
  let ahead = 0
  const time = vi.spyOn(performance, 'now').mockImplementation(() => real() + ahead)
  try {
    for (let round = 0; round < 2; round++) {
      const pinged = once(there.webSocket, 'ping')
      ahead += 31_000
      await pinged
    }
    await vi.waitFor(async () => expect(await isOnline(gone)).toBe(false), 20_000)
    await expectAlive(there)
    await there.close()
  } finally {
    time.mockRestore()
    gone.webSocket.terminate()
  }
})

describe('time limits', () => {
  let quick: ChatApp
  beforeAll(async () => {
    quick = await startTalkApp({ settings: { DEVICES_HELLO_SECONDS: '4', DEVICES_IDLE_SECONDS: '5' } })
  })
  afterAll(() => quick.stop())

  test('a greeting that never comes ends the connection with a reason', async () => {
    const owner = await signUp(quick)
    const device = await claimedDevice(quick, owner)
    const silent = await connectDevice({ ...device, url: socketUrl(quick), hello: null })
    expect((await silent.closed).code).toBe(4002)
    expect(silent.messages.some(isError('device_socket.hello_missing'))).toBe(true)
  })

  test('an open microphone in silence is idle; who pings is not', async () => {
    const owner = await signUp(quick)
    const idle = await talkingDevice(quick, { owner })
    const pinging = await talkingDevice(quick, { owner })
    idle.send({ type: 'listen', state: 'start', mode: 'auto' })
    const noise = setInterval(
      () => idle.webSocket.readyState === WebSocket.OPEN && idle.sendAudio(Uint8Array.of(0xd8, 0xff, 0xfe)),
      60,
    )
    const pings = setInterval(() => pinging.send({ type: 'ping' }), 500)
    expect(await idle.closed).toMatchObject({ code: 1000, reason: 'Idle' })
    clearInterval(noise)
    await expectAlive(pinging)
    clearInterval(pings)
    await pinging.close()
  })
})
