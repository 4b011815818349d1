import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOpusDecoder, createOpusEncoder } from './opus.ts'
import { createResampler, joinPcm, resample } from './resample.ts'
import { loudnessOf, silence, tone } from './testing.ts'
import { readWav, wavHeader, writeWav } from './wav.ts'

test('opus: what was encoded for the loudspeaker comes back as loud', async () => {
  const encoder = await createOpusEncoder({ sample_rate: 24_000, frame_ms: 60 })
  const decoder = await createOpusDecoder({ sample_rate: 16_000 })
  expect(encoder.frame_size).toBe(1440)
  const sound = tone({ ms: 1200, sample_rate: 24_000 })
  const heard: Int16Array[] = []
  for (let at = 0; at < sound.length; at += encoder.frame_size) {
    const packet = encoder.encode(sound.subarray(at, at + encoder.frame_size))
    expect(packet.length).toBeLessThan(400)
    heard.push(decoder.decode(packet))
  }
  const whole = joinPcm(heard)
  expect(whole.length).toBe(16_000 * 1.2)
  expect(loudnessOf(whole) / loudnessOf(sound)).toBeCloseTo(1, 1)
  encoder.free()
  decoder.free()
})

test.each([20, 40, 60] as const)('opus: packets of %i ms from a microphone', async frame_ms => {
  const encoder = await createOpusEncoder({ sample_rate: 16_000, frame_ms })
  const decoder = await createOpusDecoder({ sample_rate: 16_000 })
  const samples = 16 * frame_ms
  expect(decoder.decode(encoder.encode(new Int16Array(samples)))).toHaveLength(samples)
  encoder.free()
  decoder.free()
})

test('opus: silence of one to three bytes, empty packets and rubbish', async () => {
  const decoder = await createOpusDecoder({ sample_rate: 16_000 })
  expect(decoder.decode(new Uint8Array(0))).toHaveLength(0)
  // 60 ms of SILK in one frame: what a device in DTX sends.
  for (const packet of [[0x58], [0x58, 0], [0x58, 0, 0]])
    expect(decoder.decode(Uint8Array.from(packet))).toHaveLength(960)
  const rubbish = [[0xff, 0xff, 0xff, 0xff], [0x0b], Array(9000).fill(1)]
  for (const packet of rubbish)
    expect(() => decoder.decode(Uint8Array.from(packet))).toThrow(
      expect.objectContaining({ code: 'speech.bad_opus_packet' }),
    )
  expect(decoder.conceal(60)).toHaveLength(960)
  // Whatever comes is sound or an error, and the decoder goes on.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), packet => {
      try {
        expect(decoder.decode(packet).length).toBeLessThanOrEqual(1920)
      } catch (error) {
        expect(error).toMatchObject({ code: 'speech.bad_opus_packet' })
      }
    }),
    { numRuns: 3000 },
  )
  const encoder = await createOpusEncoder({ sample_rate: 16_000, frame_ms: 60 })
  expect(decoder.decode(encoder.encode(new Int16Array(960)))).toHaveLength(960)
  encoder.free()
  decoder.free()
})

test('opus: freed instances leave their memory to others', async () => {
  const open = async () => {
    const encoder = await createOpusEncoder({ sample_rate: 24_000, frame_ms: 60 })
    const decoder = await createOpusDecoder({ sample_rate: 16_000 })
    decoder.decode(encoder.encode(new Int16Array(1440)))
    return () => {
      encoder.free()
      decoder.free()
    }
  }
  const many = await Promise.all(Array.from({ length: 100 }, open))
  for (const free of many) free()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 3000; i++) (await open())()
  // 3,000 pairs that were kept would hold 300 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
})

test.each([
  [22_050, 24_000],
  [22_050, 16_000],
  [24_000, 16_000],
  [48_000, 16_000],
  [16_000, 24_000],
  [44_100, 8000],
  [11_025, 16_000],
])('resample %i → %i keeps a tone and its length', (from, to) => {
  const sound = tone({ ms: 500, sample_rate: from, hertz: 200 })
  const out = resample(sound, from, to)
  const wanted = tone({ ms: 500, sample_rate: to, hertz: 200 })
  expect(out.length).toBe(Math.ceil((sound.length * to) / from))
  const edge = Math.round(to / 50)
  const difference = out
    .slice(edge, wanted.length - edge)
    .map((sample, i) => sample - (wanted[i + edge] ?? 0))
  expect(loudnessOf(difference)).toBeLessThan(loudnessOf(wanted) / 50)
})

