import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { connectDevice, mcpWith } from '../simulator/device.ts'
import { callDevices, claimedDevice } from '../testing.ts'
import { socketUrl, startTalkApp, talkingDevice } from './talk.testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps('Fine.') }) })
})
afterAll(() => app.stop())
const call = (path: string, who: Pick<TestUser, 'headers'>, body?: object) =>
  callDevices<Record<string, unknown>>(app, body ? 'POST' : 'GET', path, who, body)

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
  await connected.waitFor(({ type, payload }) => type === 'custom' && JSON.stringify(payload).includes('red'))
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

test('tools come in pages; notifications and answers to nothing are passed over', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const listed: unknown[] = []
  const answer = mcpWith([], name => `did ${name}`)
  const connected = await connectDevice({
    ...device,
    url: socketUrl(app),
    mcp(method, params) {
      if (method !== 'tools/list') return answer(method, params)
      listed.push(params)
      const number = listed.length
      const tools = [{ name: `self.page.${number}`, description: '', inputSchema: { type: 'object' } }]
      return { tools, ...(number < 3 ? { nextCursor: `page ${number + 1}` } : {}) }
    },
  })
  for (const payload of [
    { jsonrpc: '2.0', method: 'notifications/state_changed', params: {} },
    { jsonrpc: '2.0', id: 4711, result: {} },
    { jsonrpc: '2.0', id: 'one', result: {} },
    { jsonrpc: '2.0', id: null, error: { message: 'Parse error' } },
    {},
  ])
    connected.send({ type: 'mcp', payload })
  await vi.waitFor(() => expect(listed).toHaveLength(3), 20_000)
  expect(listed).toEqual(['', 'page 2', 'page 3'].map(cursor => ({ cursor, withUserTools: false })))
  const command = { kind: 'tool', tool: 'self.page.3', arguments: {} }
  await call(`/devices/${device.id}/commands`, owner, { command })
  await vi.waitFor(
    async () =>
      expect((await call(`/devices/${device.id}/commands`, owner)).body).toMatchObject({
        items: [{ state: 'done', result: { text: 'did self.page.3' } }],
      }),
    20_000,
  )
  const ids = connected.messages.flatMap(({ payload }) => (payload as { id?: unknown } | undefined)?.id ?? [])
  for (const id of ids) expect(id).toBeTypeOf('number')
  expect(connected.messages.some(({ type }) => type === 'error')).toBe(false)
  await connected.close()
})

test('what is taken back while the device is busy with something else does not reach it', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const { promise: released, resolve: release } = Promise.withResolvers<string>()
  const { promise: isBusy, resolve: begin } = Promise.withResolvers<void>()
  const queue = (command: object) => call(`/devices/${device.id}/commands`, owner, { command })
  await queue({ kind: 'tool', tool: 'self.slow', arguments: {} })
  const { body } = await queue({ kind: 'custom', payload: { light: 'red' } })
  await queue({ kind: 'custom', payload: { light: 'green' } })
  const connected = await connectDevice({
    ...device,
    url: socketUrl(app),
    mcp: mcpWith([{ name: 'self.slow' }], () => {
      begin()
      return released
    }),
  })
  await isBusy
  expect((await callDevices(app, 'DELETE', `/commands/${body.id}`, owner)).status).toBe(204)
  release('done')
  await connected.waitFor(
    ({ type, payload }) => type === 'custom' && JSON.stringify(payload).includes('green'),
  )
  expect(JSON.stringify(connected.messages)).not.toContain('red')
  await connected.close()
})

const longText = '从前有座山，山里有座庙，庙里有个老和尚在讲故事。'.repeat(8)

test('other commands do not wait until a device has finished speaking, but a restart does', async () => {
  const device = await talkingDevice(app)
  const queue = (command: object) => call(`/devices/${device.id}/commands`, device.owner, { command })
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  await queue({ kind: 'say', text: longText })
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start')
  await queue({ kind: 'reboot' })
  await queue({ kind: 'custom', payload: { volume: 10 } })
  await device.waitFor(({ type }) => type === 'custom')
  expect(device.messages.some(({ type, state }) => type === 'tts' && state === 'stop')).toBe(false)
  device.send({ type: 'abort' })
  await device.waitFor(({ type }) => type === 'system')
  const kinds = device.messages.map(({ type, state }) => [type, state].join(' '))
  expect(kinds.indexOf('tts stop')).toBeLessThan(kinds.indexOf('system '))
  await device.close()
})

test('a device that left before it had spoken is given the words again', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  await call(`/devices/${device.id}/commands`, owner, { command: { kind: 'say', text: longText } })
  const listening = async () => {
    const connected = await connectDevice({ ...device, url: socketUrl(app) })
    connected.send({ type: 'listen', state: 'start', mode: 'auto' })
    await connected.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start')
    return connected
  }
  const first = await listening()
  first.webSocket.terminate()
  await first.closed
  const second = await listening()
  await second.close()
})
