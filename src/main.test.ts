import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePort, type ServerProcess, spawnServer, untilReady } from '#core/testing/server-process.ts'

// Most start several servers, each with a database of its own: seconds, or many of them on a busy machine.
vi.setConfig({ testTimeout: 240_000 })

/** How a line of a stack begins. */
const stack = '    at '

let dataDir: string
const servers: ServerProcess[] = []
const start = (
  env: Record<string, string>,
  args?: string[],
  command?: [string, ...string[]],
): ServerProcess => {
  const server = spawnServer({ DATA_DIR: dataDir, ...env }, args, command)
  servers.push(server)
  return server
}

beforeEach(() => {
  // A path with a space, as people's folders have.
  const parent = mkdtempSync(join(tmpdir(), 'banyan main '))
  // As root the database runs as another user, who has to get through.
  chmodSync(parent, 0o755)
  dataDir = join(parent, 'my data')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill()
  rmSync(join(dataDir, '..'), { recursive: true, force: true })
})

test('an empty directory becomes a server that prints a one-time sign-in link, which works once', async () => {
  const server = start({ PORT: String(await freePort()) })
  const [, token] = await server.waitFor(/sign-in\/link#token=([\w-]+)/)
  const signIn = () =>
    fetch(`${server.url}/api/v1/auth/link`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: server.url },
      body: JSON.stringify({ token }),
    })
  const first = await signIn()
  expect(first.status).toBe(200)
  expect(first.headers.get('set-cookie')).toMatch(/banyan_session=.*HttpOnly/i)
  expect((await signIn()).status).toBe(400)
  expect(statSync(join(dataDir, 'keys')).mode & 0o777).toBe(0o600)
})

test('after kill -9 the next start takes over, keeps what was acknowledged, and is ready in no time', async () => {
  const env = {
    PORT: String(await freePort()),
    ADMIN_EMAIL: 'owner@example.com',
    ADMIN_PASSWORD: 'Correct-horse-7',
  }
  const first = start(env)
  await untilReady(first)
  const signIn = (server: ServerProcess) =>
    fetch(`${server.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'owner@example.com', password: 'Correct-horse-7', mode: 'token' }),
    })
  expect((await signIn(first)).status).toBe(200)
  await first.kill()

  const second = start(env)
  await untilReady(second)
  expect((await signIn(second)).status).toBe(200)
  expect(await second.stop()).toBe(0)
  expect(second.output()).toContain('"message":"stopped"')
})

test('a second copy on the same directory says so and stops; the first goes on', async () => {
  const first = start({ PORT: String(await freePort()) })
  await untilReady(first)
  const second = start({ PORT: String(await freePort()) })
  expect(await second.exited).toBe(1)
  expect(second.output()).toContain(dataDir)
  await vi.waitFor(async () => expect((await fetch(`${first.url}/ready`)).status).toBe(200), 20_000)
})

test('a taken port is named, and no database is left running', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const server = start({ PORT: String(port) })
  expect(await server.exited).toBe(1)
  expect(server.output()).toContain(`Port ${port} is taken`)
  const again = start({ PORT: String(await freePort()) })
  await untilReady(again)
  other.close()
})

test('all wrong settings are reported at once and secrets are not shown', async () => {
  const server = start({ PORT: 'http', LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://root:hunter2@db/x' })
  expect(await server.exited).toBe(1)
  for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL']) expect(server.output()).toContain(name)
  expect(server.output()).not.toContain('hunter2')
})

test('an external database that does not answer, or a missing SECRET_KEY, is said in a sentence', async () => {
  const url = `postgres://nobody@127.0.0.1:${await freePort()}/none`
  const unreachable = start({ DATABASE_URL: url, SECRET_KEY: 'x'.repeat(40), PORT: String(await freePort()) })
  expect(await unreachable.exited).toBe(1)
  expect(unreachable.output()).toContain('DATABASE_URL cannot be reached')
  expect(unreachable.output()).not.toContain(stack)
})

test('what else keeps it from starting is said in a sentence too, not in a stack', async () => {
  const urls = start({ REDIS_URL: 'http://cache', SMTP_URL: 'mail.example.com', PORT: '0' })
  expect(await urls.exited).toBe(1)
  expect(urls.output()).toMatch(/REDIS_URL must be a URL that starts with redis:.*\n.*SMTP_URL must be a URL/)

  const weak = start({
    ADMIN_EMAIL: 'owner@example.com',
    ADMIN_PASSWORD: 'short',
    PORT: String(await freePort()),
  })
  expect(await weak.exited).toBe(1)
  expect(weak.output()).toContain('ADMIN_EMAIL or ADMIN_PASSWORD is not acceptable')

  // Started as root, the database runs as a user who cannot come in here; as anyone else, nothing can be written.
  const closed = join(dataDir, '..', 'closed')
  mkdirSync(closed, { mode: process.getuid?.() === 0 ? 0o700 : 0o500 })
  const unreachable = start({ DATA_DIR: join(closed, 'data'), PORT: String(await freePort()) })
  expect(await unreachable.exited).toBe(1)
  expect(unreachable.output()).toContain(closed)
  for (const server of [urls, weak, unreachable]) expect(server.output()).not.toContain(stack)
})

test('SIGHUP takes over what is reloadable, and the doctor looks in while the server runs', async () => {
  const server = start({ PORT: String(await freePort()) })
  await untilReady(server)
  server.child.kill('SIGHUP')
  await server.waitFor(/settings read again/)
  const doctor = start({}, ['doctor'])
  expect(await doctor.exited).toBe(0)
  expect(doctor.output()).toMatch(/✓ database\s+embedded, \d+\.\d\d ms/)
  const link = start({}, ['sign-in-link'])
  expect(await link.exited).toBe(0)
  expect(link.output()).toMatch(/sign-in\/link#token=[\w-]{20,}/)
  expect(readFileSync(join(dataDir, 'keys'), 'utf8').length).toBeGreaterThan(20)
})

test('unknown commands and options are answered with the usage', async () => {
  const unknown = start({}, ['dance'])
  expect(await unknown.exited).toBe(1)
  expect(unknown.output()).toContain('banyan serve')
})

test('SIGTERM to npm stops the server that it started', async () => {
  const server = start({ PORT: String(await freePort()) }, [], ['npm', 'start'])
  await untilReady(server)
  // Resolves when the last process that writes to its output has ended.
  await server.stop()
  expect(server.output()).toContain('"stopped"')
})
