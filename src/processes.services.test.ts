import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { redisIsThere, startRedisServer, testRedisUrl } from '#core/redis.testing.ts'
import type { TestDatabase } from '#core/testing/database.ts'
import { createExternalDatabase, postgresIsThere } from '#core/testing/external-postgres.ts'
import { answerSteps, startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'
import { type ChatApp, chatClient, signUpForChat, startChatApp } from '#modules/chat/testing.ts'
import { connectDevice } from '#modules/devices/simulator/device.ts'
import { claimedDevice } from '#modules/devices/testing.ts'

// Most start several servers.
vi.setConfig({ testTimeout: 180_000 })
const within = { timeout: 30_000, interval: 100 }
const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }

const onPostgres = () => {
  let app: ChatApp
  let database: TestDatabase
  beforeAll(async () => {
    database = await createExternalDatabase()
    app = await startChatApp({
      settings: { DATABASE_URL: database.url, DATABASE_REPLICA_URL: database.url },
      script: () => ({ steps: answerSteps('你好，世界。') }),
    })
  })
  afterAll(async () => {
    await app.stop()
    await database.drop()
  })

  test('the whole schema, and conversations from the first question to the search, with a replica', async () => {
    const { rows } = await app.core.db.pool.query(
      "SELECT current_setting('server_version_num')::int AS version",
    )
    expect(rows[0].version).toBeGreaterThanOrEqual(150_000)
    const { chat } = await signUpForChat(app)
    const conversation = await chat.begin()
    const { status, body } = await chat.send(conversation.id, '今天天气怎么样')
    expect(status).toBe(202)
    const message = await chat.ended(body.assistant_message.id)
    expect([message.status, message.content]).toEqual(['done', '你好，世界。'])
    const found = await chat.call<{ items: unknown[] }>('GET', `/search?q=${encodeURIComponent('天气')}`)
    expect(found.body.items).toHaveLength(1)
    await vi.waitFor(async () => {
      const list = await chat.call<{ items: { title: string | null }[] }>('GET', '/conversations')
      expect(list.body.items[0]?.title).toBeTruthy()
    }, within)
    const again = await chat.call('POST', `/messages/${message.id}/regenerate`, {
      client_message_id: 'again',
    })
    expect(again.status).toBe(202)
    const quota = await chat.call<{ limits: { used: number }[] }>('GET', '/quota')
    expect(quota.status).toBe(200)
    expect((await chat.call('DELETE', `/conversations/${conversation.id}`)).status).toBeLessThan(300)
    // The same server stands in for the replica, which answers as soon as it is known to have what was written.
    await vi.waitFor(async () => {
      const gone = await chat.call<{ items: unknown[] }>('GET', `/search?q=${encodeURIComponent('天气')}`)
      expect(gone.body.items).toHaveLength(0)
      const reads = await app.core.metrics.registry.getSingleMetricAsString('db_reads_total')
      expect(reads).toContain('server="replica"')
    }, within)
  })
}

/** A device that was claimed at a process, to be connected to any. */
async function deviceAt(home: ServerProcess, token: string) {
  const headers = { authorization: `Bearer ${token}` }
  const { id, ...credentials } = await claimedDevice(
    { fetch: (path, init) => fetch(new URL(path, home.url), init) },
    { headers },
  )
  async function ask<T>({ url }: ServerProcess, path = '', init: RequestInit = {}) {
    const response = await fetch(`${url}/api/v1/devices/devices/${id}${path}`, {
      ...init,
      headers: { ...headers, ...(init.body ? { 'content-type': 'application/json' } : {}) },
    })
    const text = await response.text()
    return (text === '' ? null : JSON.parse(text)) as T
  }
  return {
    connect: ({ url }: ServerProcess, options: { token?: string; hello?: null } = {}) =>
      connectDevice({ ...credentials, ...options, url: `${url.replace('http', 'ws')}/api/v1/devices/ws` }),
    isOnline: async (server: ServerProcess) =>
      (await ask<{ presence: { is_online: boolean } }>(server)).presence.is_online,
    command: (server: ServerProcess, payload: object) =>
      ask(server, '/commands', {
        method: 'POST',
        body: JSON.stringify({ command: { kind: 'custom', payload } }),
      }),
    commandStates: async (server: ServerProcess) =>
      (await ask<{ items: { state: string }[] }>(server, '/commands')).items.map(({ state }) => state),
    release: (server: ServerProcess) => ask(server, '', { method: 'DELETE' }),
  }
}
type ConnectedDevice = Awaited<ReturnType<typeof connectDevice>>
const told = (device: ConnectedDevice, word: string) =>
  device.waitFor(({ type, payload }) => type === 'custom' && JSON.stringify(payload).includes(word))
