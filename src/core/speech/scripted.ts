import type { Recognizer } from './types.ts'

/** Louder than this, of 32,767, and somebody speaks. */
const quiet = 400
/** How much of a line is “heard” per second of sound, for partial texts. */
const charactersPerSecond = 6
/** Speakers whose place in the script is remembered. */
const speakersKept = 10_000

/**
 * A recogniser for tests and demonstrations. It hears only whether there was sound at all: each utterance is the next
 * line of the script, and silence is ''. Each `speaker` has a place of their own in it, so that what one hears does not
 * depend on the others.
 */
export function createScriptedRecognizer(script: string): Recognizer {
  const lines = script
    .split(/[|\n]/)
    .map(line => line.trim())
    .filter(line => line !== '')
  const places = new Map<string, number>()
  const nextLine = (speaker: string): string => {
    const place = places.get(speaker) ?? 0
    places.delete(speaker)
    places.set(speaker, place + 1)
    const oldest = places.size > speakersKept ? places.keys().next().value : undefined
    if (oldest !== undefined) places.delete(oldest)
    return lines[place % Math.max(1, lines.length)] ?? ''
  }
  return {
    name: 'scripted',
    open({ sample_rate, speaker = '', signal, onPartial }) {
      let line: string | null = null
      let heard = 0
      let told = ''
      let isOver = false
      return {
        write(pcm) {
          if (isOver || signal.aborted) return
          if (line === null && pcm.some(sample => Math.abs(sample) > quiet)) line = nextLine(speaker)
          if (line === null) return
          heard += pcm.length
          const partial = [...line].slice(0, Math.floor((heard / sample_rate) * charactersPerSecond)).join('')
          if (partial === told) return
          told = partial
          onPartial?.(partial)
        },
        async finish() {
          isOver = true
          signal.throwIfAborted()
          return line ?? ''
        },
      }
    },
  }
}
