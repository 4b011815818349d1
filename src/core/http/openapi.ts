import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { RouteDefinition, Router } from './route.ts'
import { type JsonSchema, toJsonSchema } from './schema.ts'

const problem: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'noun.problem; stable, made for programs.' },
    detail: { type: 'string', description: 'What happened and what to do, in the language of the caller.' },
    request_id: { type: 'string' },
    details: { type: 'object', additionalProperties: true },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
}

type Components = Record<string, JsonSchema>

/**
 * A schema for the document. What has a name (`.meta({ id })`) moves to the components, where all routes share it;
 * an input differs from the output of the same name (it may leave out what has a default), and gets its own.
 */
function schemaOf(
  schema: z.ZodType,
  io: 'input' | 'output',
  components: Components,
  open = false,
): JsonSchema {
  const { $defs, ...json } = toJsonSchema(schema, io, 'draft-2020-12', open)
  const nameOf = (name: string) => (io === 'input' ? `${name}Input` : name)
  const relocate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(relocate)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, child]) => key !== 'id' || typeof child !== 'string')
        .map(([key, child]) => [
          key,
          key === '$ref' && typeof child === 'string'
            ? `#/components/schemas/${nameOf(child.replace('#/$defs/', ''))}`
            : relocate(child),
        ]),
    )
  }
  for (const [name, definition] of Object.entries(($defs ?? {}) as Components)) {
    const component = relocate(definition) as JsonSchema
    components[nameOf(name)] ??= component
    if (!isDeepStrictEqual(components[nameOf(name)], component))
      throw new Error(`Two schemas are called “${nameOf(name)}”; give one of them another id`)
  }
  return relocate(json) as JsonSchema
}

/** The OpenAPI 3.1 document of all routes that are not hidden. */
export function openApiDocument(routes: readonly RouteDefinition[], version: string): JsonSchema {
  const components: Components = { Problem: problem }
  const paths: Record<string, Record<string, JsonSchema>> = {}
  for (const route of routes) {
    if (route.hidden) continue
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route, components)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Banyan', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An access token, or an API token (bnt_…).' },
      },
    },
  }
}

function operation(route: RouteDefinition, components: Components): JsonSchema {
  const status = route.status ?? (route.response || route.raw ? 200 : 204)
  const json = (schema: JsonSchema) => ({ 'application/json': { schema } })
  return {
    operationId: operationId(route),
    tags: [tagOf(route.path)],
    summary: route.summary,
    ...(route.access === 'public'
      ? { security: [] }
      : { security: [{ bearer: [] }], 'x-access': route.access }),
    parameters: [
      ...parameters('path', route.params, components),
      ...parameters('query', route.query, components),
    ],
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: json(schemaOf(route.body, 'input', components, route.openInput)),
          },
        }
      : {}),
    ...(route.upload || route.file ? { requestBody: fileBody(route.file) } : {}),
    responses: {
      [status]: {
        description: 'Success',
        ...(route.response
          ? { content: json(schemaOf(route.response, 'output', components)) }
          : route.raw
            ? { content: { '*/*': {} } }
            : {}),
      },
      default: {
        description: 'An error',
        content: route.onError
          ? json({ description: 'In the shape of the foreign protocol.' })
          : { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

/** A file in a form; one of some kind may also be the body. */
function fileBody(kind: RouteDefinition['file']): JsonSchema {
  const file = { type: 'string', format: 'binary' }
  return {
    required: true,
    content: {
      ...(kind ? { [`${kind}/*`]: { schema: file } } : {}),
      'multipart/form-data': { schema: { type: 'object', required: ['file'], properties: { file } } },
    },
  }
}

function parameters(
  place: 'path' | 'query',
  schema: RouteDefinition['params'],
  components: Components,
): JsonSchema[] {
  if (!schema) return []
  const json = schemaOf(schema, 'input', components)
  const required = (json.required ?? []) as string[]
  return Object.entries((json.properties ?? {}) as Record<string, JsonSchema>).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }))
}

/** `GET /api/v1/chat/conversations/:id/messages` → `get_chat_conversations_by_id_messages`. */
const operationId = ({ method, path }: RouteDefinition): string =>
  `${method.toLowerCase()}_${path
    .replace(/^\/api\/v1\//, '')
    .replace(/:(\w+)/g, 'by_$1')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')}`

const tagOf = (path: string): string =>
  /^\/api\/v1\/([^/]+)/.exec(path)?.[1] ?? (path.startsWith('/v1/') ? 'openai' : 'core')

const docsFiles = [
  { path: '/docs', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/docs/docs.css', file: 'docs.css', type: 'text/css; charset=utf-8' },
  { path: '/docs/docs.js', file: 'docs.js', type: 'text/javascript; charset=utf-8' },
]

/** `/openapi.json`, and a page at `/docs` that shows it. */
export function openApiRoutes(router: Router, routes: readonly RouteDefinition[], version: string): void {
  let text: string | undefined
  router.route({
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    hidden: true,
    raw: true,
    summary: 'The OpenAPI document',
    handler({ reply }) {
      text ??= JSON.stringify(openApiDocument(routes, version))
      return reply.type('application/json').send(text)
    },
  })
  for (const { path, file, type } of docsFiles) {
    router.route({
      method: 'GET',
      path,
      access: 'public',
      hidden: true,
      raw: true,
      summary: 'The API, to browse',
      async handler({ reply }) {
        const content = await readFile(new URL(`docs/${file}`, import.meta.url))
        return reply
          .type(type)
          .header('content-security-policy', "default-src 'self'; base-uri 'none'")
          .send(content)
      },
    })
  }
}
