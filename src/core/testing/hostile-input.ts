import fc from 'fast-check'
import type { JsonSchema } from '#core/http/schema.ts'

/** What people and programs send who mean harm, or do not know better. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    2 ** 53 + 2,
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\u202e\u0007\u001b[31m',
    '🧑‍👩‍👧‍👦'.repeat(50),
    "'; DROP TABLE identity_user; --",
    '<script>alert(1)</script>',
    '$' + '{process.exit(1)}',
    '%s%n%00%ff',
    '../../../etc/passwd',
    '00000000-0000-0000-0000-000000000000',
    '-Infinity',
    '9'.repeat(400),
    'x'.repeat(20_000),
    [],
    {},
    [[[[[[[[[[]]]]]]]]]],
    { toString: 1, constructor: { prototype: 1 } },
    JSON.parse('{"__proto__":{"admin":true}}'),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
)

/** Three English words one after another, which no Chinese text about an input has. */
export const englishSentence = /[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}/

/** Values that mostly fit the schema, so that they reach the code behind it. */
export function fitting(schema: JsonSchema, resolve: (ref: string) => JsonSchema): fc.Arbitrary<unknown> {
  const inner = (child: unknown) => fitting(child as JsonSchema, resolve)
  if (typeof schema.$ref === 'string') return inner(resolve(schema.$ref))
  const options = schema.anyOf ?? schema.oneOf
  if (Array.isArray(options)) return fc.oneof(...options.map(inner))
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  if (type === 'integer' || type === 'number') {
    const min = Number(schema.minimum ?? -1000)
    const max = Math.min(Number(schema.maximum ?? 1_000_000), 2 ** 31 - 1)
    return fc.integer({ min: Math.ceil(Math.min(min, max)), max })
  }
  if (type === 'array') return fc.array(inner(schema.items ?? {}), { maxLength: 3 })
  if (type === 'object') return fittingObject(schema, inner)
  if (type === 'string') return fittingString(schema)
  return hostile
}

function fittingObject(schema: JsonSchema, inner: (child: unknown) => fc.Arbitrary<unknown>) {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, unknown>)
  const requiredKeys = (schema.required ?? []) as string[]
  return fc.record(Object.fromEntries(properties.map(([name, child]) => [name, inner(child)])), {
    requiredKeys,
  })
}

function fittingString({ format, pattern, minLength = 0, maxLength = 50 }: JsonSchema) {
  if (format === 'uuid') return fc.uuid()
  if (format === 'email') return fc.emailAddress()
  if (format === 'date') return fc.constantFrom('2026-01-01', '1970-01-01', '9999-12-31')
  if (format === 'date-time') return fc.constant('2026-01-01T00:00:00Z')
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'))
  const min = Number(minLength)
  return fc.string({
    unit: 'grapheme',
    minLength: min,
    maxLength: Math.max(min, Math.min(Number(maxLength), 50)),
  })
}

/** A fitting object in which some members are hostile, missing or too many; or something else altogether. */
export function almost(schema: JsonSchema, resolve: (ref: string) => JsonSchema): fc.Arbitrary<unknown> {
  const fit = fitting(schema, resolve)
  const spoilt = fc
    .tuple(
      fit,
      fc.dictionary(fc.constantFrom(...names(schema), 'extra', '__proto__'), hostile, { maxKeys: 2 }),
    )
    .map(([value, changes]) =>
      value !== null && typeof value === 'object' ? { ...value, ...changes } : value,
    )
  return fc.oneof(
    { weight: 3, arbitrary: fit },
    { weight: 3, arbitrary: spoilt },
    { weight: 1, arbitrary: hostile },
  )
}

const names = (schema: JsonSchema): string[] => Object.keys((schema.properties ?? { other: 1 }) as object)
