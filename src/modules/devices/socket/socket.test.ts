import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp } from '#modules/identity/testing.ts'
import { connectDevice, mcpWith, type Received } from '../simulator/device.ts'
import { claimedDevice, newDevice, startUp } from '../testing.ts'
import { decodeFrame } from './framing.ts'
import { DownMessage, UpMessage } from './messages.ts'
import { socketUrl, startTalkApp, type TestDevice, talkingDevice } from './talk.testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps('Fine.') }) })
})
afterAll(() => app.stop())

const call = async (path: string, who: { headers: Record<string, string> }, body?: object) => {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const isError =
  (code: string) =>
  ({ type, code: told }: Received) =>
    type === 'error' && told === code
/** Still there, and understood. */
const expectAlive = async (device: Pick<TestDevice, 'send' | 'waitFor' | 'messages'>) => {
  const from = device.messages.length
  device.send({ type: 'ping' })
  await device.waitFor(({ type }) => type === 'pong', { from })
}

/** An app of a user: a socket with a user token and no device. */
async function userSocket(token: string, query = '') {
  return connectDevice({
    url: `${socketUrl(app)}?token=${token}${query}`,
    token: '',
    mac: '',
    client_id: '',
    hello: null,
    credentials: 'address',
  })
}

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

describe('bad input', () => {
  test('what cannot be understood closes nothing', async () => {
    const device = await talkingDevice(app, { framing: 2 })
    const bad = [
      '{"type":"listen","state"',
      'null',
      '[]',
      '"hello"',
      '{"type":"listen","state":"dance"}',
      '{"type":"unheard-of"}',
      '{}',
      '{"type":"chat","text":"a\\u0000b"}',
      '{"type":"mcp","payload":7}',
      '{"__proto__":{"type":"abort"}}',
      `${'['.repeat(20_000)}`,
    ]
    for (const text of bad) device.webSocket.send(text)
    for (const bytes of [
      '',
      '00',
      '0002',
      '000200000000000000000000000000ff01',
      'ffff0000000000000000000000000001aa',
    ])
      device.webSocket.send(Buffer.from(bytes, 'hex'), { binary: true })
    await device.waitFor(isError('device_message.invalid'))
    await expectAlive(device)
    device.send({ type: 'listen', state: 'start', mode: 'auto' })
    for (let i = 0; i < 30; i++)
      device.sendAudio(Uint8Array.from({ length: 1 + i * 7 }, () => Math.random() * 256))
    device.sendAudio(Uint8Array.of(0xf8))
    await expectAlive(device)
    await device.close()
  })

  test('messages that are too large are refused with an error; far too large ones end the connection', async () => {
    const device = await talkingDevice(app)
    device.webSocket.send(JSON.stringify({ type: 'ping', padding: 'x'.repeat(70_000) }))
    const told = await device.waitFor(isError('device_message.too_large'))
    expect(told.detail).toContain('65536')
    await expectAlive(device)
    await vi.waitFor(async () => {
      const from = device.messages.length
      device.webSocket.send(Buffer.alloc(9000), { binary: true })
      await device.waitFor(isError('device_message.too_large'), { from, timeout_ms: 2000 })
    }, 20_000)
    await expectAlive(device)
    device.webSocket.send(Buffer.alloc(300_000), { binary: true })
    expect((await device.closed).code).toBe(1009)
  })

  test('a flood is slowed down, then ended', async () => {
    const device = await talkingDevice(app)
    for (let i = 0; i < 600; i++) device.webSocket.send('{"type":"ping"}')
    await device.waitFor(isError('device_message.too_many'))
    for (let i = 0; i < 8000; i++) device.webSocket.send('{"type":"ping"}')
    expect((await device.closed).code).toBe(1008)
  })

  test('session ids mean nothing: a message belongs to its socket', async () => {
    const [mine, other] = await Promise.all([talkingDevice(app), talkingDevice(app)])
    const theirs = other.messages[0]?.session_id
    mine.send({ session_id: theirs, type: 'listen', state: 'detect', text: '在吗？' })
    await mine.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
    expect(other.messages.filter(({ type }) => type === 'stt' || type === 'tts')).toEqual([])
    mine.send({ session_id: '', type: 'abort' })
    await expectAlive(other)
    await Promise.all([mine.close(), other.close()])
  })
})

describe('tools and commands', () => {
  const tools = [
    { name: 'self.get_device_status' },
    {
      name: 'self.audio_speaker.set_volume',
      description: 'Sets the volume',
      inputSchema: { type: 'object', properties: { volume: { type: 'integer' } } },
    },
    { name: 'self.reboot' },
    { name: 'self.secret', annotations: { audience: ['user'] } },
  ]

  test('a device says what it can do and how it is; commands wait for it, and are acknowledged', async () => {
    const owner = await signUp(app)
    const device = await claimedDevice(app, owner)
    const queue = (command: object) => call(`/devices/${device.id}/commands`, owner, { command })
    const volume = await queue({
      kind: 'tool',
      tool: 'self.audio_speaker.set_volume',
      arguments: { volume: 30 },
    })
    expect(volume.body).toMatchObject({ state: 'queued' })
    await queue({ kind: 'tool', tool: 'self.nothing', arguments: {} })
    await queue({ kind: 'alert', status: 'Hi', message: 'There', emotion: 'happy' })
    await queue({ kind: 'reboot' })
    await queue({ kind: 'say', text: '吃饭啦' })
    const calls: unknown[] = []
    const connected = await connectDevice({
      ...device,
      url: socketUrl(app),
      mcp: mcpWith(tools, (name, args) => {
        calls.push([name, args])
        if (name === 'self.get_device_status') return '{"battery":{"level":77},"audio_speaker":{"volume":30}}'
        return name === 'self.nothing' ? new Error('Unknown tool: self.nothing') : 'true'
      }),
    })
    await connected.waitFor(({ type, command }) => type === 'system' && command === 'reboot')
    expect(connected.messages.find(({ type }) => type === 'alert')).toMatchObject({ message: 'There' })
    expect(calls).toContainEqual(['self.audio_speaker.set_volume', { volume: 30 }])
    // Nobody is spoken to who has not listened yet.
    expect(connected.messages.filter(({ type }) => type === 'tts')).toEqual([])
    connected.send({ type: 'listen', state: 'start', mode: 'auto' })
    await connected.waitFor(({ type, text }) => type === 'tts' && text === '吃饭啦')
    await vi.waitFor(async () => {
      const { body } = await call(`/devices/${device.id}/commands`, owner)
      const states = (body.items as { command: { kind: string; tool?: string }; state: string }[]).map(
        ({ command, state }) => [command.tool ?? command.kind, state],
      )
      expect(Object.fromEntries(states)).toEqual({
        'self.audio_speaker.set_volume': 'done',
        'self.nothing': 'failed',
        alert: 'done',
        reboot: 'done',
        say: 'done',
      })
    }, 20_000)
    await vi.waitFor(async () => {
      expect((await call(`/devices/${device.id}/state`, owner)).body).toMatchObject({
        reported: { audio_speaker: { volume: 30 } },
      })
      expect((await call(`/devices/${device.id}`, owner)).body).toMatchObject({ presence: { battery: 77 } })
    }, 20_000)
    // One that is there hears at once.
    await queue({ kind: 'custom', payload: { light: 'red' } })
    await connected.waitFor(
      ({ type, payload }) => type === 'custom' && JSON.stringify(payload).includes('red'),
    )
    await connected.close()
  })

  test('the model gets the tools under names that it can use, without those for the owner’s hand', async () => {
    const calls: unknown[] = []
    const device = await talkingDevice(app, {
      mcp: mcpWith(tools, (name, args) => {
        calls.push([name, args])
        return '{}'
      }),
    })
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(0), 20_000)
    app.upstream.requests.length = 0
    device.send({ type: 'listen', state: 'detect', text: '小声一点' })
    await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
    const asked = app.upstream.requests.find(({ body }) => body?.tools)
    const names = ((asked?.body?.tools ?? []) as { function: { name: string } }[]).map(
      tool => tool.function.name,
    )
    expect(names).toContain('self_audio_speaker_set_volume')
    expect(names).toContain('self_get_device_status')
    expect(names.join()).not.toMatch(/reboot|secret/)
    await device.close()
  })

  test('things of old firmware are tools too, and their states are kept', async () => {
    const device = await talkingDevice(app)
    device.send({
      type: 'iot',
      update: true,
      descriptors: [
        {
          name: 'Speaker',
          description: 'loudspeaker',
          properties: { volume: { type: 'number' } },
          methods: { SetVolume: { description: 'set', parameters: { volume: { type: 'number' } } } },
        },
      ],
    })
    device.send({ type: 'iot', update: true, states: [{ name: 'Speaker', state: { volume: 40 } }] })
    await vi.waitFor(
      async () =>
        expect((await call(`/devices/${device.id}/state`, device.owner)).body).toMatchObject({
          reported: { Speaker: { volume: 40 } },
        }),
      20_000,
    )
    await call(`/devices/${device.id}/commands`, device.owner, {
      command: { kind: 'tool', tool: 'Speaker.SetVolume', arguments: { volume: 50 } },
    })
    expect((await device.waitFor(({ type }) => type === 'iot')).commands).toEqual([
      { name: 'Speaker', method: 'SetVolume', parameters: { volume: 50 } },
    ])
    await device.close()
  })
})

