import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { createEspeak } from './espeak.ts'
import { joinPcm } from './resample.ts'
import { noise, silence, tone } from './testing.ts'
import type { Pcm } from './types.ts'
import { createVad, type VadOptions } from './vad.ts'

const sample_rate = 16_000
const engine = createEspeak({ voice: '', path: '', log: silentLog })
let chinese: Pcm
let english: Pcm

beforeAll(async () => {
  chinese = await say('你好，今天天气怎么样？')
  english = await say('Hello, what is the weather like today?')
})
afterAll(engine.stop)

async function say(text: string): Promise<Pcm> {
  const synthesis = engine.synthesizer.open({ sample_rate, signal: new AbortController().signal })
  synthesis.write(text)
  synthesis.end()
  const parts: Pcm[] = []
  for await (const { pcm } of synthesis.audio) parts.push(pcm)
  return joinPcm(parts)
}

/** Events with their places in milliseconds. */
async function listen(sound: Pcm, options: Partial<VadOptions> = {}, piece = 960) {
  const vad = await createVad({ sample_rate, ...options })
  const events = []
  for (let at = 0; at < sound.length; at += piece) events.push(...vad.write(sound.subarray(at, at + piece)))
  vad.free()
  return events.map(({ type, at, decided_at }) => ({ type, at: at / 16, decided_at: decided_at / 16 }))
}

const ms = (pcm: Pcm) => pcm.length / 16
const quiet = (length: number) => noise({ ms: length, sample_rate, loudness: 150 })

describe('speech between silence', () => {
  test.each([
    ['Chinese', () => chinese],
    ['English', () => english],
  ])('%s', async (_, speech) => {
    const [start, end, ...more] = await listen(joinPcm([quiet(1000), speech(), quiet(2000)]))
    expect(more).toEqual([])
    expect(start?.type).toBe('start')
    expect(start?.at).toBeGreaterThan(900)
    expect(start?.at).toBeLessThan(1300)
    expect((start?.decided_at ?? 0) - (start?.at ?? 0)).toBeLessThanOrEqual(180)
    expect(end?.type).toBe('end')
    const last = 1000 + ms(speech())
    expect(end?.at).toBeGreaterThan(last - 500)
    expect(end?.at).toBeLessThan(last + 300)
    // Known as soon as the silence was long enough.
    expect((end?.decided_at ?? 0) - (end?.at ?? 0)).toBe(700)
  })

  test('two utterances are two; a shorter pause joins them', async () => {
    const sound = joinPcm([quiet(500), chinese, quiet(900), english, quiet(2000)])
    const types = async (silence_ms: number) => (await listen(sound, { silence_ms })).map(({ type }) => type)
    expect(await types(500)).toEqual(['start', 'end', 'start', 'end'])
    expect(await types(1500)).toEqual(['start', 'end'])
  })

  test('the pieces do not matter', async () => {
    const sound = joinPcm([quiet(300), chinese, quiet(1000)])
    const whole = await listen(sound, {}, sound.length)
    expect(await listen(sound, {}, 320)).toEqual(whole)
    expect(await listen(sound, {}, 77)).toEqual(whole)
  })
})

describe('what is not speech', () => {
  test.each([
    ['silence', () => silence(5000, sample_rate)],
    ['hiss', () => noise({ ms: 5000, sample_rate, loudness: 100 })],
    ['a fan', () => noise({ ms: 5000, sample_rate, loudness: 1000 })],
    [
      'clicks',
      () =>
        joinPcm(
          Array.from({ length: 8 }, () =>
            joinPcm([noise({ ms: 10, sample_rate, loudness: 20_000 }), silence(600, sample_rate)]),
          ),
        ),
    ],
  ])('%s', async (_, sound) => expect(await listen(sound())).toEqual([]))

  test('a fan does not hide the speech', async () => {
    const fan = (length: number) => noise({ ms: length, sample_rate, loudness: 400 })
    const hum = fan(ms(chinese))
    const both = chinese.map((sample, i) => sample + (hum[i] ?? 0))
    const events = await listen(joinPcm([fan(3000), both, fan(3000)]))
    expect(events.map(({ type }) => type)).toEqual(['start', 'end'])
  })
})

test('many streams at once do not disturb each other; reset begins anew', async () => {
  const sound = joinPcm([quiet(300), chinese, quiet(1000)])
  const alone = await listen(sound)
  const vads = await Promise.all(Array.from({ length: 50 }, () => createVad({ sample_rate })))
  const events = vads.map((): unknown[] => [])
  for (let at = 0; at < sound.length; at += 960) {
    for (const [i, vad] of vads.entries())
      events[i]?.push(...vad.write(i % 2 ? sound.subarray(at, at + 960) : silence(60, sample_rate)))
  }
  for (const [i, seen] of events.entries()) expect(seen).toHaveLength(i % 2 ? alone.length : 0)
  const [vad] = vads
  vad?.reset()
  expect(vad?.position).toBe(0)
  expect(vad?.write(sound)).toHaveLength(2)
  for (const each of vads) each.free()
})

test('a rate that it cannot hear is refused', async () => {
  await expect(createVad({ sample_rate: 22_050 })).rejects.toThrow(RangeError)
  const vad = await createVad({ sample_rate: 48_000 })
  vad.write(tone({ ms: 1000, sample_rate: 48_000 }))
  expect(vad.is_speaking).toBe(true)
  vad.free()
})
