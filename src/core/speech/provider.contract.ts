import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import { AppError } from '#core/errors.ts'
import { createLog } from '#core/log.ts'
import type { Limits } from './providers/limits.ts'
import type { ProviderOptions } from './providers/service.ts'
import { joinPcm } from './resample.ts'
import { speechSettings } from './settings.ts'
import { type FakeSpeech, fakeSound, type SpeechFault } from './testing/fake-speech.ts'
import type { Pcm, Recognizer, SpeechProvider, Synthesis, Synthesizer } from './types.ts'

/** Generous, since a busy machine must not look like a slow service. */
const patient: Partial<Limits> = { connect_ms: 30_000, first_ms: 30_000, idle_ms: 30_000 }
const impatient: Partial<Limits> = { connect_ms: 300, first_ms: 300, idle_ms: 300, rest_ms: 300 }
/** A rate that all of them speak, so that their sound comes through unchanged. */
const nativeRate = 24_000

const faults: { fault: SpeechFault; code: string }[] = [
  { fault: { is: 'refused', status: 401 }, code: 'speech.bad_key' },
  { fault: { is: 'refused', status: 429 }, code: 'speech.provider_rate_limited' },
  { fault: { is: 'refused', status: 500, body: '<html>oops</html>' }, code: 'speech.provider_failed' },
  { fault: { is: 'refused', status: 400, body: '{"message":"no"}' }, code: 'speech.provider_rejected' },
  { fault: { is: 'cut' }, code: 'speech.provider_failed' },
  { fault: { is: 'half_frame' }, code: 'speech.provider_failed' },
  { fault: { is: 'closed' }, code: 'speech.provider_failed' },
  { fault: { is: 'malformed' }, code: 'speech.provider_malformed' },
  { fault: { is: 'error', what: 'key' }, code: 'speech.bad_key' },
  { fault: { is: 'error', what: 'rate' }, code: 'speech.provider_rate_limited' },
  { fault: { is: 'error', what: 'server' }, code: 'speech.provider_failed' },
  { fault: { is: 'error', what: 'rejected' }, code: 'speech.provider_rejected' },
]

/** A driver with the settings of a fake; `lines` gets what it logs. */
export function openProvider(
  create: (options: ProviderOptions) => SpeechProvider,
  env: Record<string, string>,
  options: { limits?: Partial<Limits>; lines?: string[]; clock?: { now(): number } } = {},
): { recognizer: Recognizer; synthesizer: Synthesizer } {
  const { values: settings } = loadConfig(speechSettings, { env })
  const log = createLog('debug', line => options.lines?.push(line))
  const { clock = systemClock, limits = patient } = options
  const { recognizer, synthesizer } = create({ settings, log, clock, limits })
  if (!recognizer || !synthesizer) throw new Error('the driver finds no keys')
  return { recognizer, synthesizer }
}

/** Sound of so many milliseconds, as a microphone would bring it: in pieces of 20 ms. */
export function* spokenPieces(ms: number, sample_rate: number): Iterable<Pcm> {
  const whole = fakeSound('x'.repeat(Math.ceil(ms / 100)), sample_rate).subarray(0, (ms * sample_rate) / 1000)
  const step = sample_rate / 50
  for (let at = 0; at < whole.length; at += step) yield whole.subarray(at, at + step)
}

/** All sound of a synthesis, by the text that it belongs to. */
export async function listen({ audio }: Synthesis): Promise<Map<number, Pcm>> {
  const parts = new Map<number, Pcm[]>()
  for await (const { pcm, index } of audio) {
    const last = [...parts.keys()].at(-1) ?? -1
    if (index < last) throw new Error('the sound is not in order')
    parts.set(index, [...(parts.get(index) ?? []), pcm])
  }
  return new Map([...parts].map(([index, pieces]) => [index, joinPcm(pieces)]))
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  return error instanceof AppError ? error.code : String(error)
}