describe('plain messages', () => {
  test('a simple device chats in text, obeys, and reports', async () => {
    const owner = await signUp(app)
    const device = await claimedDevice(app, owner)
    const simple = await connectDevice({ ...device, url: socketUrl(app), hello: null })
    simple.send({ type: 'chat', request_id: 7, text: 'How are you?' })
    await simple.waitFor(
      ({ type, state, request_id }) => type === 'chat' && state === 'done' && request_id === 7,
    )
    const text = simple.messages.filter(({ type }) => type === 'chat').map(part => part.text)
    expect(text.join('')).toBe('Fine.')
    const { body } = await call(`/devices/${device.id}/commands`, owner, {
      command: { kind: 'custom', payload: { dance: 1 } },
    })
    const told = await simple.waitFor(({ type }) => type === 'control')
    expect(told).toMatchObject({ command_id: body.id, command: { kind: 'custom' } })
    simple.send({ type: 'control', command_id: body.id, status: 'done', result: 'danced' })
    await vi.waitFor(
      async () =>
        expect((await call(`/devices/${device.id}/commands`, owner)).body).toMatchObject({
          items: [{ state: 'done', result: { result: 'danced' } }],
        }),
      20_000,
    )
    simple.send({ type: 'status', request_id: 'a', state: { lamp: 'on' }, battery: 50 })
    expect(
      await simple.waitFor(({ type, request_id }) => type === 'status' && request_id === 'a'),
    ).toMatchObject({
      request_id: 'a',
      device_id: device.id,
      reported: { lamp: 'on' },
    })
    await simple.close()
  })

  test('an app commands and sees the devices of its user, and nobody else’s', async () => {
    const device = await talkingDevice(app)
    const [mine, theirs] = [
      await userSocket(device.owner.access_token),
      await userSocket((await signUp(app)).access_token),
    ]
    const command = { kind: 'alert', status: 'Hi', message: 'from the app', emotion: 'happy' }
    mine.send({ type: 'control', request_id: 1, device_id: device.id, command })
    expect(await mine.waitFor(({ type }) => type === 'control')).toMatchObject({
      request_id: 1,
      status: 'queued',
    })
    await device.waitFor(({ type, message }) => type === 'alert' && message === 'from the app')
    mine.send({ type: 'status', device_id: device.id })
    expect(await mine.waitFor(({ type }) => type === 'status')).toMatchObject({ is_online: true })

    const before = device.messages.length
    const attempts = [
      { type: 'control', device_id: device.id, command },
      { type: 'status', device_id: device.id },
      { type: 'music', action: 'play', id: '1', device_id: device.id },
      { type: 'dance', action: 'play', id: '1', device_id: device.id },
    ]
    for (const [request_id, attempt] of attempts.entries()) {
      theirs.send({ ...attempt, request_id })
      expect(await theirs.waitFor(message => message.request_id === request_id)).toMatchObject({
        type: 'error',
        code: 'device.not_found',
      })
    }
    // What is a device's to say is nothing to an app, be it its owner's.
    for (const socket of [theirs, mine]) {
      socket.send({ type: 'listen', state: 'start', mode: 'auto' })
      await socket.waitFor(isError('device_message.not_a_device'))
    }
    theirs.send({
      type: 'control',
      command_id: '01a1fe44-e4c4-742f-aa9e-075b6ee1c17a',
      status: 'done',
      request_id: 'x',
    })
    await theirs.waitFor(({ request_id, type }) => request_id === 'x' && type === 'error')
    expect(device.messages.slice(before)).toEqual([])
    await Promise.all([mine.close(), theirs.close(), device.close()])
  })

  test('a device cannot acknowledge a command of another', async () => {
    const owner = await signUp(app)
    const [mine, other] = [await claimedDevice(app, owner), await talkingDevice(app)]
    const { body } = await call(`/devices/${mine.id}/commands`, owner, { command: { kind: 'reboot' } })
    other.send({ type: 'control', command_id: body.id, status: 'done' })
    await expectAlive(other)
    other.send({ type: 'status', device_id: mine.id, state: { stolen: true }, request_id: 's' })
    await other.waitFor(({ request_id, type }) => request_id === 's' && type === 'error')
    expect((await call(`/devices/${mine.id}/commands`, owner)).body).toMatchObject({
      items: [{ state: 'queued' }],
    })
    expect((await call(`/devices/${mine.id}/state`, owner)).body).toMatchObject({ reported: {} })
    await other.close()
  })

  test('a user token with a device of the user speaks as that device', async () => {
    const owner = await signUp(app)
    const device = await claimedDevice(app, owner)
    const socket = await userSocket(owner.access_token, `&device-id=${device.id}`)
    socket.send({ type: 'hello' })
    socket.send({ type: 'chat', text: 'Hello?' })
    await socket.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
    await socket.close()
  })

  test('what is not set up says so', async () => {
    const user = await userSocket((await signUp(app)).access_token)
    user.send({ type: 'weather', request_id: 'w' })
    const answer = await user.waitFor(({ request_id }) => request_id === 'w')
    expect(['error', 'weather']).toContain(answer.type)
    await user.close()
  })

  test('all that went down fits the published schema', async () => {
    const device = await talkingDevice(app)
    device.send({ type: 'listen', state: 'detect', text: '你好吗' })
    await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
    device.webSocket.send('nonsense')
    device.send({ type: 'ping' })
    await device.waitFor(({ type }) => type === 'pong')
    for (const { at: _, ...message } of device.messages) expect(DownMessage.parse(message)).toBeTruthy()
    expect(UpMessage.safeParse({ type: 'listen', state: 'start', mode: 'auto', extra: 1 }).success).toBe(true)
    await device.close()
  })
})

describe('time limits', () => {
  let quick: ChatApp
  beforeAll(async () => {
    quick = await startTalkApp({ settings: { DEVICES_HELLO_SECONDS: '2', DEVICES_IDLE_SECONDS: '5' } })
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
