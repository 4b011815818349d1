import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeHashers, codeOf, hashesOf, parseCode, printed, step } from './codes.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const elements = Array.from({ length: 32 }, (_, element) => element)
const secret = Buffer.alloc(32, 7)
const anyCode = fc
  .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 1, max: 1_000_000 }))
  .map(([bytes, number]) => codeOf(Buffer.from(bytes), number, 0) as string)

test('the table of the check character is a totally anti-symmetric quasigroup of order 32', () => {
  const broken: number[][] = []
  for (const a of elements) {
    expect(new Set(elements.map(b => step(a, b))).size).toBe(32)
    expect(new Set(elements.map(b => step(b, a))).size).toBe(32)
    for (const b of elements) {
      if (a === b) continue
      if (step(a, b) === step(b, a)) broken.push([a, b])
      for (const c of elements) if (step(step(c, a), b) === step(step(c, b), a)) broken.push([c, a, b])
    }
  }
  expect(broken).toEqual([])
})

test('every wrong character is caught, in every place', () => {
  const missed: string[] = []
  for (let number = 1; number <= 50; number++) {
    const code = codeOf(secret, number, 0)
    expect(parseCode(code).code).toBe(code)
    for (let at = 0; at < 16; at++)
      for (const letter of alphabet) {
        const wrong = code.slice(0, at) + letter + code.slice(at + 1)
        if (letter !== code[at] && parseCode(wrong).problem !== 'check') missed.push(wrong)
      }
  }
  expect(missed).toEqual([])
})

test('every swap of two neighbours is caught, with any pair in any place', () => {
  const missed: string[] = []
  fc.assert(
    fc.property(anyCode, code => {
      for (let at = 0; at < 15; at++) {
        const [a, b] = [code[at], code[at + 1]]
        const swapped = code.slice(0, at) + b + a + code.slice(at + 2)
        if (a !== b && parseCode(swapped).problem !== 'check') missed.push(swapped)
      }
    }),
    { numRuns: 300 },
  )
  expect(missed).toEqual([])
})

test('a code is read however it was typed', () => {
  const fullWidth = (text: string) =>
    text.replaceAll(/[0-9A-Z-]/g, letter => String.fromCharCode(letter.charCodeAt(0) + 0xfee0))
  const lookAlike = (text: string) =>
    text.replaceAll('0', 'o').replace('1', 'l').replace('1', 'I').replaceAll('1', 'i')
  fc.assert(
    fc.property(anyCode, code => {
      const shown = printed(code as never)
      expect(shown).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
      const ways = [
        shown,
        shown.toLowerCase(),
        ` ${shown}\n`,
        shown.replaceAll('-', ' '),
        shown.replaceAll('-', '—'),
      ]
      for (const way of [...ways, fullWidth(shown), lookAlike(code), lookAlike(shown)])
        expect(parseCode(way).code).toBe(code)
    }),
  )
})

test.each([
  ['', 'length'],
  ['7K3M', 'length'],
  ['0'.repeat(17), 'length'],
  ['UUUU-UUUU-UUUU-UUUU', 'character'],
  ['0000-0000-0000-000!', 'character'],
  ['中文中文中文中文中文中文中文中文', 'character'],
  ['０'.repeat(1000), 'length'],
  ['0000-0000-0000-0001', 'check'],
] as const)('“%s” has a problem of %s, found without a look-up', (text, problem) =>
  expect(parseCode(text)).toEqual({ code: null, problem }),
)

test('no text makes the reader fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), text => {
      const { code, problem } = parseCode(text)
      expect(code === null).toBe(problem !== null)
    }),
  )
})

test('codes are a function of secret, number and attempt, spread over all characters', () => {
  expect(codeOf(secret, 5, 0)).toBe(codeOf(Buffer.alloc(32, 7), 5, 0))
  const made = new Set<string>()
  const letters = Array.from({ length: 15 }, () => new Set<string>())
  for (let number = 1; number <= 1000; number++)
    for (const attempt of [0, 1]) {
      const code = codeOf(secret, number, attempt)
      made.add(code)
      for (const [at, seen] of letters.entries()) seen.add(code[at] ?? '')
    }
  expect(made.size).toBe(2000)
  for (const seen of letters) expect(seen.size).toBe(32)
})

test('code and hash are HMAC-SHA256, as another implementation makes it', () => {
  const message = Buffer.from([0, 0, 0, 7, 0, 1])
  const bits = [...createHmac('sha256', secret).update(message).digest()]
    .map(byte => byte.toString(2).padStart(8, '0'))
    .join('')
  const letters = Array.from(
    { length: 15 },
    (_, at) => alphabet[Number.parseInt(bits.slice(at * 5, at * 5 + 5), 2)],
  )
  const code = codeOf(secret, 7, 1)
  expect(code.slice(0, 15)).toBe(letters.join(''))
  const key = Buffer.alloc(32, 5)
  const own = createHmac('sha256', key).update('banyan cards code').digest()
  const expected = createHmac('sha256', own).update(code).digest().subarray(0, 16)
  expect(codeHashers([{ id: 'k', key }])[0]?.hash(code)).toEqual(expected)
})

test('hashes depend on the key, and every key of the server finds its own', () => {
  const [present, former] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const hashers = codeHashers([
    { id: 'new', key: present },
    { id: 'old', key: former },
  ])
  const code = codeOf(secret, 1, 0)
  const [first, second] = hashesOf(hashers, code)
  expect(first).toHaveLength(16)
  expect(first).not.toEqual(second)
  expect(codeHashers([{ id: 'any', key: former }])[0]?.hash(code)).toEqual(second)
})
