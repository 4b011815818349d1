import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonBroken, type JsonPart, jsonParts } from './json-parts.ts'

/** The parts of a text that arrives in chunks of a given size. */
async function partsOf(text: string, chunkSize: number, max_part = 1_000_000): Promise<JsonPart[]> {
  const bytes = Buffer.from(text)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize)
  }
  const parts: JsonPart[] = []
  for await (const part of jsonParts(chunks(), { max_part })) parts.push(part)
  return parts
}

const parsed = ({ key, json }: JsonPart): [string | null, unknown] => [key, JSON.parse(json ?? '')]

describe('a JSON file is taken apart', () => {
  test('into the elements of an outer array, however it is spaced and cut', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(undefined, 2, '\t'),
      async (items, chunkSize, space) => {
        const parts = await partsOf(JSON.stringify(items, null, space), chunkSize)
        expect(parts.map(parsed)).toEqual(
          JSON.parse(JSON.stringify(items.map(item => [null, item]))) as unknown,
        )
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  test('into the values of an outer object, arrays by their elements', async () => {
    const property = fc.asyncProperty(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.integer({ min: 1, max: 20 }),
      async (object, chunkSize) => {
        const plain = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
        const expected = Object.entries(plain).flatMap(([key, value]) =>
          Array.isArray(value) ? value.map(item => [key, item]) : [[key, value]],
        )
        expect((await partsOf(JSON.stringify(plain), chunkSize)).map(parsed)).toEqual(expected)
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  test('after a byte order mark, and without what is too long', async () => {
    expect(await partsOf('\ufeff[1, "two"]', 100)).toEqual([
      { key: null, json: '1' },
      { key: null, json: '"two"' },
    ])
    expect(await partsOf(`[1,"${'x'.repeat(50)}",{"a":[]}]`, 7, 20)).toEqual([
      { key: null, json: '1' },
      { key: null, json: null },
      { key: null, json: '{"a":[]}' },
    ])
  })

  test('or is called broken, and never anything else', async () => {
    for (const text of [
      '',
      ' ',
      'x',
      '"text"',
      '[',
      '[1',
      '[1,2',
      '{"a"',
      '{"a":[1}',
      '[1]]',
      '{a:1}',
      '[1] x',
    ])
      await expect(partsOf(text, 3), text).rejects.toBeInstanceOf(JsonBroken)
    const property = fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'{}[]",:\\1a ') }), async text => {
      try {
        await partsOf(text, 3)
      } catch (error) {
        expect(error).toBeInstanceOf(JsonBroken)
      }
    })
    await fc.assert(property, { numRuns: 2000 })
  })
})
