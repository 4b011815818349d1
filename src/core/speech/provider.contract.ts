import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import { createLog } from '#core/log.ts'
import { openProvider } from './provider.testing.ts'
import type { ProviderOptions } from './providers/service.ts'
import { recognitionContract } from './recognition.contract.ts'
import { speechSettings } from './settings.ts'
import { synthesisContract } from './synthesis.contract.ts'
import type { FakeSpeech } from './testing/fake-speech.ts'
import type { SpeechProvider } from './types.ts'

/** A driver, the server that speaks its service's protocol, and what of the contract concerns it. */
export type ContractSubject = {
  start(): Promise<FakeSpeech>
  create(options: ProviderOptions): SpeechProvider
  /** Asks over HTTP, once for each text or utterance, instead of holding a connection. */
  isAsked?: boolean
  /** Gets the sound of a text all at once, or none of it. */
  isWhole?: boolean
  /** Gets a text as sentences, which it joins. */
  joinsSentences?: boolean
  /** Recognition is that of another driver. */
  isOnlySynthesis?: boolean
}

/** What every driver promises. */
export function providerContract(name: string, subject: ContractSubject) {
  describe(name, () => {
    let fake: FakeSpeech
    beforeEach(async () => {
      fake = await subject.start()
    })
    afterEach(() => fake.stop())
    const stage = {
      get fake() {
        return fake
      },
      open: (options?: Parameters<typeof openProvider>[2]) => openProvider(subject.create, fake.env, options),
      async restart() {
        fake = await subject.start()
      },
    }

    test('without keys there is no driver', () => {
      const { values: settings } = loadConfig(speechSettings, { env: {} })
      const log = createLog('silent')
      expect(subject.create({ settings, log, clock: systemClock })).toEqual({
        recognizer: null,
        synthesizer: null,
      })
    })
    if (!subject.isOnlySynthesis) recognitionContract(subject, stage)
    synthesisContract(subject, stage)
  })
}
