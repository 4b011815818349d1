import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openApiDocument } from '#core/http/openapi.ts'
import type { RouteDefinition } from '#core/http/route.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'

type Operation = {
  operationId: string
  summary: string
  parameters: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, object> }
  responses: Record<string, { description: string; content?: Record<string, object> }>
}
type OpenApi = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

let app: TestApp
let document: OpenApi
const operations = () => Object.values(document.paths).flatMap(methods => Object.values(methods))

beforeAll(async () => {
  app = await startTestApp({ settings: { OLLAMA_URL: 'off' } })
  document = (await (await app.fetch('/openapi.json')).json()) as OpenApi
})
afterAll(() => app.stop())

test('the document names every open route once, with a summary and what it answers', () => {
  expect(document.openapi).toBe('3.1.0')
  const shown = app.app.http.routes.filter(route => !route.hidden)
  expect(operations()).toHaveLength(shown.length)
  const ids = operations().map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { operationId, summary, responses } of operations()) {
    expect(operationId).toMatch(/^[a-z][\w]*$/)
    expect(summary.length, operationId).toBeGreaterThan(3)
    expect(Object.keys(responses), operationId).toContain('default')
    for (const { description } of Object.values(responses)) expect(description).toBeTypeOf('string')
  }
})

test('every parameter in a path is declared, and nothing else is', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort()
    for (const { parameters } of Object.values(methods)) {
      const declared = parameters.filter(({ in: place }) => place === 'path')
      expect(declared.map(({ name }) => name).sort(), path).toEqual(inPath)
      expect(declared.every(({ required }) => required)).toBe(true)
    }
  }
})

test('every reference leads somewhere, and no schema lies about unused', () => {
  const text = JSON.stringify(document)
  const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(match => match[1]))
  expect(references.size).toBeGreaterThan(5)
  const known = Object.keys(document.components.schemas).map(name => `#/components/schemas/${name}`)
  expect(known.sort()).toEqual([...references].sort())
})

test('a file that goes up is told as multipart, and what is no JSON as an answer of some kind', () => {
  const upload = document.paths['/api/v1/chat/attachments']?.post
  expect(Object.keys(upload?.requestBody?.content ?? {})).toEqual(['multipart/form-data'])
  const download = document.paths['/api/v1/chat/attachments/{id}/content']?.get
  expect(Object.keys(download?.responses[200]?.content ?? {})).toEqual(['*/*'])
  for (const { operationId, responses } of operations())
    expect(responses[204]?.content, operationId).toBeUndefined()
})

test('two schemas of one name are refused, for one would hide the other', () => {
  const route = (path: string, fields: z.ZodRawShape): RouteDefinition => ({
    method: 'GET',
    path,
    access: 'public',
    summary: 'A thing',
    response: z.object(fields).meta({ id: 'Thing' }),
    handler: () => ({}),
  })
  const one = route('/one', { id: z.string() })
  expect(() => openApiDocument([one, route('/two', { id: z.string() })], '1')).not.toThrow()
  expect(() => openApiDocument([one, route('/two', { id: z.int() })], '1')).toThrow('Thing')
})

test('/docs is a page that shows the document, and loads nothing from elsewhere', async () => {
  const page = await app.fetch('/docs')
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
  const html = await page.text()
  const linked = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '')
  expect(linked).toContain('/docs/docs.js')
  for (const path of linked) expect((await app.fetch(path)).status, path).toBe(200)
  expect((await app.fetch('/docs/')).status).toBe(200)
})