test('resample: what the new rate cannot hold is filtered out', () => {
  const high = Int16Array.from(
    { length: 48_000 },
    (_, i) => 12_000 * Math.sin((2 * Math.PI * 12_000 * i) / 48_000),
  )
  expect(loudnessOf(resample(high, 48_000, 16_000).slice(500, -500))).toBeLessThan(40)
})

test('resample: the pieces do not matter', () => {
  const sound = tone({ ms: 300, sample_rate: 22_050 })
  const rate = fc.constantFrom(8000, 16_000, 22_050, 24_000, 48_000)
  fc.assert(
    fc.property(rate, fc.array(fc.nat(sound.length), { maxLength: 12 }), (to, cuts) => {
      const resampler = createResampler(22_050, to)
      const places = [0, ...cuts.sort((a, b) => a - b), sound.length]
      const parts = places.slice(1).map((place, i) => resampler.write(sound.subarray(places[i], place)))
      expect(joinPcm([...parts, resampler.end()])).toEqual(resample(sound, 22_050, to))
    }),
    { numRuns: 60 },
  )
})

test('wav: what was written is read, and stereo, 8, 24, 32 bits and floats are understood', () => {
  const pcm = Int16Array.from([0, 1000, -1000, 32_767, -32_768])
  expect(readWav(writeWav(pcm, 16_000))).toEqual({ sample_rate: 16_000, pcm })
  const file = (code: number, channels: number, bits: number, data: Buffer) => {
    const header = Buffer.from(wavHeader(8000, 0))
    header.writeUInt16LE(code, 20)
    header.writeUInt16LE(channels, 22)
    header.writeUInt16LE(bits, 34)
    header.writeUInt32LE(data.length, 40)
    return Buffer.concat([header, data])
  }
  const floats = Buffer.alloc(8)
  floats.writeFloatLE(0.5, 0)
  floats.writeFloatLE(Number.NaN, 4)
  expect([...readWav(file(3, 1, 32, floats)).pcm]).toEqual([16_384, 0])
  expect([...readWav(file(1, 1, 8, Buffer.from([0, 128, 255]))).pcm]).toEqual([-32_768, 0, 32_512])
  expect([...readWav(file(1, 1, 24, Buffer.from([0, 0, 64]))).pcm]).toEqual([16_384])
  expect([...readWav(file(1, 1, 32, Buffer.from([0, 0, 0, 64]))).pcm]).toEqual([16_384])
  const stereo = Buffer.alloc(4)
  stereo.writeInt16LE(100, 0)
  stereo.writeInt16LE(300, 2)
  expect([...readWav(file(1, 2, 16, stereo)).pcm]).toEqual([200])
})

test('wav: a stream of unknown length and a cut file are read as far as they go; rubbish is refused', () => {
  const pcm = Int16Array.from([1, 2, 3])
  const stream = Buffer.concat([wavHeader(24_000), new Uint8Array(pcm.buffer), Buffer.from([9])])
  expect(readWav(stream)).toEqual({ sample_rate: 24_000, pcm })
  const bad = expect.objectContaining({ code: 'speech.bad_audio' })
  expect(() => readWav(new Uint8Array(0))).toThrow(bad)
  expect(() => readWav(wavHeader(16_000).subarray(0, 30))).toThrow(bad)
  expect(() => readWav(Buffer.concat([wavHeader(7), silenceBytes]))).toThrow(bad)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(44), (bytes, at) => {
      const file = writeWav(pcm, 16_000).slice()
      file.set(bytes.subarray(0, file.length - at), at)
      try {
        readWav(file)
      } catch (error) {
        expect(error).toMatchObject({ code: 'speech.bad_audio' })
      }
    }),
  )
})
const silenceBytes = new Uint8Array(silence(10, 8000).buffer)
