import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { driverNotConfigured, recognizerMissing } from './errors.ts'
import { createEspeak } from './espeak.ts'
import { createSpeechMetering } from './metering.ts'
import { createAliyunSpeech } from './providers/aliyun.ts'
import { createOpenaiSpeech } from './providers/openai.ts'
import { createTencentSpeech } from './providers/tencent.ts'
import { createVolcengineSpeech } from './providers/volcengine.ts'
import { createScriptedRecognizer } from './scripted.ts'
import type { speechSettings } from './settings.ts'
import type { Recognizer, SpeechProvider, Synthesizer, Voice } from './types.ts'

export type SpeechSettings = Settings<typeof speechSettings>
type SpeechOptions = { settings: SpeechSettings; log: Log; clock: Clock }

/** What speech can do on this server, for status pages. */
export type SpeechStatus = {
  /** The engine that listens, or null when there is none. */
  recognizer: string | null
  /** True for the scripted one, which hears nothing. */
  is_scripted: boolean
  /** The engine that speaks, or null when the chosen one lacks its keys. */
  synthesizer: string | null
  /** True for the built-in preview engine. */
  is_preview: boolean
  /** Settings that bring a service, one group each: `A + B`. */
  services: string[]
}

export type Speech = {
  /** What listens. @throws AppError `speech.not_configured`, `speech.driver_not_configured` */
  recognizer(): Recognizer
  /** What speaks: the chosen service, else the built-in preview. @throws AppError `speech.driver_not_configured` */
  synthesizer(): Synthesizer
  /** The voices of what speaks. */
  voices(): readonly Voice[]
  status(): SpeechStatus
  stop(): void
}

/** The services, in the order in which `auto` takes them, and what each needs. */
const services: readonly {
  name: 'volcengine' | 'aliyun' | 'tencent' | 'openai'
  settings: readonly string[]
  create(options: SpeechOptions): SpeechProvider
}[] = [
  { name: 'volcengine', settings: ['VOLCENGINE_SPEECH_API_KEY'], create: createVolcengineSpeech },
  {
    name: 'aliyun',
    settings: ['ALIYUN_ACCESS_KEY_ID', 'ALIYUN_ACCESS_KEY_SECRET', 'ALIYUN_NLS_APP_KEY'],
    create: createAliyunSpeech,
  },
  {
    name: 'tencent',
    settings: ['TENCENT_APP_ID', 'TENCENT_SECRET_ID', 'TENCENT_SECRET_KEY'],
    create: createTencentSpeech,
  },
  { name: 'openai', settings: ['OPENAI_SPEECH_API_KEY'], create: createOpenaiSpeech },
]

/** Speech to text and text to speech, by a service or by what is built in. */
export function createSpeech({
  settings,
  clock,
  metrics,
  log: parent,
}: SpeechOptions & { metrics: Metrics }): Speech {
  const log = parent.child('speech')
  const providers = services.map(({ name, settings: names, create }) => ({
    name,
    names,
    ...create({ settings, log, clock }),
  }))
  const espeak = createEspeak({ voice: settings.SPEECH_VOICE, path: process.env.PATH ?? '', log })
  const groups = providers.map(({ names }) => names.join(' + '))
  const missing = (setting: 'SPEECH_RECOGNIZER' | 'SPEECH_SYNTHESIZER') => {
    const driver = settings[setting]
    const needed = providers.find(({ name }) => name === driver)?.names ?? []
    return driverNotConfigured({ setting, driver, settings: needed.join(', ') })
  }
  const scripted = createScriptedRecognizer(settings.SPEECH_SCRIPT)
  const metering = createSpeechMetering(metrics)

  const wantedOf = <T>(wanted: string, of: (provider: (typeof providers)[number]) => T | null): T | null =>
    providers
      .filter(({ name }) => wanted === 'auto' || wanted === name)
      .map(of)
      .find(Boolean) ?? null
  const findRecognizer = (): Recognizer | null =>
    settings.SPEECH_RECOGNIZER === 'scripted'
      ? scripted
      : wantedOf(settings.SPEECH_RECOGNIZER, ({ recognizer }) => recognizer)
  const findSynthesizer = (): Synthesizer | null => {
    const wanted = settings.SPEECH_SYNTHESIZER
    const isBuiltIn = wanted === 'auto' || wanted === 'espeak'
    return wantedOf(wanted, ({ synthesizer }) => synthesizer) ?? (isBuiltIn ? espeak.synthesizer : null)
  }
  return {
    recognizer() {
      const found = findRecognizer()
      if (found) return metering.recognizer(found)
      throw settings.SPEECH_RECOGNIZER === 'auto'
        ? recognizerMissing({ settings: groups.join('; ') })
        : missing('SPEECH_RECOGNIZER')
    },
    synthesizer() {
      const found = findSynthesizer()
      if (!found) throw missing('SPEECH_SYNTHESIZER')
      return metering.synthesizer(found)
    },
    voices: () => findSynthesizer()?.voices ?? [],
    status() {
      const recognizer = findRecognizer()
      const synthesizer = findSynthesizer()
      return {
        recognizer: recognizer?.name ?? null,
        is_scripted: recognizer === scripted,
        synthesizer: synthesizer?.name ?? null,
        is_preview: synthesizer?.is_preview ?? false,
        services: groups,
      }
    },
    stop: espeak.stop,
  }
}
