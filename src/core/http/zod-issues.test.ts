import { expect, test } from 'vitest'
import { z } from 'zod'
import { zodIssues } from './zod-issues.ts'

const part = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), image: z.object({ url: z.string() }) }),
])
const shape = z.object({
  content: z.union([z.string(), z.array(part)]).optional(),
  role: z.enum(['user', 'system']).optional(),
  kind: z
    .discriminatedUnion('of', [z.object({ of: z.literal('a') }), z.object({ of: z.literal('b') })])
    .optional(),
  id: z.uuid().optional(),
  whole: z.int().max(9).optional(),
  list: z.array(z.string()).min(1).optional(),
  name: z.string().max(3).optional(),
  'a/b': z.record(z.string(), z.number()).optional(),
})

test.each([
  [{ content: 7 }, '/content', 'Must be text or a list.', '应为文本或列表。'],
  [{ content: [{ type: 'text' }] }, '/content/0/text', 'This is required.', '此项必填。'],
  [
    { content: [{ type: 'image', image: { url: 1 } }] },
    '/content/0/image/url',
    'Must be text.',
    '应为文本。',
  ],
  [{ content: [3] }, '/content/0', 'Must be an object.', '应为对象。'],
  [{ role: 'queen' }, '/role', 'Must be one of: user, system.', '应为以下之一：user、system。'],
  [{ kind: { of: 'c' } }, '/kind/of', 'Must be one of: a, b.', '应为以下之一：a、b。'],
  [{ kind: {} }, '/kind/of', 'This is required.', '此项必填。'],
  [{ id: 'x' }, '/id', 'Must be a UUID.', '应为 UUID。'],
  [{ whole: 1.5 }, '/whole', 'Must be a whole number.', '应为整数。'],
  [{ whole: 10 }, '/whole', 'Must be 9 or less.', '不能大于 9。'],
  [{ list: [] }, '/list', 'Must not be empty.', '不能为空。'],
  [{ name: 'four' }, '/name', 'Must have at most 3 characters.', '最多 3 个字符。'],
  [{ 'a/b': { c: null } }, '/a~1b/c', 'Must be a number.', '应为数字。'],
])('%j', (input, pointer, en, chinese) => {
  const { error } = shape.safeParse(input)
  expect(error && zodIssues(error, input)).toEqual([{ pointer, detail: { en, 'zh-CN': chinese } }])
})
