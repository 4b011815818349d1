import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSseParser } from './sse-parser.ts'

type Event = { data: string; event: string }

function parse(chunks: Iterable<Uint8Array>): Event[] {
  const events: Event[] = []
  const parser = createSseParser((data, event) => events.push({ data, event }))
  for (const chunk of chunks) parser.push(chunk)
  return events
}

const stream = [
  ': keep-alive\n\n',
  'event: message_start\ndata: {"a":"你好"}\n\n',
  'data: {"text":"😀 naïve"}\r\n\r\n',
  'data:first\ndata: second\n\n',
  'id: 7\nretry: 10\nevent: ping\n\n',
  'data\n\n',
  'data: [DONE]\n\n',
].join('')
const expected: Event[] = [
  { data: '{"a":"你好"}', event: 'message_start' },
  { data: '{"text":"😀 naïve"}', event: '' },
  { data: 'first\nsecond', event: '' },
  { data: '', event: '' },
  { data: '[DONE]', event: '' },
]

test('reads events, comments, names, several data lines and both line ends', () => {
  expect(parse([Buffer.from(stream)])).toEqual(expected)
})

test('a cut at every byte changes nothing', () => {
  const bytes = Buffer.from(stream)
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)]), `cut at ${cut}`).toEqual(expected)
  expect(parse(Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual(expected)
})

test('whatever the texts, line ends and cuts, the same events come out', () => {
  const line = fc.string({ unit: 'grapheme' }).map(text => text.replace(/[\r\n]/g, ' '))
  const events = fc.array(
    fc.tuple(fc.array(line, { minLength: 1, maxLength: 3 }), fc.constantFrom('\n', '\r\n', '\r')),
    {
      maxLength: 8,
    },
  )
  fc.assert(
    fc.property(events, fc.array(fc.nat(), { maxLength: 12 }), (given, cuts) => {
      const text = given
        .map(([lines, end]) => `${lines.map(l => `data: ${l}${end}`).join('')}${end}`)
        .join('')
      const bytes = Buffer.from(`${text}: the end\n`)
      const places = [...cuts.map(cut => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
      const chunks = places.slice(1).map((to, i) => bytes.subarray(places[i], to))
      expect(parse(chunks)).toEqual(given.map(([lines]) => ({ data: lines.join('\n'), event: '' })))
    }),
    { numRuns: 500 },
  )
})

test('an event that the stream does not finish is dropped', () => {
  expect(parse([Buffer.from('data: whole\n\ndata: {"half":')])).toEqual([{ data: 'whole', event: '' }])
})

test('a byte order mark at the start is skipped', () => {
  expect(parse([Buffer.from('\ufeffdata: x\n\n')])).toEqual([{ data: 'x', event: '' }])
})

test('a line without end is refused', () => {
  const parser = createSseParser(() => {})
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  expect(() => {
    for (let i = 0; i < 10; i++) parser.push(megabyte)
  }).toThrow('too large')
})