/** What every driver promises, against a server that speaks its service's protocol. */
export function providerContract(
  name: string,
  subject: { start(): Promise<FakeSpeech>; create(options: ProviderOptions): SpeechProvider },
) {
  describe(name, () => {
    let fake: FakeSpeech
    beforeEach(async () => {
      fake = await subject.start()
    })
    afterEach(() => fake.stop())
    const open = (options?: Parameters<typeof openProvider>[2]) =>
      openProvider(subject.create, fake.env, options)
    const signal = () => new AbortController().signal

    test('without keys there is no driver', () => {
      const { values: settings } = loadConfig(speechSettings, { env: {} })
      const log = createLog('silent')
      expect(subject.create({ settings, log, clock: systemClock })).toEqual({
        recognizer: null,
        synthesizer: null,
      })
    })

    describe('recognition', () => {
      const say = (options?: Parameters<typeof open>[0], ms = 1_000, sample_rate = 16_000) => {
        const partials: string[] = []
        const recognition = open(options).recognizer.open({
          sample_rate,
          signal: signal(),
          onPartial: text => partials.push(text),
        })
        for (const pcm of spokenPieces(ms, sample_rate)) recognition.write(pcm)
        return { recognition, partials }
      }

      test('an utterance is heard, with all of its sound', async () => {
        const { recognition, partials } = say()
        expect(await recognition.finish()).toBe('今天天气怎么样？')
        expect(fake.recognitions).toHaveLength(1)
        expect(fake.recognitions[0]?.bytes).toBe(32_000)
        for (const partial of partials) expect('今天天气怎么样？').toContain(partial)
        recognition.write(new Int16Array(100))
        expect(await recognition.finish()).toBe('今天天气怎么样？')
        expect(await fake.recognitions[0]?.over).toBe('finished')
      })

      test('sentences are put together, in Chinese without and in English with a space', async () => {
        fake.heard = ['你好。', '今天天气怎么样？']
        expect(await say().recognition.finish()).toBe('你好。今天天气怎么样？')
        if (name === 'openai' || name === 'volcengine') return
        fake.heard = ['Hello.', 'How are you?']
        expect(await say().recognition.finish()).toBe('Hello. How are you?')
      })

      test('sound at another rate arrives whole', async () => {
        expect(await say({}, 700, 48_000).recognition.finish()).toBe('今天天气怎么样？')
        const { bytes = 0, parameters } = fake.recognitions[0] ?? {}
        expect(bytes / (Number(parameters?.rate ?? 16_000) * 2)).toBeCloseTo(0.7, 2)
      })

      test('no sound is no text', async () => {
        expect(await say({}, 0).recognition.finish()).toBe('')
      })

      test('silence is an empty text', async () => {
        fake.heard = ['']
        expect(await say().recognition.finish()).toBe('')
      })

      test('an abort rejects at once, and the service sees the caller go', async () => {
        const controller = new AbortController()
        fake.fail({ is: 'slow', ms: 600_000 })
        const recognition = open().recognizer.open({ sample_rate: 16_000, signal: controller.signal })
        for (const pcm of spokenPieces(1_000, 16_000)) recognition.write(pcm)
        const text = recognition.finish()
        await expect.poll(() => fake.recognitions[0]?.bytes, { timeout: 30_000 }).toBe(32_000)
        const reason = new Error('barge-in')
        controller.abort(reason)
        await expect(text).rejects.toBe(reason)
        expect(await fake.recognitions[0]?.over).toBe('cancelled')
      })

      test('an abort before the beginning asks nothing', async () => {
        const recognition = open().recognizer.open({
          sample_rate: 16_000,
          signal: AbortSignal.abort(new Error('no')),
        })
        recognition.write(new Int16Array(16_000))
        await expect(recognition.finish()).rejects.toThrow('no')
        expect(fake.recognitions).toEqual([])
      })

      test.each(faults)('$fault → $code', async ({ fault, code }) => {
        fake.fail(fault, 'keep')
        expect(await codeOf(say().recognition.finish())).toBe(code)
      })

      test.each([{ is: 'silent' }, { is: 'deaf' }] as const)('$is for too long is a timeout', async fault => {
        fake.fail(fault, 'keep')
        expect(await codeOf(say({ limits: impatient }).recognition.finish())).toBe('speech.provider_timeout')
      })

      test('a slow answer is waited for', async () => {
        fake.fail({ is: 'slow', ms: 200 })
        expect(await say().recognition.finish()).toBe('今天天气怎么样？')
      })

      test('a service that is not there', async () => {
        await fake.stop()
        expect(await codeOf(say().recognition.finish())).toBe('speech.provider_failed')
        fake = await subject.start()
      })

      test('a failure that nobody asks about harms nobody', async () => {
        fake.fail({ is: 'error', what: 'server' }, 'keep')
        const lines: string[] = []
        const { recognition } = say({ lines })
        if (name === 'openai') void recognition.finish()
        await expect.poll(() => lines.length, { timeout: 30_000 }).toBeGreaterThan(0)
      })

      test('one that is opened and forgotten does not stay', async () => {
        if (name === 'openai') return
        const recognition = open({ limits: { ...patient, rest_ms: 1_000 } }).recognizer.open({
          sample_rate: 16_000,
          signal: signal(),
        })
        recognition.write(new Int16Array(16_000))
        await expect.poll(() => fake.recognitions.length, { timeout: 30_000 }).toBe(1)
        expect(await fake.recognitions[0]?.over).toBe('cancelled')
        expect(await codeOf(recognition.finish())).toBe('speech.provider_timeout')
      })

      test('what the service quotes of our keys goes nowhere', async () => {
        const secrets = Object.entries(fake.env)
          .filter(([setting]) => /KEY|SECRET|TOKEN$/.test(setting) && !setting.endsWith('URL'))
          .map(([, value]) => value)
        const lines: string[] = []
        fake.fail(
          { is: 'refused', status: 400, body: JSON.stringify({ message: `bad: ${secrets.join(' ')}` }) },
          'keep',
        )
        const error = await say({ lines })
          .recognition.finish()
          .then(
            () => null,
            (reason: unknown) => reason,
          )
        const told = `${String(error)} ${error instanceof Error ? String(error.cause) : ''} ${lines.join(' ')}`
        expect(secrets.length).toBeGreaterThan(0)
        for (const secret of secrets) expect(told).not.toContain(secret)
      })
    })

    describe('synthesis', () => {
      const speak = (
        texts: readonly string[],
        options?: Parameters<typeof open>[0],
        sample_rate = nativeRate,
      ) => {
        const synthesis = open(options).synthesizer.open({ sample_rate, signal: signal() })
        for (const text of texts) synthesis.write(text)
        synthesis.end()
        return synthesis
      }

      test('texts are spoken in order, each with its own sound', async () => {
        const texts = ['你好。', '今天是晴天，很适合出门。', 'Bye!']
        const heard = await listen(speak(texts))
        expect([...heard.keys()]).toEqual([0, 1, 2])
        for (const [index, text] of texts.entries())
          expect(heard.get(index), text).toEqual(fakeSound(text, nativeRate))
        expect(fake.utterances.map(({ text }) => text)).toEqual(texts)
        for (const { over } of fake.utterances) expect(await over).toBe('finished')
      })

      test('a text that is written later is spoken too', async () => {
        const synthesis = open().synthesizer.open({ sample_rate: nativeRate, signal: signal() })
        const heard = listen(synthesis)
        synthesis.write('一。')
        await expect.poll(() => fake.utterances.length, { timeout: 30_000 }).toBe(1)
        expect(await fake.utterances[0]?.over).toBe('finished')
        synthesis.write('二。')
        synthesis.end()
        synthesis.write('三。')
        expect([...(await heard).keys()]).toEqual([0, 1])
      })

      test('sound comes at the rate that was asked for', async () => {
        const heard = await listen(speak(['今天是晴天。'], {}, 22_050))
        expect(heard.get(0)?.length).toBe(Math.ceil(0.6 * 22_050))
      })

      test('nothing to say is nothing to hear, and punctuation is passed over', async () => {
        expect(await listen(speak([]))).toEqual(new Map())
        expect([...(await listen(speak(['……', '好。', ' '])).then(heard => heard.keys()))]).toEqual([1])
        expect(fake.utterances).toHaveLength(1)
      })

      test('a long text arrives whole', async () => {
        const text = '今天是晴天，很适合出门。'.repeat(100)
        const heard = await listen(speak([text]))
        expect(heard.get(0)?.length).toBe(fakeSound(text, nativeRate).length)
        expect(fake.utterances.map(utterance => utterance.text).join('')).toBe(text)
      })

      test('an abort ends the sound at once, and the service sees the caller go', async () => {
        const controller = new AbortController()
        fake.fail({ is: 'slow', ms: 600_000 })
        const { audio, ...synthesis } = open().synthesizer.open({
          sample_rate: nativeRate,
          signal: controller.signal,
        })
        synthesis.write('你好。')
        synthesis.write('再见。')
        const first = audio[Symbol.asyncIterator]().next()
        await expect.poll(() => fake.utterances.length, { timeout: 30_000 }).toBe(1)
        const reason = new Error('barge-in')
        controller.abort(reason)
        await expect(first).rejects.toBe(reason)
        expect(await fake.utterances[0]?.over).toBe('cancelled')
        synthesis.write('还有。')
        synthesis.end()
        expect(fake.utterances).toHaveLength(1)
      })

      test('a listener that leaves ends it as well', async () => {
        const text = '今天是晴天，很适合出门。'.repeat(400)
        const synthesis = speak([text, '完。'])
        for await (const { pcm } of synthesis.audio) {
          expect(pcm.length).toBeGreaterThan(0)
          break
        }
        await expect.poll(() => fake.utterances.length, { timeout: 30_000 }).toBeGreaterThan(0)
        for (const { over } of fake.utterances) await over
        expect(fake.utterances.map(utterance => utterance.text)).not.toContain('完。')
      })

      test.each(faults)('$fault → $code', async ({ fault, code }) => {
        fake.fail(fault, 'keep')
        expect(await codeOf(listen(speak(['今天是晴天。'])))).toBe(code)
      })

      test.each([{ is: 'silent' }, { is: 'deaf' }] as const)('$is for too long is a timeout', async fault => {
        fake.fail(fault, 'keep')
        expect(await codeOf(listen(speak(['你好。'], { limits: impatient })))).toBe('speech.provider_timeout')
      })

      test('what was spoken before a failure is heard', async () => {
        fake.fail({ is: 'cut' })
        const lengths: number[] = []
        const failure = (async () => {
          for await (const { pcm } of speak(['今天是晴天。']).audio) lengths.push(pcm.length)
        })()
        expect(await codeOf(failure)).toBe('speech.provider_failed')
        expect(lengths.length).toBeGreaterThan(0)
      })

      test('a connection that breaks before the first sound is made again', async () => {
        fake.fail({ is: 'dropped' })
        expect((await listen(speak(['你好。']))).get(0)?.length).toBe(0.3 * nativeRate)
      })

      test('a long pause between two texts costs the connection, not the answer', async () => {
        const synthesis = open({ limits: { ...patient, rest_ms: 50 } }).synthesizer.open({
          sample_rate: nativeRate,
          signal: signal(),
        })
        const heard = listen(synthesis)
        synthesis.write('一。')
        await expect.poll(() => fake.utterances.length, { timeout: 30_000 }).toBe(1)
        if (name !== 'openai') await expect.poll(() => fake.open, { timeout: 30_000 }).toBe(0)
        synthesis.write('二。')
        synthesis.end()
        expect([...(await heard).keys()]).toEqual([0, 1])
      })

      test('a connection that breaks between two texts is made again', async () => {
        const synthesis = open().synthesizer.open({ sample_rate: nativeRate, signal: signal() })
        const heard = listen(synthesis)
        synthesis.write('一。')
        await expect.poll(() => fake.utterances.length, { timeout: 30_000 }).toBe(1)
        expect(await fake.utterances[0]?.over).toBe('finished')
        fake.hangUp()
        synthesis.write('二。')
        synthesis.end()
        expect([...(await heard).keys()]).toEqual([0, 1])
      })
    })
  })
}
