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
    // Numbers.
    ['现在是12：30，走吧。', ['现在是12：30，', '走吧。']],
    ['共￥1,234.56元。涨3.5%。', ['共￥1,234.56元。', '涨3.5%。']],
    ['IP 192.168.1.1。见 v2.0. 然后', ['IP 192.168.1.1。', '见 v2.0.', '然后']],
    ['步骤如下：1. 打开 2. 关闭', ['步骤如下：', '1. 打开 2. 关闭']],
    // Abbreviations.
    ['See Fig. 3 and Sec. 4.2. On Jan. 5 he left.', ['See Fig. 3 and Sec. 4.2.', 'On Jan. 5 he left.']],
    ['No. That is wrong. No. 5 is.', ['No.', 'That is wrong.', 'No. 5 is.']],
    ['The U.S. Senate met. Ph.D. Wu came.', ['The U.S. Senate met.', 'Ph.D. Wu came.']],
    ['来自U.S.的Mr.王。', ['来自U.S.的Mr.王。']],
    // Quotation marks and ellipses.
    ['他说：「你好。」然后走了。「真的？」', ['他说：「你好。」', '然后走了。', '「真的？」']],
    ['“今天天气不错，”她说，“走吧……”他笑了。', ['“今天天气不错，”', '她说，“走吧……”他笑了。']],
    ['『第一。』《第二》！【三】', ['『第一。』', '《第二》！', '【三】']],
    ['我想了很久很久……。”然后呢', ['我想了很久很久……。”', '然后呢']],
    ['我想了很久很久——”他停下', ['我想了很久很久——”', '他停下']],
    ['……好的……？真的…!', ['……好的……？', '真的…!']],
    // Two languages.
    ['用Node.js写app。It works! 很好.再见', ['用Node.js写app。', 'It works!', '很好.', '再见']],
    ['Hi.你好,world. Bye', ['Hi.', '你好,world.', 'Bye']],
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
    // Addresses.
    ['见https://a.cn/b.c. 然后', ['见.', '然后']],
    ['see https://a.b/c, then www.x.org/y?z=1! Go', ['see ,', 'then !', 'Go']],
    ['“看ftp://a.b/c”。<https://a.b/c>', ['“看”。']],
    ['[甲](https://a.b/c(d)e "标题")乙', ['甲乙']],
    [`https://a.b/${'x'.repeat(300)} 好`, ['好']],
    ['写信给 a.b@c.com 吧。', ['写信给 a.b@c.com 吧。']],
    // Markdown.
    ['***\n# 标题\n===\n- 项\n---\n完', ['标题', '项', '完']],
    ['| 甲 |\n| --: |\n| 1 |', ['甲', '1']],
    ['> - **引**\n> # 文', ['引', '文']],
    ['脚注[^1]。\n[^1]: 这里', ['脚注。', '这里']],
    ['A&amp;B&nbsp;C', ['A&B C']],
    ['if x <y and z> w, <a href="b">c</a>', ['if x <y and z> w,', 'c']],
    ['```内```外\n后', ['内外', '后']],
    ['````md\n```js\n甲\n```\n````\n后', ['后']],
    ['1. 项\n      ```sh\n      rm\n      ```\n2. 后', ['1. 项', '2. 后']],
    ['```\n甲\n~~~\n```js\n```\n后', ['后']],
    // Emoji.
    ['英格兰🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}队👍🏽🇨好', ['英格兰队好']],
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
    'U.S.',
    'No. ',
    'www.',
    '……',
    '——',
    '「',
    '」',
    '『』《》',
    '```js\n',
    '\n````',
    '👍🏽',
    '[^1]',
    '](',
    '12：30',
    '3.14',
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

  test('every letter and digit of a plain text is spoken once, in order', () => {
    const word = fc.oneof(
      fc.stringMatching(/^[a-zA-Z]{1,9}$/),
      fc.stringMatching(/^[你好世界天气真不错]{1,12}$/),
      fc.stringMatching(/^[0-9]{1,5}(?:[.,:][0-9]{1,4}){0,3}$/),
      fc.constantFrom('U.S.', 'e.g.', 'Mr.', 'No.', 'p.m.', 'Node.js', '12：30', 'Ph.D.', 'a@b.cn', 'C++'),
    )
    const between = fc.constantFrom(
      ...[
        '。',
        '！',
        '？',
        '；',
        '，',
        '、',
        '：',
        '……',
        '——',
        '. ',
        '! ',
        '? ',
        ', ',
        '; ',
        ': ',
        '… ',
        ' ',
      ],
      ...[
        '。”',
        '」',
        '「',
        '“',
        '”，',
        '！』',
        '（',
        '）',
        '.” ',
        '\n',
        '\n\n',
        '...',
        '。。。',
        '？！',
        '\n1. ',
      ],
    )
    const plain = fc.array(fc.tuple(word, between), { maxLength: 80 }).map(parts => parts.flat().join(''))
    const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')
    fc.assert(
      fc.property(plain, whole => {
        expect(letters(spoken(whole).join(' '))).toBe(letters(whole))
      }),
      { numRuns: 2000 },
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
