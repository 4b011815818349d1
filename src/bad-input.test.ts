import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeCursor } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import { startTestApp } from '#core/testing/app.ts'
import { signInAdmin } from '#modules/identity/testing.ts'
import { type Asker, ask, complaint, templates } from './bad-input.testing.ts'

/* Every kind of bad input at the real routes: each complaint stands at its place, whole in the reader's language. */

let asker: Asker

beforeAll(async () => {
  const app = await startTestApp()
  asker = { app, who: await signInAdmin(app) }
})
afterAll(() => asker.app.stop())

const batches = (changes: object) =>
  ['POST', '/api/v1/devices/batches', { type_id: 'x', name: 'A', ...changes }] as const
const condition = { type: 'count', event: 'chat.message_posted', filters: [], window: { unit: 'ever' } }
const rules = (conditions: unknown) =>
  ['POST', '/api/v1/achievements/previews', { rule: { conditions } }] as const
const get = (path: string) => ['GET', `/api/v1/${path}`] as const
const plans = (body: object) => ['POST', '/api/v1/billing/plans', body] as const

type Row = [what: string, request: readonly [string, string, unknown?], at: string, en: string, zh: string]

const rows: Row[] = [
  ['no body', ['POST', '/api/v1/cards/templates'], '/body', 'Must be an object.', '应为对象。'],
  ['another body', ['POST', '/api/v1/cards/templates', '[]'], '/body', 'Must be an object.', '应为对象。'],
  [
    'no JSON',
    ['POST', '/api/v1/cards/templates', '{'],
    '/body',
    'This is not valid JSON.',
    '不是有效的 JSON。',
  ],
  ['what is missing', templates({ name: undefined }), '/body/name', 'This is required.', '此项必填。'],
  [
    'what is missing further inside',
    templates({ rewards: { membership: { plan: 'vip' } } }),
    '/body/rewards/membership/days',
    'This is required.',
    '此项必填。',
  ],
  ['an unknown member', templates({ 'a/b': 1 }), '/body/a~1b', 'This is not known here.', '这里没有这一项。'],
  ['another type', templates({ name: 5 }), '/body/name', 'Must be text.', '应为文本。'],
  ['another type in a list', templates({ images: [5] }), '/body/images/0', 'Must be text.', '应为文本。'],
  [
    'a number for true',
    batches({ requires_proof: 1 }),
    '/body/requires_proof',
    'Must be true or false.',
    '应为 true 或 false。',
  ],
  [
    'a value of no choice',
    templates({ set_name: 5 }),
    '/body/set_name',
    'Must be text or null.',
    '应为文本或 null。',
  ],
  [
    'a value of three choices',
    plans({ id: 'a', entitlements: { seats: 'x' } }),
    '/body/entitlements/seats',
    'Must be a whole number, true, false or null.',
    '应为整数、true、false 或 null。',
  ],
  ['too short', get('chat/search?q='), '/query/q', 'Must not be empty.', '不能为空。'],
  ['blank', templates({ name: ' ' }), '/body/name', 'Must not be blank.', '不能只有空白。'],
  [
    'too long',
    templates({ name: 'x'.repeat(101) }),
    '/body/name',
    'Must have at most 100 characters.',
    '最多 100 个字符。',
  ],
  [
    'too long, where null fits too',
    templates({ set_name: 'x'.repeat(101) }),
    '/body/set_name',
    'Must have at most 100 characters.',
    '最多 100 个字符。',
  ],
  [
    'another value',
    templates({ rarity: 'gold' }),
    '/body/rarity',
    'Must be one of: common, uncommon, rare, epic, legendary.',
    '应为以下之一：common、uncommon、rare、epic、legendary。',
  ],
  ['no UUID', batches({}), '/body/type_id', 'Must be a UUID.', '应为 UUID。'],
  ['no UUID in the address', get('cards/templates/x'), '/params/id', 'Must be a UUID.', '应为 UUID。'],
  [
    'neither UUID nor word',
    get('chat/memories?bot_id=x'),
    '/query/bot_id',
    'Must be a UUID or “none”.',
    '应为 UUID 或“none”。',
  ],
  [
    'no date',
    batches({ produced_on: '2026-02-31' }),
    '/body/produced_on',
    'Must be a date (such as 2026-01-31) or null.',
    '应为日期（例如 2026-01-31）或 null。',
  ],
  [
    'another form',
    batches({ serial_from: 'é' }),
    '/body/serial_from',
    'Must have the form “^[A-Za-z0-9._-]{1,64}$”.',
    '格式应符合“^[A-Za-z0-9._-]{1,64}$”。',
  ],
  [
    'too little',
    templates({ rewards: { points: 0 } }),
    '/body/rewards/points',
    'Must be 1 or more.',
    '不能小于 1。',
  ],
  [
    'too much',
    templates({ rewards: { points: 1_000_001 } }),
    '/body/rewards/points',
    'Must be 1000000 or less.',
    '不能大于 1000000。',
  ],
  [
    'no whole number',
    templates({ rewards: { points: 1.5 } }),
    '/body/rewards/points',
    'Must be a whole number.',
    '应为整数。',
  ],
  [
    'no number in a query',
    get('cards/templates?limit=x'),
    '/query/limit',
    'Must be a whole number.',
    '应为整数。',
  ],
  [
    'too much in a query',
    get('cards/templates?limit=1000'),
    '/query/limit',
    'Must be 100 or less.',
    '不能大于 100。',
  ],
  [
    'an unknown part of a query',
    get('cards/templates?x=1'),
    '/query/x',
    'This is not known here.',
    '这里没有这一项。',
  ],
  ['too few', rules([]), '/body/rule/conditions', 'Must not be empty.', '不能为空。'],
  [
    'too many',
    rules(Array(6).fill(condition)),
    '/body/rule/conditions',
    'Must have at most 5 items.',
    '最多 5 项。',
  ],
  [
    'none of the kinds',
    rules([{ type: 'none' }]),
    '/body/rule/conditions/0/type',
    'Must be one of: count, sum, distinct, streak, set, first, top, prerequisite.',
    '应为以下之一：count、sum、distinct、streak、set、first、top、prerequisite。',
  ],
  ['no kind', rules([{}]), '/body/rule/conditions/0/type', 'This is required.', '此项必填。'],
  [
    'one of the kinds, incomplete',
    rules([{ ...condition, event: 5 }]),
    '/body/rule/conditions/0/event',
    'Must be text.',
    '应为文本。',
  ],
]

