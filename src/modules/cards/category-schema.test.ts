import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkSchema, compileSchema, filesIn, type ObjectNode } from './category-schema.ts'
import { builtinCategories } from './migrations/builtin-categories.ts'
import { longestMatched, patternProblem } from './safe-pattern.ts'

const object = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
})
const checked = (given: unknown): ObjectNode => {
  const { schema, issues } = checkSchema(given)
  if (!schema) throw new Error(JSON.stringify(issues))
  return schema
}

test('the categories that Banyan comes with pass its own check', () => {
  for (const { name, schema } of builtinCategories)
    expect([name, checkSchema(schema).issues]).toEqual([name, null])
})

test.each([
  ['a reference outside', object({ a: { $ref: 'https://example.com/schema.json' } }), '/properties/a/$ref'],
  ['a reference inside', object({ a: { type: 'string', $ref: '#' } }), '/properties/a/$ref'],
  ['a combinator', object({ a: { anyOf: [{ type: 'string' }] } }), '/properties/a/type'],
  ['an unknown keyword', object({ a: { type: 'string', secret: true } }), '/properties/a/secret'],
  ['an unknown format', object({ a: { type: 'string', format: 'regex' } }), '/properties/a/format'],
  ['a property of the prototype', object({ __proto__x: { type: 'string' } }), '/properties/__proto__x'],
  ['an open object', { type: 'object', properties: {} }, '/additionalProperties'],
  ['no object', { type: 'string' }, '/type'],
  ['something that is required and not there', object({}, { required: ['a'] }), '/required'],
  ['a minimum of another type', object({ a: { type: 'string', minimum: 1 } }), '/properties/a/minimum'],
  ['a pattern without an end', object({ a: { type: 'string', pattern: '^a$' } }), '/properties/a/pattern'],
  ['a bad pattern', object({ a: { type: 'string', maxLength: 9, pattern: '(' } }), '/properties/a/pattern'],
  [
    'a catastrophic pattern',
    object({ a: { type: 'string', maxLength: 50, pattern: '^(a+)+$' } }),
    '/properties/a/pattern',
  ],
  ['a value that stands twice', object({ a: { type: 'string', enum: ['x', 'x'] } }), '/properties/a/enum'],
  [
    'something that is required twice',
    object({ a: { type: 'number' } }, { required: ['a', 'a'] }),
    '/required',
  ],
  ['nothing', null, ''],
  ['too much', object({ a: { type: 'string', description: 'x'.repeat(30_000) } }), ''],
])('a schema with %s is refused, and the place is named', (_, schema, pointer) => {
  const { issues } = checkSchema(schema)
  expect(issues?.map(issue => issue.pointer)).toContain(`/body/schema${pointer}`)
})

test('a schema nested too deep is refused, however deep it is', () => {
  const nested = (depth: number): object => (depth === 0 ? object({}) : object({ a: nested(depth - 1) }))
  expect(checkSchema(nested(4)).issues).toBeNull()
  expect(checkSchema(nested(6)).issues).not.toBeNull()
  expect(checkSchema(nested(400)).issues?.[0]?.pointer).toBe('/body/schema')
})

test('attributes are held against the schema, with a pointer to each mistake', () => {
  const validate = compileSchema(
    checked(
      object(
        {
          code: { type: 'string', maxLength: 10, pattern: '^[A-Z]{2}\\d+$' },
          tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
          level: { type: 'integer', minimum: 1 },
        },
        { required: ['code'] },
      ),
    ),
  )
  expect(validate({ code: 'AB1' })).toBe(true)
  expect(validate({ code: 'ab', tags: ['x', 3], level: 0, other: 1 })).toBe(false)
  const pointers = validate.errors?.map(error => error.instancePath)
  expect(pointers).toEqual(expect.arrayContaining(['/code', '/tags/1', '/level', '']))
  expect(validate({ code: `${'A'.repeat(500_000)}1` })).toBe(false)
})

test('files are found wherever attributes name them', () => {
  const schema = checked(
    object({
      cover: { type: 'string', format: 'image' },
      tracks: { type: 'array', items: object({ file: { type: 'string', format: 'audio' } }) },
    }),
  )
  expect([...filesIn(schema, { cover: 'c', tracks: [{ file: 'a' }, {}] })]).toEqual([
    { id: 'c', kind: 'image', pointer: '/cover' },
    { id: 'a', kind: 'audio', pointer: '/tracks/0/file' },
  ])
})

test.each([
  '^[A-Z]{2}\\d+$',
  '^\\d{3}-\\d{4}$',
  '^(?:\\d{3}-){2}\\d{4}$',
  '^(red|green|blue)$',
  '^a(?:-\\d+)?$',
  '^[\\p{L} ]+$',
])('%s is a harmless pattern', pattern => expect(patternProblem(pattern)).toBeNull())

test.each([
  '(a+)+$',
  '(a*)*$',
  '(a|a)*$',
  '(?:a|aa)+$',
  '((a{1,9}){1,9}){1,9}$',
  '(.*a){20}',
  '([a-z]+)*!',
  '(a?){30}a{30}',
  'a*a*a*a*b',
  '(a|b)(a|b)(a|b)(a|b)',
  '(a)\\1',
  '(?=a)b',
  '(?<=a)b',
  '(?<n>a)\\k<n>',
  'a{2000}',
  '[',
])('%s is refused', pattern => expect(patternProblem(pattern)).not.toBeNull())

test('what is let through ends soon on any text', () => {
  const pattern = fc
    .array(
      fc.constantFrom(
        'a',
        'b',
        '.',
        '[ab]',
        '(',
        ')',
        '(?:',
        '|',
        '*',
        '+',
        '?',
        '{2}',
        '{1,5}',
        '\\d',
        '$',
        '^',
      ),
      { maxLength: 14 },
    )
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(pattern, fc.constantFrom('a', 'b', 'ab', 'aab'), (text, unit) => {
      if (patternProblem(text) !== null) return
      const long = `${unit.repeat(longestMatched)}`.slice(0, longestMatched - 1)
      // A catastrophic one would not come back within the time of the test.
      new RegExp(text, 'u').test(`${long}!`)
    }),
    { numRuns: 3000 },
  )
})