const answers = async (device: ConnectedDevice) => {
  const from = device.messages.length
  device.send({ type: 'ping' })
  await device.waitFor(({ type }) => type === 'pong', { from })
}

const manyProcesses = () => {
  let database: TestDatabase
  let upstream: FakeServer
  let dataDir: string
  const servers: ServerProcess[] = []

  beforeAll(async () => {
    upstream = await startFakeOpenai()
    dataDir = mkdtempSync(join(tmpdir(), 'banyan-processes-'))
    database = await createExternalDatabase()
  })
  afterEach(() => Promise.all(servers.splice(0).map(server => server.kill())))
  afterAll(async () => {
    await upstream.stop()
    await database.drop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function start(redis: string, ...args: string[]): Promise<ServerProcess> {
    const server = spawnServer(
      {
        PORT: String(await freePort()),
        DATABASE_URL: database.url,
        DATA_DIR: dataDir,
        SECRET_KEY: 'a key of the tests that is long enough to pass',
        ADMIN_EMAIL: admin.name,
        ADMIN_PASSWORD: admin.password,
        OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
        AI_DEFAULT_MODEL: 'fake-1',
        REDIS_URL: redis,
      },
      ['serve', ...args],
    )
    servers.push(server)
    return server
  }
  const startReady = async (...args: string[]) => {
    const server = await start(testRedisUrl, ...args)
    await untilReady(server)
    return server
  }

  /** The models of a server are asked for in the background. */
  const untilModels = (chat: ReturnType<typeof clientOf>) =>
    vi.waitFor(
      async () => expect(JSON.stringify((await chat.call('GET', '/models')).body)).toContain('fake-1'),
      within,
    )

  async function signIn({ url }: ServerProcess): Promise<string> {
    const response = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...admin, mode: 'token' }),
    })
    return ((await response.json()) as { access_token: string }).access_token
  }

  const clientOf = ({ url }: ServerProcess, token: string) =>
    chatClient(
      { fetch: (path, init) => fetch(new URL(path, url), init) },
      { headers: { authorization: `Bearer ${token}` } },
    )

  /** What a WebSocket at this process hears on a channel. */
  async function listen({ url }: ServerProcess, token: string, channel: string): Promise<string[]> {
    const heard: string[] = []
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/realtime/ws?token=${token}`)
    socket.addEventListener('message', event => heard.push(String(event.data)))
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'subscribe', channel })))
    await vi.waitFor(() => expect(heard.join('')).toContain('"subscribed"'), within)
    return heard
  }

  const statusOf = async ({ url }: ServerProcess, path: string) => (await fetch(url + path)).status

  test('with Redis, what is asked at one process is heard live at the other', async () => {
    const one = await startReady()
    const two = await startReady()
    const token = await signIn(one)
    const chat = clientOf(one, token)
    await untilModels(chat)
    const conversation = await chat.begin({ title: 'Shared' })
    const heard = await listen(two, token, `chat.conversation.${conversation.id}`)
    const { body } = await chat.send(conversation.id, 'Hello')
    await vi.waitFor(() => expect(heard.join('')).toContain('"message.completed"'), within)
    for (const part of ['"message.created"', '"message.delta"', body.assistant_message.id])
      expect(heard.join('')).toContain(part)
    // The other process serves the same answer.
    const { content } = await clientOf(two, token).message(body.assistant_message.id)
    expect(content).toBe('Hello from the fake.')
  })

  test('without Redis a second process on the same database refuses, in a sentence', async () => {
    const one = await start('')
    await untilReady(one)
    const two = await start('')
    expect(await two.exited).toBe(1)
    expect(two.output()).toContain('Another Banyan already serves this database')
    expect(two.output()).not.toContain('    at ')
    expect(await statusOf(one, '/ready')).toBe(200)
  })

  test('a web process leaves the jobs to a worker, which opens no doors but its health', async () => {
    const web = await startReady('--role', 'web')
    const token = await signIn(web)
    const chat = clientOf(web, token)
    await untilModels(chat)
    const { id } = await chat.begin()
    const { body } = await chat.send(id, 'Hello')
    await chat.ended(body.assistant_message.id)
    const titleOf = async () =>
      (await chat.call<{ title: string | null }>('GET', `/conversations/${id}`)).body.title
    expect(await titleOf()).toBeNull()

    const worker = await startReady('--role', 'worker')
    await vi.waitFor(async () => expect(await titleOf()).toBeTruthy(), within)
    expect(await statusOf(worker, '/health')).toBe(200)
    expect(await statusOf(worker, '/ready')).toBe(200)
    expect(await statusOf(worker, '/api/v1/chat/models')).toBe(404)
    expect(await statusOf(worker, '/api/v1/auth/policy')).toBe(404)
  })

  test('--modules opens only the doors of those modules, to users of all', async () => {
    const all = await startReady()
    const token = await signIn(all)
    const only = await startReady('--modules', 'chat')
    expect((await clientOf(only, token).call('GET', '/models')).status).toBe(200)
    expect(await statusOf(only, '/api/v1/auth/policy')).toBe(404)
    expect(await statusOf(only, '/api/v1/notifications')).toBe(404)
    const wrong = await start(testRedisUrl, '--modules', 'chat,dance')
    expect(await wrong.exited).toBe(1)
    expect(wrong.output()).toContain('There is no module “dance”')
  })

  test('a device that connects to another process leaves its old connection, and hears what is sent to either', async () => {
    const one = await startReady()
    const two = await startReady()
    const device = await deviceAt(one, await signIn(one))
    const first = await device.connect(one)
    // Who knows the MAC only is no reason to close anything.
    const stranger = await device.connect(two, { token: 'wrong', hello: null })
    expect(await stranger.closed).toMatchObject({ code: 4001 })
    await answers(first)
    const second = await device.connect(two)
    expect(await first.closed).toMatchObject({ code: 4003 })
    await device.command(one, { word: 'from the other' })
    await told(second, 'from the other')
    await device.command(two, { word: 'from its own' })
    await told(second, 'from its own')
    await vi.waitFor(async () => expect(await device.commandStates(one)).toEqual(['done', 'done']), within)
    // Many at once at both: one is left.
    const crowd = await Promise.all(
      Array.from({ length: 8 }, (_, i) => device.connect(i % 2 ? one : two, { hello: null })),
    )
    const open = () => crowd.filter(({ webSocket }) => webSocket.readyState === webSocket.OPEN)
    await vi.waitFor(() => expect(open()).toHaveLength(1), within)
    expect((await second.closed).code).toBe(4003)
    await vi.waitFor(async () => expect(await device.isOnline(one)).toBe(true), within)
    await open()[0]?.close()
    await vi.waitFor(async () => expect(await device.isOnline(one)).toBe(false), within)
  })

  test('a device counts as there, though its old process hears last that it is elsewhere', async () => {
    const one = await startReady()
    const two = await startReady()
    const device = await deviceAt(one, await signIn(one))
    const first = await device.connect(one)
    await vi.waitFor(async () => expect(await device.isOnline(two)).toBe(true), within)
    one.child.kill('SIGSTOP')
    first.webSocket.terminate()
    const second = await device.connect(two)
    one.child.kill('SIGCONT')
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`${one.url}/metrics`)).text()).toContain(
          'devices_connections{kind="device"} 0',
        ),
      within,
    )
    // It leaves no write behind.
    expect(await one.stop()).toBe(0)
    await vi.waitFor(async () => expect(await device.isOnline(two)).toBe(true), within)
    await second.close()
  })

  test('a device whose process is killed goes on at another, with what was sent meanwhile', async () => {
    const one = await startReady()
    const two = await startReady()
    const device = await deviceAt(one, await signIn(one))
    const first = await device.connect(one)
    await one.kill()
    await first.closed
    await device.command(two, { word: 'meanwhile' })
    const second = await device.connect(two)
    await told(second, 'meanwhile')
    await vi.waitFor(async () => expect(await device.isOnline(two)).toBe(true), within)
    await second.close()
  })

  test('while Redis was away, what a device at another process missed comes afterwards', async () => {
    const redis = await startRedisServer()
    const [one, two] = [await start(redis.url), await start(redis.url)]
    await Promise.all([untilReady(one), untilReady(two)])
    const token = await signIn(one)
    const [device, given] = [await deviceAt(one, token), await deviceAt(one, token)]
    const [connected, revoked] = [await device.connect(two), await given.connect(two)]
    await redis.kill()
    await device.command(one, { word: 'unheard' })
    await given.release(one)
    await redis.start()
    await told(connected, 'unheard')
    expect(await revoked.closed).toMatchObject({ code: 4001 })
    await answers(connected)
    await connected.close()
    await redis.kill()
  })
}

if (await postgresIsThere()) {
  describe('an external PostgreSQL', onPostgres)
  if (await redisIsThere()) describe('several processes on one database', manyProcesses)
}
