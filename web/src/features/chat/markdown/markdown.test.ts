import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Blocks, blockTexts, openCode, splitBlocks } from './blocks.ts'
import { type Engines, fillSlots, parseMarkdown } from './html.ts'

const engines: Engines = {
  highlight: (code, language) => (language === 'ts' ? `<b>${code}</b>` : null),
  math: (tex, isDisplay) => `<math data-display="${isDisplay}">${tex}</math>`,
}
const labels = { copy: 'Copy', code: 'Code' }
const html = (text: string) => {
  const parsed = parseMarkdown(text, engines, labels)
  return fillSlots(parsed.html, parsed.slots).trim()
}
const blocks = (text: string) => blockTexts(splitBlocks(text))

test('blank lines cut, except in code, formulas and lists', () => {
  expect(blocks('a\n\nb')).toEqual(['a\n\n', 'b'])
  expect(blocks('```ts\na\n\nb\n```\n\nc')).toEqual(['```ts\na\n\nb\n```\n\n', 'c'])
  expect(blocks('$$\na\n\nb\n$$\n\nc')).toEqual(['$$\na\n\nb\n$$\n\n', 'c'])
  expect(blocks('1. a\n\n2. b\n\n   ```\n\n   x\n   ```\n\ntext')).toHaveLength(2)
  expect(blocks('')).toEqual([''])
  // A formula in one line opens nothing.
  expect(blocks('$$x$$\n\nb')).toHaveLength(2)
})

test('however a text grows, its blocks are those of the whole', () => {
  const piece = fc.constantFrom(
    'a',
    '\n',
    '\n\n',
    '```',
    '```ts\n',
    '- x\n',
    '1. y\n',
    '  ',
    '$$',
    '$$\n',
    '\\[',
    '\\]',
    '> q\n',
    '中文',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      let grown: Blocks | undefined
      let text = ''
      for (const next of pieces) {
        text += next
        grown = splitBlocks(text, grown)
        expect(blockTexts(grown).join('')).toBe(text)
      }
      if (grown) expect(grown.starts).toEqual(splitBlocks(text).starts)
    }),
  )
})

test('finished blocks keep their places while the last one grows', () => {
  const first = splitBlocks('one\n\ntwo')
  const next = splitBlocks('one\n\ntwo three', first)
  expect(next.starts).toEqual(first.starts)
  expect(splitBlocks('other', next).starts).toEqual([0])
})

test('code that is still coming is recognised', () => {
  expect(openCode('```ts\nconst a')).toEqual({ language: 'ts', code: 'const a' })
  expect(openCode('```ts\nconst a\n```\n')).toBeNull()
  expect(openCode('```')).toEqual({ language: '', code: '' })
  expect(openCode('text')).toBeNull()
})

test('formulas in all four ways, and money is no formula', () => {
  expect(html('$a_b$')).toContain('<math data-display="false">a_b</math>')
  expect(html('\\(a*b*c\\)')).toContain('<math data-display="false">a*b*c</math>')
  expect(html('$$\na\n$$')).toContain('<math data-display="true">a</math>')
  expect(html('\\[\na\n\\]')).toContain('<math data-display="true">a</math>')
  expect(html('from $5 to $10')).not.toContain('math')
  expect(html('`$a$`')).toBe('<p><code>$a$</code></p>')
})

test('bold next to Chinese punctuation', () => {
  expect(html('**注意：**请看')).toBe('<p><strong>注意：</strong>请看</p>')
  expect(html('这是**“重点”**。')).toBe('<p>这是<strong>“重点”</strong>。</p>')
})

test('a bare address ends where Chinese begins', () => {
  expect(html('见 https://example.com/a，然后')).toContain('href="https://example.com/a"')
})

test('nothing dangerous comes through', () => {
  expect(html('<script>alert(1)</script>')).not.toContain('<script')
  expect(html('a <img src=x onerror=alert(1)> b')).not.toContain('<img')
  expect(html('[x](javascript:alert(1))')).not.toContain('href')
  expect(html('![x](https://example.com/x.png)')).toContain('<a href="https://example.com/x.png"')
  expect(html('![x](data:image/png;base64,AAAA)')).toContain('<img src="data:image/png;base64,AAAA"')
  expect(html('![x](data:image/svg+xml;base64,AAAA)')).not.toContain('<img')
  expect(html('[x](//evil.example)')).not.toContain('href')
  expect(html('H<sub>2</sub>O<br>')).toContain('<sub>2</sub>')
  expect(html('[x](https://example.com)')).toContain('rel="noopener noreferrer nofollow"')
})

test('code is coloured where the language is known, and escaped where not', () => {
  expect(html('```ts\nlet a\n```')).toContain('<b>let a</b>')
  expect(html('```xyz\n<i>\n```')).toContain('&#60;i&#62;')
})
