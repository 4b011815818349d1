import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, type Running, start } from './processes.ts'

const main = fileURLToPath(new URL('../src/main.js', import.meta.url))
const admin = { name: 'bench@example.com', password: 'Correct-horse-7' }

export type Banyan = Running & {
  dataDir: string
  /** Of an API token, as a client of `/v1` has one. */
  headers: Record<string, string>
  /** As the administrator who signed in, for a quarter of an hour. */
  api<T>(method: string, path: string, body?: object): Promise<T>
  /** Starts it again on the same data, after it was killed. */
  restart(): Promise<Banyan>
}

/** The whole server as people run it, on a fresh embedded database, with an administrator signed in. */
export async function startBanyan(env: Record<string, string> = {}): Promise<Banyan> {
  const parent = mkdtempSync(join(tmpdir(), 'banyan-bench-'))
  // As root the database runs as another user, who has to get through.
  chmodSync(parent, 0o755)
  const server = await startServer(join(parent, 'data'), env)
  const login = await call(server.url, {}, 'POST', '/api/v1/auth/login', { ...admin, mode: 'token' })
  const access = { authorization: `Bearer ${login.access_token}` }
  const made = await call(server.url, access, 'POST', '/api/v1/auth/tokens', {
    name: 'bench',
    scopes: ['all'],
  })
  return asBanyan(server, parent, { access, token: { authorization: `Bearer ${made.token}` } }, env)
}

type Credentials = { access: Record<string, string>; token: Record<string, string> }

function asBanyan(
  server: Running,
  parent: string,
  credentials: Credentials,
  env: Record<string, string>,
): Banyan {
  const dataDir = join(parent, 'data')
  return {
    ...server,
    dataDir,
    headers: credentials.token,
    api: async (method, path, body) =>
      (await call(server.url, credentials.access, method, path, body)) as never,
    restart: async () => asBanyan(await startServer(dataDir, env), parent, credentials, env),
    async stop() {
      await server.stop()
      rmSync(parent, { recursive: true, force: true })
    },
  }
}

async function startServer(dataDir: string, env: Record<string, string>): Promise<Running> {
  const limits = { RATE_LIMIT_READ_PER_MINUTE: '100000000', RATE_LIMIT_WRITE_PER_MINUTE: '100000000' }
  return start(
    [process.execPath, main, 'serve'],
    await freePort(),
    {
      DATA_DIR: dataDir,
      ADMIN_EMAIL: admin.name,
      ADMIN_PASSWORD: admin.password,
      OLLAMA_URL: 'off',
      ...limits,
      RATE_LIMIT_AUTH_PER_MINUTE: '100000000',
      RATE_LIMIT_AI_PER_MINUTE: '100000000',
      ...env,
    },
    '/ready',
  )
}

async function call(
  url: string,
  headers: Record<string, string>,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(url + path, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
