import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp } from '#modules/identity/testing.ts'
import { connectDevice } from '../simulator/device.ts'
import { claimedDevice } from '../testing.ts'
import { expectAlive, isError, socketUrl, startTalkApp, talkingDevice } from './talk.testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps('Fine.') }) })
})
afterAll(() => app.stop())

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

test('what is wrong with a message is told in the language of its sender', async () => {
  const device = await talkingDevice(app)
  device.webSocket.send('{"type":"listen","state":"dance"}')
  const { detail } = await device.waitFor(isError('device_message.invalid'))
  expect(detail).toBe('无法识别这条消息（state），已忽略。应为以下之一：start、stop、detect。')
  await device.close()
})

test('text that cannot be kept is told of by its own name, and a reason that is null is none', async () => {
  const device = await talkingDevice(app)
  device.webSocket.send('{"type":"abort","reason":null}')
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
  expect(device.messages.some(isError('device_message.invalid'))).toBe(false)
  for (const [sign, name] of [
    ['\\ud83d', 'U+D83D'],
    ['\\\\ud83d\\udc00', 'U+DC00'],
    ['\\u0000', 'U+0000'],
  ]) {
    const from = device.messages.length
    // Errors are told of twice a second at most. One of the sign before may still come.
    await vi.waitFor(() => {
      device.webSocket.send(`{"type":"chat","text":"a${sign}b"}`)
      const told = device.messages.slice(from).filter(isError('device_message.invalid'))
      expect(told.map(({ detail }) => detail)).toContainEqual(expect.stringContaining(name ?? '-'))
    }, 20_000)
  }
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
  // Pages that have not stored theirs say null.
  mine.send({ session_id: null, type: 'listen', state: 'detect', text: '还在吗？' })
  await mine.waitFor(({ type, text }) => type === 'stt' && text === '还在吗？')
  expect(mine.messages.some(isError('device_message.invalid'))).toBe(false)
  await Promise.all([mine.close(), other.close()])
})

test('a greeting that cannot be understood is told of, and the next one is taken', async () => {
  const device = await claimedDevice(app, await signUp(app))
  const socket = await connectDevice({ ...device, url: socketUrl(app), hello: null })
  const tries: [message: string, code: string][] = [
    ['{"type":"hello","version":4}', 'device_message.invalid'],
    ['{"type":"hello","audio_params":{"sample_rate":44100}}', 'device_message.invalid'],
    ['{"type":"hello","features":[]}', 'device_message.invalid'],
    ['{"type":"hello","version":1,}', 'device_message.invalid'],
    ['{"type":"listen","state":"start","mode":"auto"}', 'device_message.hello_first'],
  ]
  for (const [message, code] of tries) {
    const from = socket.messages.length
    // Errors are told of twice a second at most.
    await vi.waitFor(() => {
      socket.webSocket.send(message)
      expect(socket.messages.slice(from).some(isError(code))).toBe(true)
    }, 20_000)
  }
  socket.send({ type: 'hello', version: 3, transport: 'websocket' })
  await socket.waitFor(({ type }) => type === 'hello')
  await expectAlive(socket)
  await socket.close()
})
