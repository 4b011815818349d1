import type { Log } from '#core/log.ts'
import { unknownVoice } from './errors.ts'
import { createEspeakPool } from './espeak-pool.ts'
import { espeakRate, startOwnEspeak, startSystemEspeak, systemEspeak } from './espeak-process.ts'
import { espeakVoices, voiceFor } from './espeak-voices.ts'
import { createQueue } from './queue.ts'
import { createResampler } from './resample.ts'
import { splitSentences } from './sentences.ts'
import type { Pcm, SynthesisOptions, Synthesizer } from './types.ts'

/** Pieces of about a tenth of a second that may wait for their reader before the next sentence is begun. */
const readAhead = 50

/** Speech without any service: eSpeak NG in child processes, started with the first text. A preview: it sounds like a machine. */
export function createEspeak(options: { voice: string; path: string; log: Log }): {
  synthesizer: Synthesizer
  stop(): void
} {
  let start = (): ReturnType<typeof startOwnEspeak> => {
    const program = systemEspeak(options.path)
    options.log.info({ program: program ?? 'built in' }, 'speaking with eSpeak NG')
    start = program ? () => startSystemEspeak(program) : startOwnEspeak
    return start()
  }
  const pool = createEspeakPool({ start: () => start(), log: options.log })
  const known = (id: string | undefined) => espeakVoices.find(voice => voice.id === id)?.id
  const synthesizer: Synthesizer = {
    name: 'espeak',
    is_preview: true,
    voices: espeakVoices,
    open({ sample_rate, voice, language, speed = 1, signal }: SynthesisOptions) {
      const queue = createQueue<{ pcm: Pcm; index: number }>(signal)
      let spoken = Promise.resolve()
      let written = 0
      const give = (pcm: Pcm, index: number) => {
        if (pcm.length > 0) queue.push({ pcm, index })
      }
      const speak = async (text: string, index: number) => {
        if (voice && !known(voice)) throw unknownVoice({ voice })
        for (const sentence of speakable(text)) {
          await queue.below(readAhead)
          signal.throwIfAborted()
          if (queue.is_over) return
          const resampler = createResampler(espeakRate, sample_rate)
          const chosen = voice ?? known(options.voice) ?? voiceFor(sentence, language)
          await pool.speak(
            { text: sentence, voice: chosen, speed: Math.min(2, Math.max(0.5, speed)) },
            pcm => give(resampler.write(pcm), index),
            signal,
          )
          give(resampler.end(), index)
        }
      }
      return {
        write(text) {
          const index = written++
          spoken = spoken.then(() => speak(text, index))
          spoken.catch(queue.fail)
        },
        end() {
          spoken.then(queue.end, queue.fail)
        },
        audio: queue,
      }
    },
  }
  return { synthesizer, stop: pool.stop }
}

/** Sentences without what the engine would take for commands: tags and phonemes in brackets. */
const speakable = (text: string): string[] =>
  splitSentences(text)
    .map(sentence => sentence.text.replace(/[<>[\]\p{Cc}]+/gu, ' ').trim())
    .filter(sentence => /[\p{L}\p{N}]/u.test(sentence))
