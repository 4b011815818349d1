import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { answerSteps, type FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp } from '#modules/identity/testing.ts'
import { connectDevice, mcpWith } from './simulator/device.ts'
import { socketUrl, startTalkApp } from './socket/talk.testing.ts'
import { callDevices, claimedDevice, newDevice, startUp, type TestDevice } from './testing.ts'

let app: ChatApp
/** A model that sees, and one that asks for a photo before it answers. */
const script: FakeOpenaiScript = ({ body }) => {
  const said = JSON.stringify(body?.messages)
  if (said.includes('"image_url"')) return { steps: answerSteps('A red cup.') }
  if (said.includes('Give the conversation')) return { steps: answerSteps('Cups') }
  if (said.includes('"role":"tool"') || !body?.tools) return { steps: answerSteps('那是一个红色的杯子。') }
  const tool = { id: 'c1', name: 'self_camera_take_photo', arguments: '{"question":"这是什么？"}' }
  return { steps: [{ tool_call: { index: 0, ...tool } }, { finish: 'tool_calls' }] }
}
beforeAll(async () => {
  app = await startTalkApp({ script })
})
afterAll(() => app.stop())

const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex')
type Answer = { success?: boolean; action?: string; response?: string; message?: string; code?: string }
type Credentials = TestDevice & { token: string }

const boundary = '----ESP32_CAMERA_BOUNDARY'
const formOf = (question: string | null, picture: Buffer | null) => [
  ...(question === null
    ? []
    : [`--${boundary}\r\nContent-Disposition: form-data; name="question"\r\n\r\n${question}\r\n`]),
  ...(picture === null
    ? []
    : [
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="camera.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
        picture,
        '\r\n',
      ]),
  `--${boundary}--\r\n`,
]

