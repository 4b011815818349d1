import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { createDoor } from './door.ts'

test('a device that left before its arrival was noted does not count as there', async () => {
  const noted: (boolean | undefined)[] = []
  const { promise: mayBeNoted, resolve: noteArrival } = Promise.withResolvers<void>()
  const nothing = () => undefined
  const door = createDoor({
    registry: {
      authenticateDevice: async () => ({
        device_id: newId(),
        type_id: newId(),
        binding_id: null,
        user_id: null,
        bot_id: null,
      }),
      async touch(_, { is_online } = {}) {
        if (is_online) await mayBeNoted
        noted.push(is_online)
      },
      keepOnline: async () => undefined,
    },
    identity: { authenticateUpgrade: async () => null },
    deviceOfUser: async () => null,
    arrivalOf: () => ({ ip: '', origin: '' }),
    realtime: {
      subscribe: async () => ({ position: '', recovered: false, close: nothing }),
      publish: async () => undefined,
      connections: { add: () => nothing, count: () => 0, obey: nothing, dropped: nothing, stop: nothing },
    },
    log: silentLog,
    metrics: createMetrics(),
    settings: { DEVICES_HELLO_SECONDS: 60, DEVICES_IDLE_SECONDS: 60, DEVICES_MAX_CONNECTIONS: 1 },
    handlers: { onHello: nothing, onMessage: nothing, onUnexpected: nothing, count: nothing },
    onNews: nothing,
    onClose: nothing,
    isBusy: () => false,
  })
  const server = createServer().on('upgrade', (request, socket, head) => {
    void door.open(request, socket, head, new URL(request.url ?? '', 'http://localhost'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const device = new WebSocket(`ws://127.0.0.1:${port}/?device-id=02:00:00:00:00:01&client-id=c&token=t`)
  await once(device, 'open')
  expect(door.size).toBe(1)
  device.close()
  await vi.waitFor(() => expect(door.size).toBe(0), 20_000)
  noteArrival()
  await door.stop?.()
  expect(noted).toEqual([true, false])
  server.close()
})
