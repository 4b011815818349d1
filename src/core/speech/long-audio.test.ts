import { expect, test } from 'vitest'
import { openAudioFile } from './audio-file.ts'
import { recognizeLong } from './long-audio.ts'
import { createOggWriter } from './ogg.ts'
import { createOpusEncoder } from './opus.ts'
import type { Recognizer } from './types.ts'

const deaf: Recognizer = {
  name: 'deaf',
  open: () => ({ write() {}, finish: async () => '' }),
}

test('whoever recognises a long recording lets others have the thread', async () => {
  const format = { sample_rate: 48_000, frame_ms: 20 } as const
  const [encoder, writer] = [await createOpusEncoder(format), createOggWriter(format)]
  const packet = encoder.encode(Int16Array.from({ length: 960 }, (_, i) => (i * 7919) % 20))
  encoder.free()
  const pages = Array.from({ length: 3 * 60 * 50 }, () => writer.page(packet, false))
  const { pieces, seconds } = openAudioFile(Buffer.concat([writer.header(), ...pages]))
  expect(seconds).toBe(180)
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await recognizeLong({
    pieces: pieces(),
    recognizer: deaf,
    signal: new AbortController().signal,
    onProgress: async () => undefined,
  })
  clearInterval(timer)
  expect(turns).toBeGreaterThan(5)
})

test('a file of millions of tiny packets costs no more memory than it has bytes, and is no audio', () => {
  const page = (packets: readonly Uint8Array[]) => {
    const head = Buffer.alloc(27)
    head.write('OggS')
    head[26] = packets.length
    return Buffer.concat([head, Buffer.from(packets.map(({ length }) => length)), ...packets])
  }
  const opusHead = Buffer.alloc(19)
  opusHead.write('OpusHead')
  const start = page([opusHead, Buffer.from('OpusTags')])
  const fileOf = (packet: Uint8Array) => {
    const full = page(Array<Uint8Array>(255).fill(packet))
    return Buffer.concat([start, ...Array<Buffer>(20_000).fill(full)])
  }
  const before = process.memoryUsage().rss
  for (const packet of [Uint8Array.of(0x80), new Uint8Array(0)])
    expect(() => openAudioFile(fileOf(packet))).toThrow('too many packets')
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
})
