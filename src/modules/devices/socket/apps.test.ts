import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { answerSteps } from '#core/testing/fake-openai.ts'
import { asksForAnswer, type ChatApp } from '#modules/chat/testing.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import { connectDevice } from '../simulator/device.ts'
import { callDevices, claimedDevice } from '../testing.ts'
import { DownMessage, UpMessage } from './messages.ts'
import { expectAlive, isError, socketUrl, startTalkApp, talkingDevice, userSocket } from './talk.testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps('Fine.') }) })
})
afterAll(() => app.stop())
const call = (path: string, who: Pick<TestUser, 'headers'>, body?: object) =>
  callDevices<Record<string, unknown>>(app, body ? 'POST' : 'GET', path, who, body)

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
  for (const firmware_version of ['1.2.3', ''])
    simple.send({ type: 'status', request_id: `version ${firmware_version}`, firmware_version })
  await simple.waitFor(({ request_id }) => request_id === 'version ')
  expect((await call(`/devices/${device.id}`, owner)).body).toMatchObject({
    presence: { firmware_version: '1.2.3' },
  })
  await simple.close()
})

test('what a device reports counts in the order in which it said it', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const simple = await connectDevice({ ...device, url: socketUrl(app), hello: null })
  const last = 40
  // Some take longer than others, since they say more.
  for (let n = 0; n <= last; n++)
    simple.send({ type: 'status', request_id: n, state: { n }, ...(n % 2 ? {} : { battery: n }) })
  for (let n = 0; n <= last; n++) await simple.waitFor(({ request_id }) => request_id === n)
  expect((await call(`/devices/${device.id}/state`, owner)).body).toMatchObject({ reported: { n: last } })
  const answers = simple.messages.filter(({ type }) => type === 'status')
  expect(answers.map(({ request_id }) => request_id)).toEqual(answers.map((_, n) => n))
  for (let n = 0; n <= last; n++)
    simple.send({ type: 'iot', update: true, states: [{ name: 'Lamp', state: { n } }] })
  simple.send({ type: 'status', request_id: 'end' })
  expect(await simple.waitFor(({ request_id }) => request_id === 'end')).toMatchObject({
    reported: { Lamp: { n: last } },
  })
  await simple.close()
})

test('what is asked next on a connection belongs to what was asked before', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const connections = [
    await connectDevice({ ...device, url: socketUrl(app), hello: null }),
    await userSocket(app, owner.access_token),
  ]
  for (const [index, socket] of connections.entries()) {
    for (const request_id of [1, 2]) {
      socket.send({ type: 'chat', request_id, text: `Question ${index}.${request_id}` })
      await socket.waitFor(message => message.state === 'done' && message.request_id === request_id)
    }
    const asked = app.upstream.requests
      .filter(asksForAnswer)
      .map(({ body }) => JSON.stringify(body?.messages))
    const last = asked.findLast(messages => messages?.includes(`Question ${index}.2`))
    expect(last).toContain(`Question ${index}.1`)
    await socket.close()
  }
})

test('an app commands and sees the devices of its user, and nobody else’s', async () => {
  const device = await talkingDevice(app)
  const [mine, theirs] = [
    await userSocket(app, device.owner.access_token),
    await userSocket(app, (await signUp(app)).access_token),
  ]
  const command = { kind: 'alert', status: 'Hi', message: 'from the app', emotion: 'happy' }
  mine.send({ type: 'control', request_id: 1, device_id: device.id, command })
  expect(await mine.waitFor(({ type }) => type === 'control')).toMatchObject({
    request_id: 1,
    status: 'queued',
  })
  await device.waitFor(({ type, message }) => type === 'alert' && message === 'from the app')
  // It is noted as there beside its greeting, not before it.
  await vi.waitFor(async () => {
    const from = mine.messages.length
    mine.send({ type: 'status', device_id: device.id })
    const status = await mine.waitFor(({ type }) => type === 'status', { from })
    expect(status).toMatchObject({ is_online: true })
  }, 20_000)

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
  other.send({ type: 'control', status: 'done' })
  expect((await other.waitFor(isError('device_message.invalid'))).detail).toContain('command_id')
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
  const socket = await userSocket(app, owner.access_token, `&device-id=${device.id}`)
  socket.send({ type: 'hello' })
  socket.send({ type: 'chat', text: 'Hello?' })
  await socket.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
  await socket.close()
})

test('what is not set up says so', async () => {
  const user = await userSocket(app, (await signUp(app)).access_token)
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
