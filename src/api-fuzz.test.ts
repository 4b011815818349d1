import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApiDocument } from '#core/http/openapi.ts'
import type { JsonSchema } from '#core/http/schema.ts'
import { almost, englishSentence, hostile } from '#core/testing/hostile-input.ts'
import { type ChatApp, startChatApp } from '#modules/chat/testing.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'

/*
 * Every operation of the OpenAPI document, asked with input that fits, nearly fits and does not fit at all: never a
 * 5xx, answers as documented, 4xx for what the document refuses, 401 without credentials.
 */
type Parameter = { name: string; in: 'path' | 'query'; schema: JsonSchema }
type Content = Record<string, { schema?: JsonSchema }>
type Operation = {
  operationId: string
  security: unknown[]
  parameters: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { content?: Content }>
}
type Call = { parameters: Record<string, unknown>; body: unknown }

let app: ChatApp
let documented: { paths: Record<string, Record<string, Operation>>; components: JsonSchema }
let ajv: Ajv2020
const validators = new Map<JsonSchema, ValidateFunction>()

beforeAll(async () => {
  // A weather service that cannot be reached is a 502, as it should be.
  app = await startChatApp({ settings: { DEVICES_WEATHER: 'off' } })
  documented = openApiDocument(app.app.http.routes, 'test') as unknown as typeof documented
  ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'api:', components: documented.components })
})
afterAll(() => app.stop())

const resolve = (ref: string): JsonSchema =>
  ref
    .split('/')
    .slice(1)
    .reduce<JsonSchema>((node, key) => node[key] as JsonSchema, documented as unknown as JsonSchema)

function complaints(schema: JsonSchema, value: unknown): string {
  const known = validators.get(schema)
  const validate = known ?? ajv.compile(absolute(schema) as JsonSchema)
  validators.set(schema, validate)
  return validate(value) ? '' : ajv.errorsText(validate.errors)
}

/** References into the document, as ajv knows it. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      key === '$ref' ? `api:${String(child)}` : absolute(child),
    ]),
  )
}

const bodySchema = ({ requestBody }: Operation) => requestBody?.content['application/json']?.schema

/** Fits as often as not: a path parameter that is refused would hide all that is behind it. */
const parameterOf = ({ schema }: Parameter) =>
  fc.oneof({ weight: 5, arbitrary: almost(schema, resolve) }, { weight: 1, arbitrary: hostile })

const callsOf = (operation: Operation): fc.Arbitrary<Call> => {
  const schema = bodySchema(operation)
  return fc.record({
    parameters: fc.record(Object.fromEntries(operation.parameters.map(one => [one.name, parameterOf(one)]))),
    body: schema ? almost(schema, resolve) : fc.oneof(fc.constant(undefined), hostile),
  })
}

const textOf = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 400).toWellFormed()

