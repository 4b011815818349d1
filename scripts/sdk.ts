/** `npm run sdk`: writes the types of the SDK from the OpenAPI document of the server in this tree. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonSchema } from '#core/http/schema.ts'

/** Where the types stand. */
export const sdkTypesFile = new URL('../sdk/types.ts', import.meta.url)

type Content = Record<string, { schema?: JsonSchema }>
type Operation = {
  summary: string
  parameters: { name: string; in: string; required: boolean; schema: JsonSchema }[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { content?: Content }>
}
type OpenApi = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, JsonSchema> }
}

/** TypeScript for a document: a type for each named schema, and `Routes`, what each route takes and answers. */
export function sdkTypes({ paths, components }: OpenApi): string {
  const named = sorted(components.schemas).map(
    ([name, schema]) => `${comment(schema.description, '')}export type ${name} = ${typeOf(schema, '')}\n`,
  )
  const routes = sorted(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const route = quoted(`${method.toUpperCase()} ${path}`)
      return `${comment(operation.summary, '  ')}  ${route}: ${routeType(operation)}\n`
    }),
  )
  return [
    '/* Written by `npm run sdk` from the OpenAPI document: do not edit. */\n',
    ...named,
    '/** What each route takes and answers. One without `response` answers with something else than JSON. */',
    `export type Routes = {\n${routes.join('')}}\n`,
  ].join('\n')
}

function routeType({ parameters, requestBody, responses }: Operation): string {
  const field = (name: string, type: string, isRequired = true) =>
    `    ${name}${isRequired ? '' : '?'}: ${type}\n`
  const fields: string[] = []
  for (const [place, name] of [
    ['path', 'params'],
    ['query', 'query'],
  ] as const) {
    const own = parameters.filter(parameter => parameter.in === place)
    const required = own.filter(parameter => parameter.required).map(parameter => parameter.name)
    const properties = Object.fromEntries(own.map(parameter => [parameter.name, parameter.schema]))
    const schema = { type: 'object', properties, required }
    if (own.length > 0) fields.push(field(name, typeOf(schema, '    '), required.length > 0))
  }
  const { 'application/json': body, 'multipart/form-data': form } = requestBody?.content ?? {}
  const isOnly = requestBody?.required === true && !(body && form)
  if (body?.schema) fields.push(field('body', typeOf(body.schema, '    '), isOnly))
  if (form) fields.push(field('file', 'Blob', isOnly))
  const success = Object.entries(responses).find(([status]) => status !== 'default')?.[1]
  const answer = success?.content?.['application/json']?.schema
  if (answer) fields.push(field('response', typeOf(answer, '    ')))
  else if (!success?.content) fields.push(field('response', 'undefined'))
  return fields.length > 0 ? `{\n${fields.join('')}  }` : '{}'
}

/** A schema as zod writes them; what else JSON Schema knows is `unknown`. */
function typeOf(schema: JsonSchema, indent: string): string {
  const inner = (child: unknown) => typeOf(child as JsonSchema, indent)
  if (typeof schema.$ref === 'string') return schema.$ref.replace(/.*\//, '')
  if ('const' in schema) return literal(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map(literal).join(' | ')
  const options = schema.anyOf ?? schema.oneOf
  if (Array.isArray(options)) return [...new Set(options.map(inner))].join(' | ')
  if (Array.isArray(schema.allOf)) return schema.allOf.map(part => grouped(inner(part))).join(' & ')
  if (Array.isArray(schema.type)) return schema.type.map(type => inner({ ...schema, type })).join(' | ')
  if (schema.type === 'integer') return 'number'
  if (schema.type === 'string' || schema.type === 'number' || schema.type === 'boolean') return schema.type
  if (schema.type === 'null') return 'null'
  if (schema.type === 'array' && Array.isArray(schema.prefixItems))
    return `[${schema.prefixItems.map(inner).join(', ')}]`
  if (schema.type === 'array') return `${grouped(inner(schema.items ?? {}))}[]`
  return schema.type === 'object' ? objectType(schema, indent) : 'unknown'
}

function objectType(schema: JsonSchema, indent: string): string {
  const {
    properties = {},
    required = [],
    additionalProperties: rest,
    propertyNames,
  } = schema as {
    properties?: Record<string, JsonSchema>
    required?: string[]
    additionalProperties?: JsonSchema | boolean
    propertyNames?: JsonSchema
  }
  const deeper = `${indent}  `
  const fields = Object.entries(properties).map(([name, property]) => {
    const key = /^[a-z_$][\w$]*$/i.test(name) ? name : quoted(name)
    const type = typeOf(property, deeper)
    return `${comment(property.description, deeper)}${deeper}${key}${required.includes(name) ? '' : '?'}: ${type}\n`
  })
  const own = fields.length > 0 ? `{\n${fields.join('')}${indent}}` : 'Record<string, never>'
  if (rest === false || (rest === undefined && fields.length > 0)) return own
  const keys = Array.isArray(propertyNames?.enum) ? propertyNames.enum.map(literal).join(' | ') : 'string'
  const others = `Record<${keys}, ${typeof rest === 'object' ? typeOf(rest, indent) : 'unknown'}>`
  return fields.length > 0 ? `${own} & ${others}` : others
}

const sorted = <T>(record: Record<string, T>): [string, T][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))

const grouped = (type: string): string => (/ [|&] (?![^{]*\})/.test(type) ? `(${type})` : type)
const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
const literal = (value: unknown): string =>
  typeof value === 'string' ? quoted(value) : JSON.stringify(value)

const comment = (text: unknown, indent: string): string =>
  typeof text === 'string' ? `${indent}/** ${text.replaceAll('*/', '*\\/')} */\n` : ''

/** Starts a server on an empty database in a temporary directory, and takes its document. */
async function readDocument(): Promise<OpenApi> {
  const [{ loadModules }, { startApp }] = await Promise.all([import('#catalog'), import('#core/app.ts')])
  const root = mkdtempSync(join(tmpdir(), 'banyan-sdk-'))
  // As root, the database runs as another user, who must be able to enter.
  chmodSync(root, 0o711)
  const env = { PORT: '0', DATA_DIR: root, OLLAMA_URL: 'off' }
  const app = await startApp({ modules: await loadModules(), env, root, version: 'sdk', writeLog() {} })
  try {
    return (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApi
  } finally {
    await app.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const types = sdkTypes(await readDocument())
  const isNew = readFileSync(sdkTypesFile, 'utf8') !== types
  if (isNew) writeFileSync(sdkTypesFile, types)
  process.stdout.write(isNew ? 'sdk/types.ts is written.\n' : 'sdk/types.ts is up to date.\n')
  process.exit(0)
}
