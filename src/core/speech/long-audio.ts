import { audioRate } from './audio-file.ts'
import { joinPcm } from './resample.ts'
import type { Pcm, Recognition, Recognizer } from './types.ts'
import { createVad } from './vad.ts'

/** Most sound that is given to a recogniser as one utterance: services take a minute. */
const longestUtterance = 50 * audioRate
/** Heard before the speech begins, so that no first consonant is lost. */
const before = 0.3 * audioRate

/**
 * Recognises a recording of any length: its speech is found, and recognised one utterance after another.
 * `onProgress` is told the samples that are done.
 * @throws AppError `speech.*`; the signal's reason
 */
export async function recognizeLong(options: {
  pieces: AsyncIterable<Pcm>
  recognizer: Recognizer
  language?: string
  signal: AbortSignal
  onProgress(samples: number): Promise<void>
}): Promise<string> {
  const { pieces, recognizer, language, onProgress } = options
  // Audio that breaks in the middle of an utterance shall not leave the service waiting for its end.
  const whole = new AbortController()
  const signal = AbortSignal.any([options.signal, whole.signal])
  const vad = await createVad({ sample_rate: audioRate, silence_ms: 800, strictness: 1 })
  const texts: string[] = []
  let current: { recognition: Recognition; from: number } | null = null
  /** What was heard last; its end is at `vad.position`. */
  let recent: Pcm = new Int16Array(0)
  const finish = async () => {
    const text = await current?.recognition.finish()
    current = null
    if (text) texts.push(text)
  }
  try {
    for await (const pcm of pieces) {
      signal.throwIfAborted()
      recent = joinPcm([recent.subarray(Math.max(0, recent.length - 2 * before)), pcm])
      const events = vad.write(pcm)
      const begun = vad.position - recent.length
      if (current) current.recognition.write(pcm)
      for (const { type, at } of events) {
        if (type === 'end') await finish()
        else {
          const from = Math.max(begun, at - before)
          current = { recognition: recognizer.open({ sample_rate: audioRate, language, signal }), from }
          current.recognition.write(recent.subarray(from - begun))
        }
      }
      if (current && vad.position - current.from > longestUtterance) {
        await finish()
        // Somebody who does not pause: the next utterance begins where this one was cut.
        current = {
          recognition: recognizer.open({ sample_rate: audioRate, language, signal }),
          from: vad.position,
        }
      }
      await onProgress(vad.position)
    }
    await finish()
    return joinTexts(texts)
  } finally {
    whole.abort()
    vad.free()
  }
}

/** Utterances in one text; a space only where words are separated by spaces. */
export function joinTexts(texts: readonly string[]): string {
  const wide = /[\u2E80-\uFFEF]$/
  return texts.reduce((text, next) => (text === '' || wide.test(text) ? text + next : `${text} ${next}`), '')
}
