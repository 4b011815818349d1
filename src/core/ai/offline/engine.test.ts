import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChatMessage, Delta } from '../types.ts'
import { offlineDeltas, offlineTitle } from './engine.ts'

const article = `# 社区图书馆的一年

社区图书馆今年新增图书三千册，其中儿童读物占了一半。社区图书馆每周六举办读书会，居民可以自由参加。
天气很好。

志愿者团队是社区图书馆的支柱。志愿者团队现在有四十人，负责图书整理和读书会的组织。
下周三之前需要完成新一季读书会的报名表，由王芳负责。

明年，社区图书馆计划开设电子阅览室，让居民在家也能借阅图书。`

const essay = `The garden on Mill Street began as an empty lot. Volunteers cleared the lot in a single spring.

Today the community garden feeds forty families. The community garden also runs a seed library, and the seed library
lends tools. It rained on Tuesday.

The volunteers must repair the fence by Friday. The city will decide about the water supply for the community garden next year.`

async function answer(...said: string[]): Promise<string> {
  const messages: ChatMessage[] = said.map(content => ({ role: 'user', content }))
  let text = ''
  for await (const delta of offlineDeltas({ messages })) if (delta.type === 'text') text += delta.text
  return text
}

const label = 'engine: "offline"'
const sentencesOf = (text: string) =>
  text
    .split('\n')
    .filter(line => line.startsWith('- '))
    .map(line => line.slice(2))

test.each([
  'hello',
  '你好',
  '今天天气怎么样？',
  'What is the title of the longest book?',
  '',
  'Write me a poem: about rain and the sea, please',
])('%j gets the set-up hint and no pretended reply', async said => {
  const text = await answer(said)
  expect(text).toMatch(/尚未接入语言模型|No language model is set up/)
  expect(text).toContain('OPENAI_API_KEY')
  expect(text).toContain(label)
})

test('the hint speaks the language of the user', async () => {
  expect(await answer('你好')).toContain('管理员')
  expect(await answer('hello')).toContain('an administrator')
})

test.each([
  ['总结：', article],
  ['请总结以下内容\n', article],
  ['帮我概括一下：', article],
  ['summarise: ', essay],
  ['Please summarize the following text:\n', essay],
  ['TL;DR\n', essay],
])('%j picks sentences of the text itself', async (command, text) => {
  const reply = await answer(command + text)
  const picked = sentencesOf(reply)
  expect(picked.length).toBeGreaterThanOrEqual(2)
  const flat = text.replace(/\s+/g, ' ')
  for (const sentence of picked) expect(flat).toContain(sentence.replace(/\s+/g, ' '))
  expect(picked.join()).not.toMatch(/天气很好|It rained/)
  expect(reply).toContain(label)
})

test('keywords are the words that come up, phrases included', async () => {
  const chinese = await answer(`关键词：${article}`)
  expect(chinese).toMatch(/图书馆/)
  expect(chinese).toMatch(/志愿者/)
  const english = await answer(`Extract the keywords:\n${essay}`)
  expect(english).toContain('community garden')
  expect(english).not.toMatch(/\bthe,/)
})

test('a title comes from the heading or the main sentence', async () => {
  expect(await answer(`给下面的文章起个标题：\n${article}`)).toContain('社区图书馆的一年')
  expect(await answer(`title:\n${essay}`)).toMatch(/garden/)
})

test('an outline follows the headings, or the paragraphs', async () => {
  expect(await answer('大纲：# 一\n正文正文正文正文\n## 二\n正文正文正文正文\n## 三')).toContain(
    '- 一\n  - 二\n  - 三',
  )
  const outline = await answer(`outline: ${essay}`)
  expect(outline).toMatch(/1\. The garden on Mill Street/)
  expect(outline).toMatch(/3\. The volunteers must repair the fence/)
})

test('minutes fill a template with points, tasks and keywords', async () => {
  const chinese = await answer(`会议纪要：${article}`)
  expect(chinese).toContain('### 待办\n\n- 下周三之前需要完成新一季读书会的报名表，由王芳负责。')
  expect(await answer(`meeting minutes: ${essay}`)).toContain('must repair the fence')
})

test('the operation may stand last, or alone after the text', async () => {
  expect(await answer(`${article}\n\n请总结一下`)).toContain('**摘要**')
  expect(await answer(essay, 'summary')).toContain('**Summary**')
})

test('without a text it asks for one', async () => {
  expect(await answer('总结')).toContain('请把要处理的文字也发给我')
  expect(await answer('summarise: this')).toContain('Send the text as well')
})

test('finishes like a provider, with a usage that is a real zero', async () => {
  const deltas: Delta[] = []
  for await (const delta of offlineDeltas({ messages: [{ role: 'user', content: 'hi' }] })) deltas.push(delta)
  expect(deltas.length).toBeGreaterThan(10)
  expect(deltas.slice(-2)).toEqual([
    { type: 'finish', reason: 'stop' },
    { type: 'usage', usage: { prompt_tokens: 0, completion_tokens: 0, source: 'upstream' } },
  ])
})

test('where a program expects JSON it refuses', async () => {
  const deltas = offlineDeltas({
    messages: [{ role: 'user', content: `总结：${article}` }],
    response_format: { type: 'json_object' },
  })
  await expect(deltas.next()).rejects.toMatchObject({ code: 'ai.not_configured' })
})

test.each([
  ['帮我写一份关于新能源汽车的市场分析报告，要包含数据。谢谢', '帮我写一份关于新能源汽车的市场分析报告'],
  ['How do I make sourdough bread at home?', 'How do I make sourdough bread at home?'],
  ['# Notes\n\nbody', 'Notes'],
  ['```js\ncode()\n```', null],
  ['   ', null],
])('the title of %j is %j', (text, title) => {
  expect(offlineTitle(text)).toBe(title)
})

test('no text breaks it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('总结：', '关键词：', 'title: ', 'outline: ', 'minutes: ', ''),
      fc.string({ unit: 'binary', maxLength: 300 }),
      async (command, text) => {
        expect(await answer(command + text)).toContain(label)
        offlineTitle(text)
      },
    ),
    { numRuns: 60 },
  )
})
