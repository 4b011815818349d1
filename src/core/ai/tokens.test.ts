import { readFileSync } from 'node:fs'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { estimateMessage, estimatePrompt, estimateTokens, tokensOfCharacters } from './tokens.ts'

const chinese = `榕树是一种常见的树，枝条上垂下的气根扎进土里，渐渐长成新的树干，于是一棵树就成了一片林子。我们做的平台也是这样：
核心只有一个，每个产品都从核心上长出来，扎下自己的根。用户登录之后可以和模型对话，查看自己的额度，管理会话和文件；管理员可以
配置服务商、密钥和价格，查看每天的用量和费用。系统在断网时也能工作，只是能做的事情少一些，例如提取摘要、关键词和标题。`
const english = `A banyan is one tree that stands on many trunks. Its branches let down roots, the roots reach the ground
and thicken, and after some years nobody can say which trunk was the first. Visitors walk between them as in a hall. The
platform grows in the same way: there is one core with accounts, billing, and a gateway to language models, and the
products stand around it. Administrators configure providers and prices; everybody else simply starts a conversation.`
const code = readFileSync(new URL('./ledger.ts', import.meta.url), 'utf8')
const table = `id,name,amount,created_at\n${Array.from({ length: 60 }, (_, i) => `${i + 1000},customer ${i},${(i * 37.31).toFixed(2)},2026-11-${String((i % 28) + 1).padStart(2, '0')}T08:15:00Z`).join('\n')}`

test.each([
  ['Chinese prose', chinese],
  ['English prose', english],
  ['code', code],
])('%s: within 20 %% of o200k', (_, text) => {
  const ratio = estimateTokens(text) / countTokens(text)
  expect(ratio).toBeGreaterThan(0.9)
  expect(ratio).toBeLessThan(1.2)
})

test.each([
  ['tables', table],
  [
    'JSON',
    JSON.stringify(
      Array.from({ length: 40 }, (_, i) => ({ id: i, is_ok: i % 2 === 0, tags: ['a', `tag-${i}`] })),
    ),
  ],
  [
    'Japanese',
    '榕樹は一本の木でありながら、たくさんの幹で立っています。枝から下りた根が地面に届くと、やがて太い幹になります。',
  ],
  [
    'Korean',
    '반얀나무는 한 그루이지만 여러 줄기로 서 있습니다. 가지에서 내려온 뿌리가 땅에 닿으면 새로운 줄기가 됩니다.',
  ],
  [
    'Russian',
    'Баньян — это одно дерево, которое стоит на множестве стволов. Его ветви опускают корни до самой земли.',
  ],
  [
    'German',
    'Ein Banyan ist ein Baum, der auf vielen Stämmen steht; seine Äste lassen Wurzeln bis zum Boden herab.',
  ],
  ['emoji', '今天很开心 😀😀🎉 走吧 🚀'],
])('%s: within a factor of 1.5', (_, text) => {
  const ratio = estimateTokens(text) / countTokens(text)
  expect(ratio).toBeGreaterThan(0.67)
  expect(ratio).toBeLessThan(1.5)
})

test('a huge text is sampled, and comes out as if read in full', () => {
  const long = `${english}\n${chinese}\n`.repeat(3000)
  const expected = estimateTokens(`${english}\n${chinese}\n`.repeat(100)) * 30
  expect(Math.abs(estimateTokens(long) / expected - 1)).toBeLessThan(0.03)
})

test('nothing is zero tokens, and messages, images, calls and tools are counted', () => {
  expect(estimateTokens('')).toBe(0)
  expect(estimateMessage({ role: 'user', content: 'hi' })).toBe(5)
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const
  expect(estimateMessage({ role: 'user', content: [{ type: 'text', text: 'hi' }, image] })).toBe(1205)
  const toolCall = {
    id: 'c',
    type: 'function',
    function: { name: 'search', arguments: '{"q":"banyan"}' },
  } as const
  expect(estimateMessage({ role: 'assistant', content: null, tool_calls: [toolCall] })).toBeGreaterThan(8)
  const tool = { type: 'function', function: { name: 'search', parameters: { type: 'object' } } } as const
  const messages = [{ role: 'user', content: 'hi' }] as const
  expect(estimatePrompt(messages, [tool])).toBeGreaterThan(estimatePrompt(messages) + 10)
  expect(tokensOfCharacters({ narrow: 400, wide: 100 })).toBe(180)
})
