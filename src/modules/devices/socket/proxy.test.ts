import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signUp } from '#modules/identity/testing.ts'
import type { DevicesTables } from '../tables.ts'
import { claimedDevice } from '../testing.ts'
import { socketUrl, startTalkApp } from './talk.testing.ts'

/** What the device of a new user is told of where to send pictures, and where it is said to be. */
async function connected(app: ChatApp, headers: Record<string, string>) {
  const device = await claimedDevice(app, await signUp(app))
  const socket = new WebSocket(socketUrl(app), {
    headers: {
      ...headers,
      authorization: `Bearer ${device.token}`,
      'device-id': device.mac,
      'client-id': device.client_id,
    },
  })
  const initialized = new Promise<string>(resolve =>
    socket.on('message', data => {
      const { payload } = JSON.parse(String(data)) as {
        payload?: { method: string; params: { capabilities: { vision: { url: string } } } }
      }
      if (payload?.method === 'initialize') resolve(payload.params.capabilities.vision.url)
    }),
  )
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'hello', features: { mcp: true } }))
  const url = await initialized
  const ip = await vi.waitFor(async () => {
    const row = await app.core.db
      .withTables<DevicesTables>()
      .primary.selectFrom('devices_device')
      .select(['last_ip', 'online_until'])
      .where('id', '=', device.id)
      .executeTakeFirstOrThrow()
    expect(row.online_until).not.toBeNull()
    return row.last_ip
  }, 20_000)
  socket.close()
  await once(socket, 'close')
  return { url, ip }
}

const told = {
  host: 'inside:8080',
  'x-forwarded-for': '198.51.100.9, 203.0.113.7',
  'x-forwarded-host': 'ai.example.com',
  'x-forwarded-proto': 'https',
}

let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ settings: { TRUSTED_PROXIES: '127.0.0.1' } })
})
afterAll(() => app.stop())

test('a trusted proxy says where a device is, and under which address it came', async () => {
  const known = { url: 'https://ai.example.com/api/v1/devices/vision', ip: '203.0.113.7' }
  expect(await connected(app, told)).toEqual(known)
  // Some say the scheme of the socket.
  expect(await connected(app, { ...told, 'x-forwarded-proto': 'wss' })).toEqual(known)
})

test('anybody else is not believed', async () => {
  const open = await startTalkApp()
  expect(await connected(open, told)).toEqual({
    url: 'http://inside:8080/api/v1/devices/vision',
    ip: '127.0.0.1',
  })
  await open.stop()
}, 120_000)
