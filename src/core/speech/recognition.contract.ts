import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ContractSubject } from './provider.contract.ts'
import {
  codeOf,
  errorOf,
  faults,
  never,
  patient,
  type Stage,
  spokenPieces,
  stages,
} from './provider.testing.ts'

/** What every driver promises of recognition. */
export function recognitionContract({ isAsked, joinsSentences }: ContractSubject, stage: Stage) {
  describe('recognition', () => {
    const say = (options?: Parameters<Stage['open']>[0], ms = 1_000, sample_rate = 16_000) => {
      const partials: string[] = []
      const recognition = stage.open(options).recognizer.open({
        sample_rate,
        signal: never(),
        onPartial: text => partials.push(text),
      })
      for (const pcm of spokenPieces(ms, sample_rate)) recognition.write(pcm)
      return { recognition, partials }
    }

    test('an utterance is heard, with all of its sound', async () => {
      const { recognition, partials } = say()
      expect(await recognition.finish()).toBe('今天天气怎么样？')
      expect(stage.fake.recognitions).toHaveLength(1)
      expect(stage.fake.recognitions[0]?.bytes).toBe(32_000)
      for (const partial of partials) expect('今天天气怎么样？').toContain(partial)
      recognition.write(new Int16Array(100))
      expect(await recognition.finish()).toBe('今天天气怎么样？')
      expect(await stage.fake.recognitions[0]?.over).toBe('finished')
    })

    test('sentences in Chinese are put together as they are', async () => {
      stage.fake.heard = ['你好。', '今天天气怎么样？']
      expect(await say().recognition.finish()).toBe('你好。今天天气怎么样？')
    })

    if (joinsSentences)
      test('sentences in English are put together with a space', async () => {
        stage.fake.heard = ['Hello.', 'How are you?']
        expect(await say().recognition.finish()).toBe('Hello. How are you?')
      })

    test('sound at another rate arrives whole', async () => {
      expect(await say({}, 700, 48_000).recognition.finish()).toBe('今天天气怎么样？')
      const { bytes = 0, parameters } = stage.fake.recognitions[0] ?? {}
      expect(bytes / (Number(parameters?.rate ?? 16_000) * 2)).toBeCloseTo(0.7, 2)
    })

    test('no sound is no text', async () => {
      expect(await say({}, 0).recognition.finish()).toBe('')
    })

    test('silence is an empty text', async () => {
      stage.fake.heard = ['']
      expect(await say().recognition.finish()).toBe('')
    })

    test.each(stages)(
      'an abort $when rejects with its reason and closes the connection at once',
      async ({ fault }) => {
        const controller = new AbortController()
        stage.fake.fail(fault)
        const recognition = stage.open().recognizer.open({ sample_rate: 16_000, signal: controller.signal })
        for (const pcm of spokenPieces(1_000, 16_000)) recognition.write(pcm)
        const text = recognition.finish()
        await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(1)
        if (fault.is !== 'deaf')
          await expect.poll(() => stage.fake.recognitions[0]?.bytes, { timeout: 30_000 }).toBeGreaterThan(0)
        const reason = new Error('barge-in')
        // With no clock running, nothing can have waited for one.
        vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] })
        onTestFinished(() => void vi.useRealTimers())
        controller.abort(reason)
        await expect(text).rejects.toBe(reason)
        await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(0)
        for (const { over } of stage.fake.recognitions) expect(await over).toBe('cancelled')
      },
    )

    test('an abort before the beginning asks nothing', async () => {
      const recognition = stage.open().recognizer.open({
        sample_rate: 16_000,
        signal: AbortSignal.abort(new Error('no')),
      })
      recognition.write(new Int16Array(16_000))
      await expect(recognition.finish()).rejects.toThrow('no')
      expect(stage.fake.recognitions).toEqual([])
    })

    test.each(faults)('$how is $code, and the connection is given up', async ({ fault, code, limits }) => {
      stage.fake.fail(fault, 'keep')
      expect(await codeOf(say({ limits }).recognition.finish())).toBe(code)
      await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(0)
    })

    test('a slow answer is waited for', async () => {
      stage.fake.fail({ is: 'slow', ms: 200 })
      expect(await say().recognition.finish()).toBe('今天天气怎么样？')
    })

    test('a refused connection is speech.provider_failed', async () => {
      await stage.fake.stop()
      expect(await codeOf(say().recognition.finish())).toBe('speech.provider_failed')
      await stage.restart()
    })

    test('a failure that nobody asks about harms nobody', async () => {
      stage.fake.fail({ is: 'error', what: 'server' }, 'keep')
      const lines: string[] = []
      const { recognition } = say({ lines })
      if (isAsked) void recognition.finish()
      await expect.poll(() => lines.length, { timeout: 30_000 }).toBeGreaterThan(0)
    })

    if (!isAsked)
      test('one that is opened and forgotten does not stay', async () => {
        const recognition = stage.open({ limits: { ...patient, rest_ms: 1_000 } }).recognizer.open({
          sample_rate: 16_000,
          signal: never(),
        })
        recognition.write(new Int16Array(16_000))
        await expect.poll(() => stage.fake.recognitions.length, { timeout: 30_000 }).toBe(1)
        expect(await stage.fake.recognitions[0]?.over).toBe('cancelled')
        expect(await codeOf(recognition.finish())).toBe('speech.provider_timeout')
      })

    test('what the service quotes of our keys goes nowhere', async () => {
      const secrets = Object.entries(stage.fake.env)
        .filter(([setting]) => /KEY|SECRET|TOKEN$/.test(setting) && !setting.endsWith('URL'))
        .map(([, value]) => value)
      const lines: string[] = []
      stage.fake.fail(
        { is: 'refused', status: 400, body: JSON.stringify({ message: `bad: ${secrets.join(' ')}` }) },
        'keep',
      )
      const error = await errorOf(say({ lines }).recognition.finish())
      const told = `${String(error)} ${error instanceof Error ? String(error.cause) : ''} ${lines.join(' ')}`
      expect(secrets.length).toBeGreaterThan(0)
      for (const secret of secrets) expect(told).not.toContain(secret)
    })
  })
}
