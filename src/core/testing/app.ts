import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModules } from '#catalog'
import { type App, startApp } from '#core/app.ts'
import type { Core } from '#core/core.ts'
import { coreMigrations } from '#core/db/core-migrations.ts'
import type { ModuleDefinition } from '#core/module.ts'
import { createTestDatabase } from './database.ts'

export type TestApp = {
  /** Where it really listens, whatever PUBLIC_URL says. */
  url: string
  app: App
  core: Core
  /** What was logged, line by line. */
  logLines: string[]
  /** `fetch` below the app's address. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  stop(): Promise<void>
}

/** A whole Banyan on a database of its own, listening on a free loopback port. Rate limits are off unless set. */
export async function startTestApp(
  options: {
    settings?: Record<string, string>
    modules?: readonly ModuleDefinition[]
    root?: string
    envFile?: string
  } = {},
): Promise<TestApp> {
  const modules = options.modules ?? (await loadModules())
  const database = await createTestDatabase([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  const dataDir = mkdtempSync(join(tmpdir(), 'banyan-app-'))
  const logLines: string[] = []
  const app = await startApp({
    modules,
    root: options.root ?? dataDir,
    version: '0.0.0-test',
    ...(options.envFile ? { envFile: options.envFile } : {}),
    writeLog: line => logLines.push(line),
    env: {
      PORT: '0',
      DATABASE_URL: database.url,
      SECRET_KEY: 'a key of the tests that is long enough to pass',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'info',
      SHUTDOWN_TIMEOUT_MS: '10000',
      RATE_LIMIT_READ_PER_MINUTE: '0',
      RATE_LIMIT_WRITE_PER_MINUTE: '0',
      RATE_LIMIT_AUTH_PER_MINUTE: '0',
      RATE_LIMIT_AI_PER_MINUTE: '0',
      ...options.settings,
    },
  })
  const { port } = app.http.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    app,
    core: app.core,
    logLines,
    fetch: (path, init) => fetch(new URL(path, url), init),
    async stop() {
      await app.stop()
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
