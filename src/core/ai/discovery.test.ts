import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { silentLog } from '#core/log.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { pause, startFakeServer } from '#core/testing/fake-server.ts'
import { createDiscovery } from './discovery.ts'
import { createGateway, type Gateway } from './gateway.ts'
import type { Target } from './types.ts'

let gateway: Gateway
let server: FakeServer
let target: Target

beforeAll(async () => {
  gateway = createGateway({ log: silentLog, clock: systemClock })
  server = await startFakeServer(async (_, response) => {
    await pause(response, 100)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ data: [{ id: 'one' }, { id: 'two' }] }))
  })
  target = {
    provider_id: 'p',
    provider_kind: 'openai',
    base_url: `${server.url}/v1`,
    keys: [],
    upstream_model: '',
    echo_reasoning: false,
    weight: 1,
  }
})
afterAll(async () => {
  await gateway.stop()
  await server.stop()
})

test('all who come before the first answer wait for it, and it is asked for once', async () => {
  const discovery = createDiscovery({ gateway, clock: systemClock, log: silentLog })
  const seen = await Promise.all(
    Array.from({ length: 5 }, async () => {
      await discovery.ensure([target])
      return discovery.modelsOf(target)
    }),
  )
  for (const models of seen) expect(models).toEqual(['one', 'two'])
  expect(server.requests).toHaveLength(1)
})

test('a server that is not there has no models', async () => {
  const discovery = createDiscovery({ gateway, clock: systemClock, log: silentLog })
  const nobody = { ...target, base_url: 'http://127.0.0.1:1/v1' }
  await discovery.ensure([nobody])
  expect(discovery.modelsOf(nobody)).toEqual([])
})
