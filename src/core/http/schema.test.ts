import { expect, test } from 'vitest'
import { z } from 'zod'
import { forStringify, SchemaNotExpressible, toJsonSchema } from './schema.ts'

const input = (schema: z.ZodType, open?: boolean) => toJsonSchema(schema, 'input', 'draft-07', open)

test.each([
  ['a refinement', z.object({ a: z.string().refine(value => value !== '') })],
  ['a transform', z.object({ a: z.string().transform(value => value.length) })],
  ['trim', z.object({ a: z.array(z.string().trim()) })],
  ['lower case', z.string().toLowerCase()],
  ['a coercion', z.object({ a: z.coerce.number() })],
  ['a pattern with flags', z.string().regex(/^a$/i)],
])('%s is refused at registration', (_, schema) => {
  expect(() => input(schema)).toThrow(SchemaNotExpressible)
})

test('inputs are closed at every level unless they are open', () => {
  const schema = z.object({ a: z.object({ b: z.string() }), map: z.record(z.string(), z.number()) })
  expect(input(schema)).toMatchObject({
    additionalProperties: false,
    properties: { a: { additionalProperties: false }, map: { additionalProperties: { type: 'number' } } },
  })
  expect(input(schema, true)).not.toHaveProperty('additionalProperties')
})

test('nullable values do not send the serialiser through a validator', () => {
  const schema = z.object({
    text: z.string().nullable(),
    id: z.uuid().nullable(),
    word: z.enum(['a', 'b']).nullable(),
    object: z.object({ n: z.int() }).nullable(),
  })
  expect(JSON.stringify(forStringify(toJsonSchema(schema, 'output', 'draft-07')))).not.toContain('anyOf')
})

test('formats of zod itself are not refused for the flags of their patterns', () => {
  expect(
    input(z.object({ id: z.uuid(), mail: z.email(), at: z.iso.datetime({ offset: true }) })),
  ).toMatchObject({
    properties: { id: { format: 'uuid' }, mail: { format: 'email' } },
  })
})
