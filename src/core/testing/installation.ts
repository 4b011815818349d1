import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModules } from '#catalog'
import { coreMigrations } from '#core/db/core-migrations.ts'
import type { Db } from '#core/db/db.ts'
import { createTestDb } from './database.ts'
import { freePort, type ServerProcess, spawnServer, untilReady } from './server-process.ts'

const admin = { name: 'owner@example.com', password: 'Correct-horse-7' }

export type Installation = {
  db: Db
  dataDir: string
  /** The next life of its server, with its administrator signed in. */
  live(): Promise<{ url: string; headers: { authorization: string } }>
  /** `kill -9`, when it lives. */
  kill(): Promise<void>
  /** Asks the server as its administrator. @throws Error when it refuses, or is gone */
  call<T>(method: string, path: string, body?: object): Promise<T>
  /** Kills it, and takes away what it had. */
  drop(): Promise<void>
}

/** A Banyan whose server can be killed and lives again on the same data: for what only a crash shows. */
export async function createInstallation(env: Record<string, string> = {}): Promise<Installation> {
  const modules = await loadModules()
  const database = await createTestDb([
    coreMigrations,
    ...modules.map(({ name, migrations }) => ({ module: name, migrations })),
  ])
  const dataDir = mkdtempSync(join(tmpdir(), 'banyan-crash-'))
  let server: ServerProcess | undefined
  let headers = {}

  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const isJson = body !== undefined && !(body instanceof FormData)
    const response = await fetch(`${server?.url}/api/v1${path}`, {
      method,
      headers: { ...headers, ...(isJson ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: isJson ? JSON.stringify(body) : body } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text.startsWith('{') ? JSON.parse(text) : text) as T
  }

  return {
    db: database.db,
    dataDir,
    async live() {
      server = spawnServer({
        PORT: String(await freePort()),
        DATABASE_URL: database.url,
        DATA_DIR: dataDir,
        SECRET_KEY: 'a key of the tests that is long enough to pass',
        ADMIN_EMAIL: admin.name,
        ADMIN_PASSWORD: admin.password,
        ...env,
      })
      await untilReady(server)
      headers = {}
      const login = { ...admin, mode: 'token' }
      const { access_token } = await call<{ access_token: string }>('POST', '/auth/login', login)
      const signedIn = { authorization: `Bearer ${access_token}` }
      headers = signedIn
      return { url: server.url, headers: signedIn }
    },
    kill: async () => server?.kill(),
    call,
    async drop() {
      await server?.kill()
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