function request(method: string, path: string, operation: Operation, call: Call, who: TestUser | null) {
  let url = path
  const query = new URLSearchParams()
  for (const { name, in: place } of operation.parameters) {
    const value = textOf(call.parameters[name])
    if (place === 'query') query.append(name, value)
    // An empty or dotted segment would be another address.
    else url = url.replace(`{${name}}`, encodeURIComponent(/^\.*$/.test(value) ? 'none' : value))
  }
  const hasBody = method !== 'get' && call.body !== undefined
  return app.fetch(`${url}?${query}`, {
    method: method.toUpperCase(),
    headers: { ...who?.headers, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
    ...(hasBody ? { body: JSON.stringify(call.body) } : {}),
    signal: AbortSignal.timeout(50_000),
  })
}

/** Never a 5xx, and what the document says: the content type, and the schema of the body. */
async function checkAnswer(operation: Operation | undefined, response: Response) {
  const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
  const isEndless = type.includes('event-stream')
  const text = isEndless ? '' : await response.text()
  if (isEndless) await response.body?.cancel()
  const { status } = response
  const context = `${status} ${type} ${text.slice(0, 500)}`
  expect(status, context).toBeLessThan(500)
  const { content } = operation?.responses[status] ?? operation?.responses.default ?? {}
  if (status >= 400) expect(Object.keys(content ?? {}), context).toContain(type)
  const schema = content?.[type]?.schema
  const body = type.endsWith('json') && text !== '' ? JSON.parse(text) : null
  if (schema) expect(complaints(schema, body), context).toBe('')
  // Nobody asked for English here.
  for (const { detail } of (body?.errors ?? []) as { detail: string }[]) {
    expect(detail, context).toMatch(/\p{Script=Han}.*。$/u)
    expect(detail, context).not.toMatch(englishSentence)
  }
}

async function check(operation: Operation, call: Call, response: Response) {
  await checkAnswer(operation, response)
  const wanted = bodySchema(operation)
  const sent = JSON.parse(JSON.stringify(call.body ?? null))
  const isRefused = wanted !== undefined && complaints(wanted, sent) !== ''
  if (isRefused) expect(response.status, `took ${JSON.stringify(sent)}`).toBeGreaterThanOrEqual(400)
}

const everyOperation = () =>
  Object.entries(documented.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

/** The operations in parts, so that no test takes long. */
const parts = Array.from({ length: 12 }, (_, index) => index)
const operationsOf = (part: number) => everyOperation().filter((_, index) => index % parts.length === part)

test.each(parts)(
  'random and hostile input never breaks a route, and every answer is as documented: part %i',
  async part => {
    const failures: string[] = []
    for (const { path, method, operation } of operationsOf(part)) {
      const users = [await signInAdmin(app), await signUp(app)]
      let turn = 0
      const property = fc.asyncProperty(callsOf(operation), async call => {
        const i = turn++ % 2
        const response = await request(method, path, operation, call, users[i] ?? null)
        // Some routes end the session, or the account, that asks.
        if (response.status === 401) users[i] = i === 0 ? await signInAdmin(app) : await signUp(app)
        await check(operation, call, response)
      })
      await fc
        .assert(property, { numRuns: 30, endOnFailure: true })
        .catch(error =>
          failures.push(
            `${method} ${path}: ${String(error.cause ?? error).slice(0, 1000)} ${error.message.slice(0, 600)}`,
          ),
        )
    }
    expect(failures).toEqual([])
  },
)

test('without credentials every closed route answers 401, whatever is sent', async () => {
  for (const { path, method, operation } of everyOperation()) {
    if (operation.security.length === 0) continue
    const property = fc.asyncProperty(callsOf(operation), async call => {
      const response = await request(method, path, operation, call, null)
      await check(operation, call, response)
      expect(response.status, `${method} ${path}`).toBe(401)
    })
    await fc.assert(property, { numRuns: 3 })
  }
})

test('what is no JSON at all is refused, not stumbled over', async () => {
  const { headers } = await signInAdmin(app)
  const bodies = ['{', '"', '{"a":1,}', '\u0000', '[1,2', 'NaN', '{"__proto__":1}', `${'['.repeat(5000)}`]
  for (const { path, method, operation } of everyOperation()) {
    if (!bodySchema(operation)) continue
    for (const body of bodies) {
      const url = path.replace(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000')
      const init = { method: method.toUpperCase(), body }
      const response = await app.fetch(url, {
        ...init,
        headers: { ...headers, 'content-type': 'application/json' },
      })
      expect(response.status, `${method} ${path} ${body}`).toBeGreaterThanOrEqual(400)
      expect(response.status, `${method} ${path} ${body}`).toBeLessThan(500)
      await response.body?.cancel()
    }
  }
})

test('uploads with any name, any type and any content are taken or refused, never stumbled over', async () => {
  const { headers } = await signUp(app)
  const uploads = [
    ['put', '/api/v1/users/me/avatar'],
    ['post', '/api/v1/chat/attachments'],
    ['post', '/api/v1/chat/imports'],
  ] as const
  const names = fc.oneof(
    fc.constantFrom('a.txt', 'a\0b.txt', '../../etc/passwd', '\ud800.md', 'x'.repeat(5000), '"; x="', '.png'),
    fc.string({ unit: 'binary', maxLength: 50 }),
  )
  const types = fc.constantFrom('text/plain', 'image/png', 'application/pdf', 'application/json', 'x', '')
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc
      .constantFrom('%PDF-1.7\nbroken', '[]', '[{"mapping":1}]', 'a\0b', '\x89PNG\r\n\x1a\n', 'text')
      .map(text => Buffer.from(text)),
    fc.jsonValue().map(value => Buffer.from(JSON.stringify(value))),
  )
  for (const [method, path] of uploads) {
    const property = fc.asyncProperty(names, types, contents, async (name, type, content) => {
      const body = new FormData()
      body.append('file', new Blob([new Uint8Array(content)], { type }), name)
      const response = await app.fetch(path, { method: method.toUpperCase(), headers, body })
      await checkAnswer(documented.paths[path]?.[method], response)
    })
    await fc.assert(property, { numRuns: 60, endOnFailure: true })
  }
})

test('a form that is cut, empty or without a boundary is refused', async () => {
  const { headers } = await signUp(app)
  const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\ntext\r\n'
  const forms: [type: string, body: string][] = [
    ['multipart/form-data', part],
    ['multipart/form-data; boundary=b', part],
    ['multipart/form-data; boundary=b', ''],
    ['multipart/form-data; boundary=b', '--b--'],
  ]
  for (const path of ['/api/v1/users/me/avatar', '/api/v1/chat/attachments', '/api/v1/chat/imports']) {
    for (const [type, body] of forms) {
      const method = path.endsWith('avatar') ? 'PUT' : 'POST'
      const response = await app.fetch(path, { method, headers: { ...headers, 'content-type': type }, body })
      expect(response.status, `${path} ${type} ${body.slice(0, 80)}`).toBeGreaterThanOrEqual(400)
      expect(response.status, `${path} ${type} ${body.slice(0, 80)}`).toBeLessThan(500)
    }
  }
})
