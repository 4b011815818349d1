import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSentenceSplitter, type Sentence, splitSentences } from './sentences.ts'

const spoken = (text: string) =>
  splitSentences(text)
    .map(sentence => sentence.text)
    .filter(sentence => sentence !== '')

describe('where a sentence ends', () => {
  test.each([
    ['你好。今天天气很好！我们去公园吧？', ['你好。', '今天天气很好！', '我们去公园吧？']],
    ['圆周率是3.14，约等于22/7。对吧', ['圆周率是3.14，', '约等于22/7。', '对吧']],
    ['“你好！”她说。“再见。”', ['“你好！”', '她说。', '“再见。”']],
    ['Hello there. How are you? Fine!', ['Hello there.', 'How are you?', 'Fine!']],
    [
      'Dr. Smith met J. Doe, e.g. at 3.5 p.m. today. Then he left.',
      ['Dr. Smith met J. Doe,', 'e.g. at 3.5 p.m. today.', 'Then he left.'],
    ],
    ['It costs 5. Then more.', ['It costs 5.', 'Then more.']],
    ['Wait... what? 嗯……好吧。', ['Wait... what?', '嗯……好吧。']],
    ['见 12:30, 版本 v1.2.3!好', ['见 12:30,', '版本 v1.2.3!', '好']],
    ['你好，世界这么大，我想去看看，行吗？', ['你好，世界这么大，', '我想去看看，行吗？']],
    ['太好了！！！真的？！是的。', ['太好了！！！', '真的？！', '是的。']],
    ['第一行\n第二行\n\n第三行', ['第一行', '第二行', '第三行']],
    ['1. 打开盒子\n2. 按下按钮', ['1. 打开盒子', '2. 按下按钮']],
    ['。。。！？', []],
    ['', []],
  ])('%s', (text, sentences) => expect(spoken(text)).toEqual(sentences))

  test('a long sentence is cut at its clauses, and one without any at its length', () => {
    const clauses = spoken(`短。${'这是一个很长的分句里面没有句号，'.repeat(12)}`)
    expect(clauses.length).toBeGreaterThan(3)
    for (const clause of clauses.slice(1)) expect(clause).toMatch(/，$/)
    const letters = spoken('字'.repeat(500))
    expect(letters.join('')).toBe('字'.repeat(500))
    expect(Math.max(...letters.map(part => part.length))).toBe(80)
  })
})

describe('what is spoken', () => {
  test.each([
    ['# 标题\n正文', ['标题', '正文']],
    ['- **粗体**和*斜体*\n- `代码`', ['粗体和斜体', '代码']],
    ['**你好。再见**', ['你好。', '再见']],
    ['看[这里](https://example.com/a?b=1.2!c)吧。', ['看这里吧。']],
    ['![图](a.png) 见 https://example.com/x.y?z=1 好', ['图 见 好']],
    ['> 引用\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |', ['引用', '甲 乙', '1 2']],
    ['太棒了😀🎉！👨‍👩‍👧 好', ['太棒了！', '好']],
    ['🇨🇳1️⃣©', []],
    ['2 * 3 = 6, snake_case_name, a*b', ['2 * 3 = 6,', 'snake_case_name, a*b']],
    ['前面\n```ts\nconst a = "b。c"\n```\n后面', ['前面', '后面']],
    ['~~~\n没说完', []],
    [`密钥是${'a1B2'.repeat(16)}，请保管好`, ['密钥是 ，', '请保管好']],
    ['<b>粗</b><br>体', ['粗体']],
    ['\\*不是列表', ['不是列表']],
  ])('%s', (text, sentences) => expect(spoken(text)).toEqual(sentences))
})

describe('whatever the text and its pieces', () => {
  const alphabet = [
    ...'。！？；，、：…—.!?,:;"\'“”‘’（）()[]*_`~#>|-\\/\n\n  ',
    ...'你好世界天气abcXYZ0123456789',
    '```',
    '~~~',
    'https://',
    '😀',
    '👨‍👩‍👧',
    'e\u0301',
    '\uD83D',
    'Mr',
    'e.g',
  ]
  const text = fc.oneof(
    fc.array(fc.constantFrom(...alphabet), { maxLength: 400 }).map(parts => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 300 }),
  )
  const pieces = (whole: string, cuts: readonly number[]) => {
    const splitter = createSentenceSplitter()
    const found: Sentence[] = []
    const places = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((a, b) => a - b)
    let from = 0
    for (const place of [...places, whole.length]) {
      found.push(...splitter.push(whole.slice(from, place)))
      from = place
    }
    return [...found, ...splitter.end()]
  }

  test('nothing is lost or reordered, and the pieces do not matter', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(2000), { maxLength: 60 }), (whole, cuts) => {
        const once = splitSentences(whole)
        expect(once.map(({ raw }) => raw).join('')).toBe(whole)
        expect(pieces(whole, cuts)).toEqual(once)
        for (const { raw } of once) expect(raw).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })

  test('letter by letter is the same', () => {
    fc.assert(
      fc.property(text, whole => {
        const every = Array.from({ length: whole.length }, (_, index) => index)
        expect(pieces(whole, every)).toEqual(splitSentences(whole))
      }),
      { numRuns: 300 },
    )
  })

  test('nothing spoken is longer than about fifteen seconds', () => {
    fc.assert(
      fc.property(text, whole => {
        for (const sentence of splitSentences(whole)) expect(sentence.text.length).toBeLessThanOrEqual(170)
      }),
      { numRuns: 500 },
    )
  })
})
