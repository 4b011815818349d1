import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApp } from '#core/testing/app.ts'
import { claimedDevice } from '#modules/devices/testing.ts'
import { signInAdmin, signUp } from '#modules/identity/testing.ts'
import { type Asker, ask, complaint, templates } from './bad-input.testing.ts'

/* Schemas that administrators write, and what is held against them: what is wrong is told at its place. */

let asker: Asker
let serial = 0

beforeAll(async () => {
  const app = await startTestApp()
  asker = { app, who: await signInAdmin(app) }
})
afterAll(() => asker.app.stop())

const object = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
})
const nested = (depth: number): object => (depth === 0 ? object({}) : object({ a: nested(depth - 1) }))
const text = (more: object) => object({ a: { type: 'string', maxLength: 50, ...more } })

const schemaRows: [what: string, schema: object, at: string, en: string, zh: string][] = [
  ['no object', { type: 'array' }, '/type', 'Must be “object”.', '应为“object”。'],
  [
    'an unknown keyword',
    text({ secret: 1 }),
    '/properties/a/secret',
    'This is not known here.',
    '这里没有这一项。',
  ],
  [
    'an unknown type',
    object({ a: { type: 'texts' } }),
    '/properties/a/type',
    'Must be one of: string, number, integer, boolean, object, array.',
    '应为以下之一：string、number、integer、boolean、object、array。',
  ],
  [
    'a reference',
    object({ a: { $ref: 'file:///etc/passwd' } }),
    '/properties/a/$ref',
    'References are not allowed here.',
    '不能使用引用。',
  ],
  ['too many levels', nested(9), '', 'It is nested more than 5 levels deep.', '嵌套不能超过 5 层。'],
  [
    'a pattern that could hang',
    text({ pattern: '^(a+)+$' }),
    '/properties/a/pattern',
    'A repeated group may hold no repeats and no choices: it could take for ever.',
    '重复的分组内不能再有重复或多选，否则匹配可能永远不会结束。',
  ],
  [
    'a broken pattern',
    text({ pattern: '(' }),
    '/properties/a/pattern',
    'This is not a regular expression.',
    '不是正则表达式。',
  ],
  [
    'a bad name',
    object({ 'A b': { type: 'string' } }),
    '/properties/A b',
    'This name cannot be used. Must have the form “^[a-z][a-z0-9_]{0,49}$”.',
    '不能使用这个名称：格式应符合“^[a-z][a-z0-9_]{0,49}$”。',
  ],
  [
    'a value that stands twice',
    text({ enum: ['x', 'x'] }),
    '/properties/a/enum',
    'Two of the items are the same.',
    '列表中有重复的项。',
  ],
]

test.each(schemaRows)('a category with %s is refused with the place', async (_, schema, at, ...texts) => {
  const body = { name: `bad_${++serial}`, titles: { 'zh-CN': '坏', en: 'Bad' }, schema }
  const told = await complaint(asker, `/body/schema${at}`, 'POST', '/api/v1/cards/categories', body)
  expect(told).toEqual({ status: 422, code: 'category.schema_invalid', texts })
})

const typeRows: typeof schemaRows = [
  ['no object', { type: 'array' }, '/type', 'Must be “object”.', '应为“object”。'],
  [
    'an unknown type',
    object({ a: { type: 'texts' } }),
    '/properties/a/type',
    'Must be one of: array, boolean, integer, null, number, object, string.',
    '应为以下之一：array、boolean、integer、null、number、object、string。',
  ],
  [
    'a bad limit',
    object({ a: { minimum: '1' } }),
    '/properties/a/minimum',
    'Must be a number.',
    '应为数字。',
  ],
  [
    'no schema inside',
    object({ a: 5 }),
    '/properties/a',
    'Must be an object, true or false.',
    '应为对象、true 或 false。',
  ],
  [
    'a reference to elsewhere',
    object({ a: { $ref: 'https://example.com/a' } }),
    '/properties/a/$ref',
    'References to elsewhere are not allowed.',
    '不能引用外部内容。',
  ],
  [
    'a reference to nothing',
    object({ a: { $ref: '#/definitions/a' } }),
    '/properties/a/$ref',
    'There is nothing at this reference.',
    '引用的位置没有内容。',
  ],
  [
    'a reference in a circle',
    object({}, { $ref: '#' }),
    '/$ref',
    'It is nested more than 16 levels deep, or its references go round in circles.',
    '嵌套超过了 16 层，或引用形成了循环。',
  ],
  [
    'references that multiply',
    object(
      {},
      {
        $ref: '#/definitions/a0',
        definitions: Object.fromEntries(
          Array.from({ length: 13 }, (_, at) => [
            `a${at}`,
            { allOf: [1, 2].map(() => (at === 12 ? {} : { $ref: `#/definitions/a${at + 1}` })) },
          ]),
        ),
      },
    ),
    '',
    'With its references it has more than 2000 parts.',
    '展开引用后超过了 2000 个部分。',
  ],
  [
    'a pattern',
    text({ pattern: 'a' }),
    '/properties/a/pattern',
    'Regular expressions are not allowed here.',
    '不能使用正则表达式。',
  ],
  [
    'an unknown format',
    text({ format: 'colour' }),
    '/properties/a/format',
    'This format is not known here.',
    '不支持这种格式。',
  ],
  [
    'another draft',
    object({}, { $schema: 'https://json-schema.org/draft/2020-12/schema' }),
    '/$schema',
    'Must be “http://json-schema.org/draft-07/schema#”.',
    '应为“http://json-schema.org/draft-07/schema#”。',
  ],
]

