import { expect, test } from 'vitest'
import { partsOf } from './player.ts'

test('long texts go in parts that end between paragraphs, else between words, and never within a character', () => {
  const texts = [
    `${'好'.repeat(7999)}😀${'好'.repeat(500)}`,
    `${'word '.repeat(3000)}`,
    `${'a paragraph\n'.repeat(2000)}`,
    `\n${'好'.repeat(20_000)}`,
  ]
  for (const text of texts) {
    const parts = partsOf(text)
    expect(parts.join('')).toBe(text)
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(8000)
      expect(part.isWellFormed()).toBe(true)
    }
  }
  expect(partsOf(texts[1] ?? '')[0]?.endsWith('word')).toBe(true)
  expect(partsOf(texts[2] ?? '')[0]?.endsWith('a paragraph')).toBe(true)
})
