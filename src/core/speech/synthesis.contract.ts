import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ContractSubject } from './provider.contract.ts'
import { codeOf, errorOf, faults, listen, never, patient, type Stage, stages } from './provider.testing.ts'
import { fakeSound } from './testing/fake-speech.ts'

/** A rate that all of them speak, so that their sound comes through unchanged. */
const nativeRate = 24_000

/** What every driver promises of synthesis. */
export function synthesisContract({ isAsked, isWhole }: ContractSubject, stage: Stage) {
  describe('synthesis', () => {
    const speak = (
      texts: readonly string[],
      options?: Parameters<Stage['open']>[0],
      sample_rate = nativeRate,
    ) => {
      const synthesis = stage.open(options).synthesizer.open({ sample_rate, signal: never() })
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
      expect(stage.fake.utterances.map(({ text }) => text)).toEqual(texts)
      for (const { over } of stage.fake.utterances) expect(await over).toBe('finished')
    })

    test('a text that is written later is spoken too', async () => {
      const synthesis = stage.open().synthesizer.open({ sample_rate: nativeRate, signal: never() })
      const heard = listen(synthesis)
      synthesis.write('一。')
      await expect.poll(() => stage.fake.utterances.length, { timeout: 30_000 }).toBe(1)
      expect(await stage.fake.utterances[0]?.over).toBe('finished')
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
      expect(stage.fake.utterances).toHaveLength(1)
    })

    test('a long text arrives whole', async () => {
      const text = '今天是晴天，很适合出门。'.repeat(100)
      const heard = await listen(speak([text]))
      expect(heard.get(0)?.length).toBe(fakeSound(text, nativeRate).length)
      expect(stage.fake.utterances.map(utterance => utterance.text).join('')).toBe(text)
    })

    test.each(stages)(
      'an abort $when ends the sound with its reason and closes the connection at once',
      async ({ fault }) => {
        const controller = new AbortController()
        stage.fake.fail(fault)
        const synthesis = stage
          .open()
          .synthesizer.open({ sample_rate: nativeRate, signal: controller.signal })
        synthesis.write('你好。')
        synthesis.write('再见。')
        const heard = errorOf(listen(synthesis))
        await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(1)
        if (fault.is !== 'deaf')
          await expect.poll(() => stage.fake.utterances.length, { timeout: 30_000 }).toBe(1)
        const reason = new Error('barge-in')
        // With no clock running, nothing can have waited for one.
        vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] })
        onTestFinished(() => void vi.useRealTimers())
        controller.abort(reason)
        expect(await heard).toBe(reason)
        await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(0)
        for (const { over } of stage.fake.utterances) expect(await over).toBe('cancelled')
        const asked = stage.fake.utterances.length
        synthesis.write('还有。')
        synthesis.end()
        expect(stage.fake.utterances).toHaveLength(asked)
      },
    )

    test('a listener that leaves ends it as well', async () => {
      const text = '今天是晴天，很适合出门。'.repeat(400)
      const synthesis = speak([text, '完。'])
      for await (const { pcm } of synthesis.audio) {
        expect(pcm.length).toBeGreaterThan(0)
        break
      }
      await expect.poll(() => stage.fake.utterances.length, { timeout: 30_000 }).toBeGreaterThan(0)
      for (const { over } of stage.fake.utterances) await over
      expect(stage.fake.utterances.map(utterance => utterance.text)).not.toContain('完。')
    })

    test.each(faults)('$how is $code, and the connection is given up', async ({ fault, code, limits }) => {
      stage.fake.fail(fault, 'keep')
      expect(await codeOf(listen(speak(['今天是晴天。'], { limits })))).toBe(code)
      await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(0)
    })

    test('a refused connection is speech.provider_failed', async () => {
      await stage.fake.stop()
      expect(await codeOf(listen(speak(['今天是晴天。'])))).toBe('speech.provider_failed')
      await stage.restart()
    })

    if (!isWhole)
      test('what was spoken before a failure is heard', async () => {
        stage.fake.fail({ is: 'cut' })
        const lengths: number[] = []
        const failure = (async () => {
          for await (const { pcm } of speak(['今天是晴天。']).audio) lengths.push(pcm.length)
        })()
        expect(await codeOf(failure)).toBe('speech.provider_failed')
        expect(lengths.length).toBeGreaterThan(0)
      })

    test('a connection that breaks before the first sound is made again', async () => {
      stage.fake.fail({ is: 'dropped' })
      expect((await listen(speak(['你好。']))).get(0)?.length).toBe(0.3 * nativeRate)
    })

    test('a long pause between two texts costs the connection, not the answer', async () => {
      const synthesis = stage.open({ limits: { ...patient, rest_ms: 50 } }).synthesizer.open({
        sample_rate: nativeRate,
        signal: never(),
      })
      const heard = listen(synthesis)
      synthesis.write('一。')
      await expect.poll(() => stage.fake.utterances.length, { timeout: 30_000 }).toBe(1)
      if (!isAsked) await expect.poll(() => stage.fake.open, { timeout: 30_000 }).toBe(0)
      synthesis.write('二。')
      synthesis.end()
      expect([...(await heard).keys()]).toEqual([0, 1])
    })

    test('a connection that breaks between two texts is made again', async () => {
      const synthesis = stage.open().synthesizer.open({ sample_rate: nativeRate, signal: never() })
      const heard = listen(synthesis)
      synthesis.write('一。')
      await expect.poll(() => stage.fake.utterances.length, { timeout: 30_000 }).toBe(1)
      expect(await stage.fake.utterances[0]?.over).toBe('finished')
      stage.fake.hangUp()
      synthesis.write('二。')
      synthesis.end()
      expect([...(await heard).keys()]).toEqual([0, 1])
    })
  })
}