test.each(typeRows)('a type of device with %s is refused with the place', async (_, schema, at, ...texts) => {
  const body = { key: `bad-${++serial}`, name: 'Bad', category: 'toy', properties_schema: schema }
  const told = await complaint(asker, `/body/properties_schema${at}`, 'POST', '/api/v1/devices/types', body)
  expect(told).toEqual({ status: 422, code: 'device_type.schema_invalid', texts })
})

test('a type may have properties called as keywords are, and references to its own definitions', async () => {
  const properties = { pattern: { $ref: '#/definitions/level' }, format: { type: 'string', format: 'date' } }
  const properties_schema = object(properties, { definitions: { level: { type: 'integer', maximum: 3 } } })
  const body = { key: `good-${++serial}`, name: 'Good', category: 'toy', properties_schema }
  expect((await ask(asker, 'en', 'POST', '/api/v1/devices/types', body)).status).toBe(201)
})

const everyKind = object(
  {
    word: { type: 'string', minLength: 2, maxLength: 3 },
    size: { type: 'string', enum: ['small', 'large'] },
    day: { type: 'string', format: 'date' },
    code: { type: 'string', maxLength: 9, pattern: '^[A-Z]+$' },
    half: { type: 'number', multipleOf: 0.5, exclusiveMinimum: 0, exclusiveMaximum: 9 },
    list: {
      type: 'array',
      items: object({ n: { type: 'integer' } }, { required: ['n'] }),
      minItems: 2,
      uniqueItems: true,
    },
  },
  { required: ['word'] },
)
const attributeRows: [values: object, at: string, en: string, zh: string][] = [
  [{}, '/word', 'This is required.', '此项必填。'],
  [{ word: 'x' }, '/word', 'Must have at least 2 characters.', '至少 2 个字符。'],
  [{ word: 'four' }, '/word', 'Must have at most 3 characters.', '最多 3 个字符。'],
  [{ more: 1 }, '/more', 'This is not known here.', '这里没有这一项。'],
  [{ size: 'huge' }, '/size', 'Must be one of: small, large.', '应为以下之一：small、large。'],
  [{ day: 'today' }, '/day', 'Must be a date (such as 2026-01-31).', '应为日期（例如 2026-01-31）。'],
  [{ half: 0.3 }, '/half', 'Must be a multiple of 0.5.', '必须是 0.5 的倍数。'],
  [{ half: -1 }, '/half', 'Must be more than 0.', '必须大于 0。'],
  [{ half: 9 }, '/half', 'Must be less than 9.', '必须小于 9。'],
  [{ list: [{ n: 1 }] }, '/list', 'Must have at least 2 items.', '至少 2 项。'],
  [{ list: [{ n: 1 }, { n: 1 }] }, '/list', 'Two of the items are the same.', '列表中有重复的项。'],
  [{ list: [{ n: 1 }, {}] }, '/list/1/n', 'This is required.', '此项必填。'],
  [{ list: [{ n: 1 }, { n: 'x' }] }, '/list/1/n', 'Must be a whole number.', '应为整数。'],
]
const patternRow: (typeof attributeRows)[number] = [
  { code: 'a' },
  '/code',
  'Must have the form “^[A-Z]+$”.',
  '格式应符合“^[A-Z]+$”。',
]

test.each([...attributeRows, patternRow])(
  'the attributes %j of a template are told at %s',
  async (attributes, at, ...texts) => {
    const body = { name: 'every_kind', titles: { 'zh-CN': '全', en: 'All' }, schema: everyKind }
    await ask(asker, 'en', 'POST', '/api/v1/cards/categories', body)
    const told = await complaint(
      asker,
      `/body/attributes${at}`,
      ...templates({ category: 'every_kind', attributes }),
    )
    expect(told).toEqual({ status: 422, code: 'template.invalid', texts })
  },
)

test('the properties of a device are told at their places too', async () => {
  const { app } = asker
  const owner = await signUp(app)
  const { code: _, ...properties } = everyKind.properties as Record<string, object>
  const made = await ask(asker, 'en', 'POST', '/api/v1/devices/types', {
    key: `every-${++serial}`,
    name: 'Every',
    category: 'toy',
    properties_schema: { ...everyKind, properties },
  })
  const { id: type_id } = made.problem as unknown as { id: string }
  const { id } = await claimedDevice(app, owner)
  expect((await ask(asker, 'en', 'PATCH', `/api/v1/devices/registrations/${id}`, { type_id })).status).toBe(
    200,
  )
  for (const [desired, at, ...texts] of attributeRows) {
    const told = await complaint(
      { app, who: owner },
      `/body/desired${at}`,
      'PATCH',
      `/api/v1/devices/devices/${id}/state`,
      { desired },
    )
    expect(told, at).toEqual({ status: 422, code: 'device_state.invalid', texts })
  }
})
