import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, spawnServer } from '#core/testing/server-process.ts'

export const admin = { name: 'admin@example.com', password: 'Correct-horse-7' }

export type Banyan = {
  url: string
  /** What it wrote so far. */
  output(): string
  /** A request as JSON; throws when it is refused. */
  api<T>(method: string, path: string, options?: { token?: string; body?: unknown }): Promise<T>
  /** Signs in by name and password; gives an access token. */
  token(name: string, password: string): Promise<string>
  stop(): Promise<void>
}

/** The real server as people start it, on an empty data directory of its own. */
export async function startBanyan(env: Record<string, string> = {}): Promise<Banyan> {
  const parent = mkdtempSync(join(tmpdir(), 'banyan-e2e-'))
  // As root, the embedded database runs as another user, who must be able to enter.
  chmodSync(parent, 0o755)
  const server = spawnServer({
    PORT: String(await freePort()),
    DATA_DIR: join(parent, 'data'),
    NODE_ENV: 'production',
    OUTBOUND_ALLOW: '127.0.0.1',
    RATE_LIMIT_AUTH_PER_MINUTE: '0',
    RATE_LIMIT_WRITE_PER_MINUTE: '0',
    RATE_LIMIT_READ_PER_MINUTE: '0',
    ...env,
  })
  // As it prints it: a session belongs to the name by which one came.
  const [, url = ''] = await server.waitFor(/Banyan is ready: (\S+)/)
  const api: Banyan['api'] = async (method, path, { token, body } = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as never
  }
  return {
    url,
    output: server.output,
    api,
    async token(name, password) {
      const body = { name, password, mode: 'token' }
      return (await api<{ access_token: string }>('POST', '/api/v1/auth/login', { body })).access_token
    },
    async stop() {
      await server.stop()
      rmSync(parent, { recursive: true, force: true })
    },
  }
}

/** A server whose administrator is `admin`, and whose model is `upstream` (a base URL). */
export async function startReadyBanyan(upstream: string, env: Record<string, string> = {}) {
  const banyan = await startBanyan({ ADMIN_EMAIL: admin.name, ADMIN_PASSWORD: admin.password, ...env })
  const adminToken = await banyan.token(admin.name, admin.password)
  await banyan.api('PATCH', '/api/v1/users/me', { token: adminToken, body: { locale: 'en' } })
  await banyan.api('POST', '/api/v1/admin/providers', {
    token: adminToken,
    body: { kind: 'openai-compatible', name: 'Upstream', base_url: `${upstream}/v1`, api_key: 'sk-e2e-0001' },
  })
  return { ...banyan, adminToken }
}

export type ReadyBanyan = Awaited<ReturnType<typeof startReadyBanyan>>

export type Person = { username: string; password: string; token: string; id: string }

let count = 0

/** A new account, made through the sign-up door. */
export async function makePerson(banyan: Banyan, options: { locale?: string } = {}): Promise<Person> {
  const username = `person${++count}`
  const password = `Quiet-river-${count}`
  await banyan.api('POST', '/api/v1/auth/register', {
    body: { username, password, locale: options.locale ?? 'en', email: `${username}@example.com` },
  })
  const token = await banyan.token(username, password)
  const { id } = await banyan.api<{ id: string }>('GET', '/api/v1/users/me', { token })
  return { username, password, token, id }
}
