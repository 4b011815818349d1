import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'

/** What SIGHUP does; that the signal does it is tested with the process. */
let app: TestApp
let user: TestUser
let directory: string
const writeEnv = (lines: Record<string, string>) =>
  writeFileSync(
    join(directory, '.env'),
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'banyan-reload-'))
  const envFile = join(directory, '.env')
  writeEnv({ LOG_LEVEL: 'warn' })
  app = await startTestApp({
    envFile,
    // What the environment says would come first.
    settings: {
      OLLAMA_URL: 'off',
      LOG_LEVEL: '',
      RATE_LIMIT_READ_PER_MINUTE: '',
      // A busy machine is no reason for a warning here.
      DATABASE_SLOW_QUERY_MS: '0',
    },
  })
  user = await signUp(app)
})
afterAll(async () => {
  await app.stop()
  rmSync(directory, { recursive: true, force: true })
})

const models = async (): Promise<string[]> => {
  const response = await app.fetch('/api/v1/chat/models', { headers: user.headers })
  if (!response.ok) return [`status ${response.status}`]
  return ((await response.json()) as { items: { provider: string }[] }).items.map(({ provider }) => provider)
}

test('the log level, the limits and the providers of .env are taken over while it runs', async () => {
  expect((await models()).filter(provider => provider !== 'Offline')).toEqual([])
  expect(app.logLines).toEqual([])

  const key = 'sk-not-a-real-key-0123456789'
  writeEnv({ LOG_LEVEL: 'info', RATE_LIMIT_READ_PER_MINUTE: '3', MOONSHOT_API_KEY: key, PORT: '1' })
  const changed = app.app.reload()
  expect(changed.sort()).toEqual(['LOG_LEVEL', 'MOONSHOT_API_KEY', 'RATE_LIMIT_READ_PER_MINUTE'])
  expect((await models()).some(provider => provider.includes('Moonshot'))).toBe(true)
  await vi.waitFor(() => expect(app.logLines.join('')).toContain('/api/v1/chat/models'), 20_000)
  const statuses = []
  for (let i = 0; i < 4; i++) {
    statuses.push((await app.fetch('/api/v1/chat/quota', { headers: user.headers })).status)
  }
  expect(statuses.at(-1)).toBe(429)
  expect(app.logLines.join('')).not.toContain(key)
})

test('a wrong setting changes nothing, and is named', async () => {
  writeEnv({ LOG_LEVEL: 'loud', RATE_LIMIT_READ_PER_MINUTE: '0' })
  expect(() => app.app.reload()).toThrow('LOG_LEVEL')
  expect((await app.fetch('/api/v1/chat/quota', { headers: user.headers })).status).toBe(429)
  expect(app.core.settings.LOG_LEVEL).toBe('info')

  writeEnv({})
  app.app.reload()
  // The bucket that was emptied under the old limit fills at the new one's rate, a token at a time.
  await expect.poll(models, { timeout: 20_000 }).toEqual(['Offline'])
})
