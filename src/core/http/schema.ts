import { z } from 'zod'

/** JSON Schema as plain data. */
export type JsonSchema = { [key: string]: unknown }

/** A route's schema says something that JSON Schema cannot: a programming mistake, which the OpenAPI document shows too. */
export class SchemaNotExpressible extends Error {
  override name = 'SchemaNotExpressible'
}

type Part = 'input' | 'output'
type Target = 'draft-07' | 'draft-2020-12'

/**
 * A zod schema as JSON Schema. Inputs are closed (unknown keys are refused) unless `open`.
 * @throws {SchemaNotExpressible} for refinements, transforms, `.trim()`, `.toLowerCase()`, coercion and flagged
 *   patterns: they would vanish in silence, so such rules belong in the service.
 */
export function toJsonSchema(schema: z.ZodType, io: Part, target: Target, open = false): JsonSchema {
  const isForValidator = io === 'input' && target === 'draft-07'
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    target,
    io,
    unrepresentable: 'throw',
    // Without names everything stands where it is used, and a complaint says by its path which choice made it.
    ...(isForValidator ? { metadata: z.registry() } : {}),
    override: ({ zodSchema, jsonSchema, path }) => {
      const node = jsonSchema as JsonSchema
      refuseInexpressible(zodSchema, path)
      const { def } = zodSchema._zod
      if (isForValidator && 'discriminator' in def && node.oneOf) {
        const tag = String(def.discriminator)
        // The values are for the complaint about another one.
        const values = [...(zodSchema._zod.propValues?.[tag] ?? [])]
        Object.assign(node, { type: 'object', discriminator: { propertyName: tag, values } })
      }
      if (node.type === 'object' && node.properties && io === 'input') {
        if (open) delete node.additionalProperties
        else node.additionalProperties ??= false
      }
    },
  }) as JsonSchema
  return json
}

function refuseInexpressible(schema: z.core.$ZodTypes, path: readonly (string | number)[]) {
  const { def } = schema._zod
  const refuse = (what: string) => {
    throw new SchemaNotExpressible(
      `${what} at /${path.join('/')} cannot be said in JSON Schema; move the rule into the service`,
    )
  }
  if (def.type === 'transform' || def.type === 'pipe' || def.type === 'catch') refuse(`A ${def.type}`)
  if ('coerce' in def && def.coerce) refuse('A coercion')
  for (const check of def.checks ?? []) {
    const rule = check._zod.def
    if (rule.check === 'custom') refuse('A refinement')
    if (rule.check === 'overwrite') refuse('A normalisation such as .trim()')
    if (
      'pattern' in rule &&
      rule.pattern instanceof RegExp &&
      rule.pattern.flags.replace(/[uv]/g, '') !== ''
    ) {
      // zod's own formats (uuid, e-mail) carry an `i` flag, and are checked by their `format` keyword instead.
      if (!('format' in rule) || rule.format === 'regex') refuse('A pattern with flags')
    }
  }
}

/**
 * Rewrites a draft-7 response schema so that fast-json-stringify stays on its fast path: `anyOf: [X, null]` makes
 * it run a validator for each value, a list of types or `nullable` does not.
 */
export function forStringify(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema)) return schema.map(item => forStringify(item)) as unknown as JsonSchema
  if (schema === null || typeof schema !== 'object') return schema
  const node: JsonSchema = {}
  for (const [key, value] of Object.entries(schema))
    node[key] = key === 'enum' || key === 'const' ? value : forStringify(value as JsonSchema)
  if (typeof node.format === 'string') {
    delete node.format
    delete node.pattern
  }
  const options = node.anyOf
  if (!Array.isArray(options) || options.length !== 2) return node
  const nullIndex = options.findIndex(option => option.type === 'null')
  const other = options[1 - nullIndex]
  if (nullIndex < 0 || typeof other?.type !== 'string') return node
  const { anyOf: _, ...rest } = node
  if (other.type === 'object' || other.type === 'array') return { ...rest, ...other, nullable: true }
  if (other.enum) return { ...rest, ...other, type: [other.type, 'null'], enum: [...other.enum, null] }
  return { ...rest, ...other, type: [other.type, 'null'] }
}
