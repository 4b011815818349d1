import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiError, type Client, createClient } from '@banyan/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp } from '#modules/identity/testing.ts'
import { sdkTypes, sdkTypesFile } from '../scripts/sdk.ts'

let app: TestApp
let banyan: Client

beforeAll(async () => {
  app = await startTestApp({ settings: { OLLAMA_URL: 'off' } })
  const { access_token } = await signUp(app)
  banyan = createClient({ url: app.url, token: access_token, locale: 'en' })
})
afterAll(() => app.stop())

const failureOf = async (call: Promise<unknown>): Promise<ApiError> => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

test('the types of the SDK are those of this server; `npm run sdk` writes them', async () => {
  const document = (await (await app.fetch('/openapi.json')).json()) as Parameters<typeof sdkTypes>[0]
  expect(await readFile(sdkTypesFile, 'utf8'), 'Run npm run sdk').toBe(sdkTypes(document))
})

test('a call takes params, query and body, and gives the JSON of the answer', async () => {
  const made = await banyan.call('POST /api/v1/chat/conversations', { body: { title: 'Trees & roots' } })
  expect(made.title).toBe('Trees & roots')
  const params = { id: made.id }
  const changed = await banyan.call('PATCH /api/v1/chat/conversations/{id}', {
    params,
    body: { is_pinned: true },
  })
  expect(changed.is_pinned).toBe(true)
  const { items } = await banyan.call('GET /api/v1/chat/conversations', {
    query: { limit: 1, archived: false, folder_id: undefined },
  })
  expect(items.map(({ id }) => id)).toEqual([made.id])
  expect(await banyan.call('DELETE /api/v1/chat/conversations/{id}', { params })).toBeUndefined()
})

test('a file goes up, and its content comes as a response to be read', async () => {
  const file = new File(['A banyan grows from above.'], 'banyan.txt', { type: 'text/plain' })
  const { id, name, size } = await banyan.call('POST /api/v1/chat/attachments', { file })
  expect({ name, size }).toEqual({ name: 'banyan.txt', size: file.size })
  const response = await banyan.request('GET /api/v1/chat/attachments/{id}/content', { params: { id } })
  expect(await response.text()).toBe('A banyan grows from above.')
})

test('a problem becomes an error with status, code, text and the bad parts of the input', async () => {
  const missing = await failureOf(
    banyan.call('GET /api/v1/chat/conversations/{id}', { params: { id: newId() } }),
  )
  expect(missing).toMatchObject({ status: 404, code: 'conversation.not_found', issues: [] })
  expect(missing.detail).toBe('There is no such conversation.')
  expect(missing.message).toBe(missing.detail)
  expect(missing.requestId).toBeTypeOf('string')

  const refused = await failureOf(banyan.call('GET /api/v1/chat/conversations', { query: { limit: 1000 } }))
  expect(refused).toMatchObject({ status: 400, code: 'input.invalid' })
  expect(refused.issues.map(({ pointer }) => pointer)).toEqual(['/query/limit'])
})

test('a token may come from a function, which is asked for each call; without one the server says so', async () => {
  const { access_token, user } = await signUp(app)
  let asked = 0
  const own = createClient({
    url: `${app.url}/`,
    async token() {
      asked++
      return access_token
    },
  })
  expect((await own.call('GET /api/v1/users/me')).id).toBe(user.id)
  expect((await own.call('GET /api/v1/users/me')).username).toBe(user.username)
  expect(asked).toBe(2)

  const nobody = await failureOf(createClient({ url: app.url }).call('GET /api/v1/users/me'))
  expect(nobody).toMatchObject({ status: 401, code: 'auth.required' })
  // Chinese is the default language.
  expect(nobody.detail).toMatch(/\p{Script=Han}/u)
})

test('the same idempotency key does a thing once', async () => {
  const options = { body: { name: 'Gardeners' }, idempotencyKey: newId() }
  const { access_token } = await signUp(app, { roles: ['super_admin'] })
  const admin = createClient({ url: app.url, token: access_token })
  const once = await admin.call('POST /api/v1/identity/organisations', options)
  expect(await admin.call('POST /api/v1/identity/organisations', options)).toEqual(once)
})

test('an abort is the caller’s own; a server that is silent, cut off or gone is an error without status', async () => {
  // What answers no request, or breaks off in the middle of its answer.
  const server = createServer((request, response) => {
    if (request.url === '/health') response.writeHead(200, { 'content-length': 100 }).write('{')
    if (request.url === '/ready') response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad</h1>')
    if (request.url === '/health') setImmediate(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const broken = createClient({ url })
  const call = (options = {}) => broken.call('GET /api/v1/users/me', options)

  const stop = new AbortController()
  const stopped = call({ signal: stop.signal })
  stop.abort()
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  await expect(call({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')

  expect(await failureOf(call({ timeoutMs: 20 }))).toMatchObject({ status: 0, code: 'network.timeout' })
  expect(await failureOf(broken.call('GET /health'))).toMatchObject({ status: 0, code: 'network.failed' })
  expect(await failureOf(broken.call('GET /ready'))).toMatchObject({ status: 502, code: 'http.502' })
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  expect(await failureOf(call())).toMatchObject({ status: 0, code: 'network.failed' })
})
