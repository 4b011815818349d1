import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTextStream, sliceFrom } from './text-stream.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 40 }).map(text => text.replaceAll('\0', '?'))

/** Cuts a text at any UTF-16 offsets, between the halves of a pair too. */
const pieces = fc.tuple(anyText, fc.array(fc.nat(80), { maxLength: 10 })).map(([text, cuts]) => {
  const at = [0, ...cuts.map(cut => Math.min(cut, text.length)).sort((a, b) => a - b), text.length]
  return { text, pieces: at.slice(1).map((end, index) => text.slice(at[index], end)) }
})

test('pieces cut anywhere give the text, and at no time half a pair', () => {
  fc.assert(
    fc.property(pieces, ({ text, pieces }) => {
      const stream = createTextStream()
      for (const piece of pieces) {
        stream.push(piece)
        expect(stream.text.isWellFormed()).toBe(true)
        expect(text.startsWith(stream.text)).toBe(true)
      }
      stream.end()
      expect(stream.text).toBe(text)
    }),
  )
})

test('what the database cannot hold is replaced, unit for unit', () => {
  const stream = createTextStream('before ')
  for (const piece of ['a\0b', '\ud83d', 'x', '\ude00', '\ud83d']) stream.push(piece)
  stream.end()
  expect(stream.text).toBe('before a\ufffdb\ufffdx\ufffd\ufffd')
})

test('a slice never begins inside a pair', () => {
  expect(sliceFrom('a😀b', 2)).toEqual({ offset: 1, text: '😀b' })
  expect(sliceFrom('a😀b', 3)).toEqual({ offset: 3, text: 'b' })
  expect(sliceFrom('a', 9)).toEqual({ offset: 1, text: '' })
})
