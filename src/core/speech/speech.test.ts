import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { joinTexts } from './long-audio.ts'
import { createSpeechMetering } from './metering.ts'
import { createQueue } from './queue.ts'
import { createScriptedRecognizer } from './scripted.ts'
import { speechSettings } from './settings.ts'
import { createSpeech } from './speech.ts'
import { silence, tone } from './testing.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

function open(env: Record<string, string>) {
  const settings = loadConfig(speechSettings, { env }).values
  const speech = createSpeech({ settings, log: silentLog, clock: systemClock, metrics: createMetrics() })
  stops.push(speech.stop)
  return speech
}
const names = (env: Record<string, string>) => {
  const { recognizer, synthesizer, is_preview, is_scripted } = open(env).status()
  return [recognizer, synthesizer, is_preview ? 'preview' : '', is_scripted ? 'scripted' : '']
    .join(' ')
    .trim()
}
const never = new AbortController().signal

test('with nothing set up texts are spoken by a preview, and listening says what to set', () => {
  const speech = open({})
  expect(names({})).toBe('espeak preview')
  expect(speech.synthesizer()).toMatchObject({ name: 'espeak', is_preview: true })
  expect(speech.voices().length).toBeGreaterThan(5)
  expect(() => speech.recognizer()).toThrow(
    expect.objectContaining({
      code: 'speech.not_configured',
      status: 503,
      message: expect.stringMatching(
        /VOLCENGINE_SPEECH_API_KEY; ALIYUN_ACCESS_KEY_ID \+ .*OPENAI_SPEECH_API_KEY/,
      ),
    }),
  )
})

test('the keys of a service bring it; a name chooses among several; a name without keys says which', () => {
  const tencent = { TENCENT_APP_ID: '1', TENCENT_SECRET_ID: 'a', TENCENT_SECRET_KEY: 'b' }
  const both = { ...tencent, VOLCENGINE_SPEECH_API_KEY: 'k' }
  expect(names(tencent)).toBe('tencent tencent')
  expect(names(both)).toBe('volcengine volcengine')
  expect(names({ ...both, SPEECH_RECOGNIZER: 'tencent' })).toBe('tencent volcengine')
  expect(names({ ...both, SPEECH_SYNTHESIZER: 'espeak' })).toBe('volcengine espeak preview')
  expect(names({ ...both, SPEECH_RECOGNIZER: 'scripted' })).toBe('scripted volcengine  scripted')
  const speech = open({ ...tencent, SPEECH_RECOGNIZER: 'aliyun', SPEECH_SYNTHESIZER: 'openai' })
  expect(() => speech.recognizer()).toThrow(/SPEECH_RECOGNIZER chooses “aliyun”.*ALIYUN_NLS_APP_KEY/)
  expect(() => speech.synthesizer()).toThrow(/SPEECH_SYNTHESIZER chooses “openai”.*OPENAI_SPEECH_API_KEY/)
  expect(speech.status()).toMatchObject({ recognizer: null, synthesizer: null })
  expect(speech.voices()).toEqual([])
})

test('the scripted recogniser: each speaker has a place in the script, silence is nothing', async () => {
  const recognizer = createScriptedRecognizer('one|two\n three ||')
  const utter = async (speaker: string, pcm = tone({ ms: 1000, sample_rate: 16_000 })) => {
    const partial: string[] = []
    const onPartial = (text: string) => partial.push(text)
    const recognition = recognizer.open({ sample_rate: 16_000, speaker, signal: never, onPartial })
    for (let at = 0; at < pcm.length; at += 960) recognition.write(pcm.subarray(at, at + 960))
    const text = await recognition.finish()
    recognition.write(pcm)
    for (const part of partial) expect(text.startsWith(part)).toBe(true)
    return text
  }
  expect(await utter('a')).toBe('one')
  expect(await utter('a', silence(1000, 16_000))).toBe('')
  expect(await Promise.all([utter('a'), utter('b'), utter('c')])).toEqual(['two', 'one', 'one'])
  expect(await utter('a')).toBe('three')
  expect(await utter('a')).toBe('one')
  const abort = new AbortController()
  const recognition = recognizer.open({ sample_rate: 16_000, signal: abort.signal })
  abort.abort()
  await expect(recognition.finish()).rejects.toMatchObject({ name: 'AbortError' })
})

test('a queue: in order, its end after the last, its error after what came before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), fc.nat(3), async (items, pauses) => {
      const queue = createQueue<number>(never)
      const read: number[] = []
      const reading = (async () => {
        for await (const item of queue) read.push(item)
      })()
      for (const [i, item] of items.entries()) {
        queue.push(item)
        if (pauses && i % pauses === 0) await queue.below(1)
      }
      queue.end()
      queue.push(-1)
      await reading
      expect(read).toEqual(items)
    }),
  )
  const broken = createQueue<number>(never)
  broken.push(1)
  broken.fail(new Error('gone'))
  broken.end()
  const reader = broken[Symbol.asyncIterator]()
  expect(await reader.next()).toEqual({ value: 1, done: false })
  await expect(reader.next()).rejects.toThrow('gone')
})

test('a queue: an abort drops what waits and frees who writes; a reader who leaves frees them, too', async () => {
  const abort = new AbortController()
  const queue = createQueue<number>(abort.signal)
  queue.push(1)
  const room = queue.below(1)
  const reader = queue[Symbol.asyncIterator]()
  abort.abort(new Error('enough'))
  await room
  await expect(reader.next()).rejects.toThrow('enough')
  const left = createQueue<number>(never)
  left.push(1)
  left.push(2)
  const more = left.below(1)
  for await (const _ of left) break
  await more
})

test('utterances are joined as each language writes', () => {
  expect(joinTexts(['你好。', '再见。'])).toBe('你好。再见。')
  expect(joinTexts(['Hello.', 'Bye.', '再见', 'OK'])).toBe('Hello. Bye. 再见OK')
  expect(joinTexts([])).toBe('')
})

test('what is given up before its text was asked for is counted, and what was finished only once', async () => {
  const metrics = createMetrics()
  const { recognizer } = createSpeechMetering(metrics)
  const metered = recognizer(createScriptedRecognizer('你好。'))
  const speak = (controller: AbortController) => {
    const recognition = metered.open({ sample_rate: 16_000, signal: controller.signal })
    recognition.write(tone({ ms: 500, sample_rate: 16_000 }))
    return recognition
  }
  const counted = async () =>
    (await metrics.registry.metrics()).match(/^speech_(?:requests|seconds)_total.*$/gm)
  const [givenUp, finished, early] = [new AbortController(), new AbortController(), new AbortController()]
  const left = speak(givenUp)
  givenUp.abort()
  const aborted = 'speech_requests_total{kind="recognition",engine="scripted",outcome="aborted"}'
  const seconds = 'speech_seconds_total{kind="recognition",engine="scripted"}'
  expect(await counted()).toEqual([`${aborted} 1`, `${seconds} 0.5`])
  await expect(left.finish()).rejects.toThrow()
  const heard = speak(finished)
  expect(await heard.finish()).toBe('你好。')
  expect(await heard.finish()).toBe('你好。')
  finished.abort()
  early.abort()
  await expect(speak(early).finish()).rejects.toThrow()
  const done = 'speech_requests_total{kind="recognition",engine="scripted",outcome="done"} 1'
  expect(await counted()).toEqual([`${aborted} 2`, done, `${seconds} 1`])
})
