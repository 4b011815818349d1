import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createOpusDecoder, createOpusEncoder } from '#core/speech/opus.ts'
import { createPacer, type Pacer } from './pacer.ts'
import { createSpeaker, downlink } from './speaker.ts'

let pacer: Pacer

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  })
  pacer = createPacer()
})
afterEach(() => {
  pacer.stop()
  vi.useRealTimers()
})

const tone = (ms: number) =>
  Int16Array.from({ length: (downlink.sample_rate / 1000) * ms }, (_, i) => 9000 * Math.sin(i / 12))

async function speaker(not_before = 0) {
  const sent: { at: number; timestamp: number; bytes: number }[] = []
  const encoder = await createOpusEncoder({ ...downlink })
  const made = createSpeaker({
    pacer,
    encoder,
    not_before,
    send: (packet, timestamp) => sent.push({ at: pacer.now(), timestamp, bytes: packet.length }),
  })
  return { ...made, sent, speaker: made }
}

/** Most packets that a device which plays one every 60 ms ever had in hand. */
function mostAhead(times: readonly number[]): number {
  let most = 0
  let playedUntil = 0
  for (const at of times) {
    playedUntil = Math.max(at, playedUntil) + downlink.frame_ms
    most = Math.max(most, Math.ceil((playedUntil - at) / downlink.frame_ms))
  }
  return most
}

test('five packets go out at once, then one every 60 ms, and the end comes when all was heard', async () => {
  const { write, end, sent } = await speaker()
  const started = pacer.now()
  void write(tone(1200))
  let endedAt: number | null = null
  const ended = end().then(() => {
    endedAt = pacer.now()
  })
  await vi.advanceTimersByTimeAsync(20)
  expect(sent.length).toBe(5)
  await vi.advanceTimersByTimeAsync(120)
  expect(sent.length).toBe(7)
  await vi.advanceTimersByTimeAsync(5000)
  await ended
  expect(sent.length).toBe(20)
  expect(sent.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: 20 }, (_, i) => i * 60))
  expect((endedAt ?? 0) - started).toBeGreaterThanOrEqual(1200 + 100)
  expect(pacer.size).toBe(0)
})

test('nothing is sent before its time, and a stop is silence at once', async () => {
  const { speaker: it, sent } = await speaker(pacer.now() + 50)
  void it.write(tone(2000))
  await vi.advanceTimersByTimeAsync(45)
  expect(sent.length).toBe(0)
  await vi.advanceTimersByTimeAsync(200)
  const before = sent.length
  expect(before).toBeGreaterThan(4)
  it.stop()
  await it.end()
  await vi.advanceTimersByTimeAsync(3000)
  expect(sent.length).toBe(before)
  expect(it.heard_ms()).toBeGreaterThan(100)
  expect(it.heard_ms()).toBeLessThan(250)
})

test('however the sound comes, no device has more than six packets in hand, and none is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 700 })), {
        maxLength: 8,
      }),
      async pieces => {
        const { speaker: it, sent } = await speaker()
        let total = 0
        for (const [ms, gap] of pieces) {
          void it.write(tone(ms))
          total += (downlink.sample_rate / 1000) * ms
          await vi.advanceTimersByTimeAsync(gap)
        }
        const ended = it.end()
        await vi.advanceTimersByTimeAsync(10_000)
        await ended
        expect(sent.length).toBe(Math.ceil(total / 1440))
        expect(mostAhead(sent.map(({ at }) => at))).toBeLessThanOrEqual(6)
        expect(it.heard_ms()).toBe(sent.length * 60)
      },
    ),
    { numRuns: 40 },
  )
})

test('a mark is passed just before its sound, and what was heard is known', async () => {
  const { speaker: it, sent } = await speaker()
  const passed: [string, number][] = []
  it.mark(() => passed.push(['first', sent.length]))
  void it.write(tone(600))
  it.mark(() => passed.push(['second', sent.length]))
  void it.write(tone(600))
  const ended = it.end()
  await vi.advanceTimersByTimeAsync(330)
  expect(it.heard_ms()).toBeGreaterThan(290)
  expect(it.heard_ms()).toBeLessThan(340)
  await vi.advanceTimersByTimeAsync(4000)
  await ended
  expect(passed).toEqual([
    ['first', 0],
    ['second', 10],
  ])
})

test('a writer who is far ahead waits', async () => {
  const { speaker: it } = await speaker()
  let isThrough = false
  const writing = it.write(tone(12_000)).then(() => {
    isThrough = true
  })
  await vi.advanceTimersByTimeAsync(500)
  expect(isThrough).toBe(false)
  await vi.advanceTimersByTimeAsync(3000)
  await writing
  it.stop()
})

test('a hundred speakers have their first packets before anybody has the second handful', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => speaker()))
  for (const { write } of all) void write(tone(600))
  await vi.advanceTimersByTimeAsync(2)
  for (const { sent } of all) expect(sent.length).toBeGreaterThan(0)
  for (const { speaker: it } of all) it.stop()
})

test('packets are Opus of 60 ms that a decoder takes', async () => {
  const encoder = await createOpusEncoder({ ...downlink })
  const decoder = await createOpusDecoder({ sample_rate: 24_000 })
  const lengths: number[] = []
  const it = createSpeaker({
    pacer,
    encoder,
    not_before: 0,
    send: packet => lengths.push(decoder.decode(packet).length),
  })
  void it.write(tone(100))
  const ended = it.end()
  await vi.advanceTimersByTimeAsync(1000)
  await ended
  expect(lengths).toEqual([1440, 1440])
  decoder.free()
})
