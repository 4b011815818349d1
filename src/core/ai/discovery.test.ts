import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { silentLog } from '#core/log.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { startFakeServer } from '#core/testing/fake-server.ts'
import { createDiscovery } from './discovery.ts'
import { createGateway, type Gateway } from './gateway.ts'
import type { Target } from './types.ts'

let gateway: Gateway
let server: FakeServer
let target: Target
/** The server answers when the test says so. */
let answers: PromiseWithResolvers<void>

beforeAll(async () => {
  gateway = createGateway({ log: silentLog, clock: systemClock })
  server = await startFakeServer(async (_, response) => {
    await answers.promise
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

beforeEach(() => {
  answers = Promise.withResolvers()
  server.requests.length = 0
})

test('all who come before the first answer wait for it, and it is asked for once', async () => {
  const discovery = createDiscovery({ gateway, clock: systemClock, log: silentLog })
  answers.resolve()
  const seen = await Promise.all(
    Array.from({ length: 5 }, async () => {
      await discovery.ensure([target])
      return discovery.modelsOf(target)
    }),
  )
  for (const models of seen) expect(models).toEqual(['one', 'two'])
  expect(server.requests).toHaveLength(1)
})

test('nobody waits long for a server that is slow, whose models are there once it has answered', async () => {
  const discovery = createDiscovery({ gateway, clock: systemClock, log: silentLog })
  await discovery.ensure([target])
  expect(discovery.modelsOf(target)).toEqual([])
  const before = discovery.version()
  answers.resolve()
  await vi.waitFor(() => expect(discovery.modelsOf(target)).toEqual(['one', 'two']), 20_000)
  expect(discovery.version()).toBeGreaterThan(before)
  await discovery.ensure([target])
  expect(server.requests).toHaveLength(1)
})

test('a server that is not there has no models', async () => {
  const discovery = createDiscovery({ gateway, clock: systemClock, log: silentLog })
  const nobody = { ...target, base_url: 'http://127.0.0.1:1/v1' }
  await discovery.ensure([nobody])
  expect(discovery.modelsOf(nobody)).toEqual([])
})