/** As cameras send it: in chunks, the question first. */
async function show(
  { mac, client_id, token }: Credentials,
  parts: readonly (string | Buffer)[],
  url = `${app.url}/api/v1/devices/vision`,
) {
  const upload = request(url, {
    method: 'POST',
    headers: {
      'device-id': mac,
      'client-id': client_id,
      authorization: `Bearer ${token}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'transfer-encoding': 'chunked',
    },
  })
  for (const part of parts) upload.write(part)
  upload.end()
  const [response] = (await once(upload, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) as Answer }
}

async function letOneModelSee() {
  const { id, provider_id, upstream_model } = await app.core.ai.modelFor(newId(), 'fake-2')
  await app.core.ai.models.update(id, { provider_id, upstream_model, capabilities: { vision: true } })
}

test('without a model that sees, the device is told so in the language of its owner', async () => {
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  const { status, body } = await show(device, formOf('What is it?', jpeg))
  expect([status, body.success]).toEqual([200, false])
  expect(body.message).toContain('No model here can see')
  await letOneModelSee()
  const seen = await show(device, formOf('What is it?', jpeg))
  expect(seen).toMatchObject({
    status: 200,
    headers: { 'content-type': expect.stringContaining('application/json') },
    body: { success: true, action: 'RESPONSE', response: 'A red cup.' },
  })
})

test('a device that takes a photo shows it where it was told to, and the answer is spoken', async () => {
  await letOneModelSee()
  const owner = await signUp(app)
  const device = await claimedDevice(app, owner)
  let vision = { url: '', token: '' }
  let isListed = false
  const answer = mcpWith([{ name: 'self.camera.take_photo' }], async (_, { question }) => {
    const form = formOf(String(question), jpeg)
    return JSON.stringify((await show({ ...device, token: vision.token }, form, vision.url)).body)
  })
  const connected = await connectDevice({
    ...device,
    url: socketUrl(app),
    mcp(method, params) {
      if (method === 'initialize') vision = (params.capabilities as { vision: typeof vision }).vision
      // What is said before the tools are known is answered without them.
      if (method === 'tools/list') isListed = true
      return answer(method, params)
    },
  })
  await vi.waitFor(() => expect(isListed).toBe(true), 20_000)
  expect(vision.url).toBe(`${app.url}/api/v1/devices/vision`)
  app.upstream.requests.length = 0
  connected.send({ type: 'listen', state: 'detect', text: '看看这是什么' })
  await connected.waitFor(({ type, text }) => type === 'tts' && text === '那是一个红色的杯子。')
  const asked = app.upstream.requests.map(({ body }) => ({
    model: body?.model,
    said: JSON.stringify(body?.messages),
  }))
  const look = asked.find(({ said }) => said.includes('image_url'))
  expect(look?.model).toBe('fake-2')
  expect(look?.said).toContain(`data:image/jpeg;base64,${jpeg.toString('base64')}`)
  expect(look?.said).toContain('这是什么？')
  expect(asked.find(({ said }) => said.includes('"role":"tool"'))?.said).toContain('A red cup.')
  const { rows } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM ai_ledger
    WHERE user_id = ${owner.user.id} AND feature = 'device_vision'`.execute(app.core.db.primary)
  expect(rows[0]?.n).toBe(1)
  await connected.close()
})

test('nobody else shows pictures in a device’s name, and a token that is void opens nothing', async () => {
  await letOneModelSee()
  const owner = await signUp(app)
  const [device, other] = [await claimedDevice(app, owner), await claimedDevice(app, owner)]
  const refused = { status: 401, body: { code: 'device_socket.refused' } }
  const form = formOf('What is it?', jpeg)
  for (const wrong of [
    { ...device, token: other.token },
    { ...device, client_id: other.client_id },
    { ...device, mac: other.mac },
    { ...device, mac: 'no mac' },
    { ...device, token: '' },
    { ...device, token: owner.access_token },
  ])
    expect(await show(wrong, form)).toMatchObject(refused)
  await callDevices(app, 'DELETE', `/devices/${device.id}`, owner)
  expect(await show(device, form)).toMatchObject(refused)
  // One that is nobody’s has nobody who would pay.
  const unowned = newDevice()
  const { token } = (await startUp(app, unowned)).body.websocket
  expect((await show({ ...unowned, token }, form)).body).toMatchObject({
    success: false,
    message: expect.stringContaining('绑定'),
  })
})

test('what is no picture, too large, or no form is refused', async () => {
  await letOneModelSee()
  const device = await claimedDevice(app, await signUp(app))
  const codeOf = async (...form: Parameters<typeof formOf>) => {
    const { status, body } = await show(device, formOf(...form))
    return [status, body.code]
  }
  expect(await codeOf('?', Buffer.from('GIF90a, or not'))).toEqual([415, 'device_vision.no_picture'])
  expect(await codeOf('?', Buffer.alloc(0))).toEqual([415, 'device_vision.no_picture'])
  expect(await codeOf('?', Buffer.concat([jpeg, Buffer.alloc(6_000_000)]))).toEqual([
    413,
    'device_vision.too_large',
  ])
  expect(await codeOf('?', null)).toEqual([400, 'upload.missing'])
  const plain = await app.fetch('/api/v1/devices/vision', { method: 'POST', body: 'text' })
  expect(plain.status).toBe(415)
  // Pictures without a question, and with one that no database would hold.
  for (const question of [null, '', 'a\0b', 'x'.repeat(50_000)])
    expect((await show(device, formOf(question, jpeg))).body).toMatchObject({ success: true })
})

test('a camera that shows pictures without end is slowed down, and pages may ask beforehand', async () => {
  const device = await claimedDevice(app, await signUp(app))
  const answers = []
  // What flows back meanwhile is let in too.
  do answers.push(await show(device, formOf('?', Buffer.from('no picture'))))
  while (answers.at(-1)?.status === 415)
  expect(answers.length).toBeGreaterThan(20)
  expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'rate.limited' } })
  const preflight = await app.fetch('/api/v1/devices/vision', {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:8006', 'access-control-request-method': 'POST' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization')
})