test.each(rows)(
  '%s is told at its place, in both languages',
  async (_, [method, path, json], at, ...texts) => {
    expect(await complaint(asker, at, method, path, json)).toEqual({
      status: 400,
      code: 'input.invalid',
      texts,
    })
  },
)

test.each<[string, string, object, string]>([
  ['POST', 'achievements/definitions', { names: { 'zh-CN': ' ', en: ' ' } }, '/body/names/en'],
  ['POST', 'admin/providers', { name: ' ' }, '/body/name'],
  ['POST', 'admin/models', { name: ' ' }, '/body/name'],
  ['POST', 'billing/plans', { names: { 'zh-CN': ' ', en: ' ' } }, '/body/names/zh-CN'],
  ['POST', 'cards/categories', { titles: { 'zh-CN': ' ', en: ' ' } }, '/body/titles/en'],
  ['POST', 'chat/bots', { name: ' ' }, '/body/name'],
  ['POST', 'chat/folders', { name: ' ' }, '/body/name'],
  ['POST', 'chat/conversations', { title: ' ' }, '/body/title'],
  ['POST', 'devices/batches', { name: ' ' }, '/body/name'],
  ['POST', 'devices/groups', { name: ' ' }, '/body/name'],
  ['POST', 'devices/types', { name: ' ' }, '/body/name'],
  ['PATCH', 'users/me', { display_name: ' ' }, '/body/display_name'],
  ['POST', 'identity/organisations', { name: ' ' }, '/body/name'],
  ['POST', 'auth/tokens', { name: ' ' }, '/body/name'],
])('%s /api/v1/%s takes no name of spaces', async (method, path, body, at) => {
  const { texts } = await complaint(asker, at, method, `/api/v1/${path}`, body)
  expect(texts).toEqual(['Must not be blank.', '不能只有空白。'])
})

test('a cursor that no list gave out is refused', async () => {
  const id = newId()
  const { app, who } = asker
  const made = await app.fetch('/api/v1/identity/organisations', {
    method: 'POST',
    headers: { ...who.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Cursors' }),
  })
  const organisation = (await made.json()) as { id: string }
  for (const [path, key] of [
    ['chat/conversations?', [true, '0000-01-01T00:00:00Z', id]],
    ['chat/search?q=tree&', ['1', id]],
    ['cards/usage?', ['\0']],
    [`identity/organisations/${organisation.id}/members?`, [1, '0000-01-01T00:00:00Z', id]],
    [`identity/organisations/${organisation.id}/members?`, [2 ** 40, '2026-11-21T00:00:00Z', id]],
  ] as const) {
    const cursor = encodeCursor(key)
    const response = await app.fetch(`/api/v1/${path}cursor=${cursor}`, { headers: who.headers })
    expect([path, response.status, ((await response.json()) as { code: string }).code]).toEqual([
      path,
      400,
      'page.invalid_cursor',
    ])
  }
})

test('the OpenAI door says all of it in one language', async () => {
  const texts = ['This is required.', '此项必填。']
  for (const [at, locale] of (['en', 'zh-CN'] as const).entries()) {
    const { problem } = await ask(asker, locale, 'POST', '/v1/chat/completions', { messages: [] })
    const { error } = problem as unknown as { error: { message: string; param: string } }
    expect(error.param).toBe('model')
    expect(error.message).toContain(`/body/model: ${texts[at]}`)
  }
})
