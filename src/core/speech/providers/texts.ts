export type Texts = {
  /** Dropped after `end`. What has nothing to be heard in it is counted and left out. */
  add(text: string): void
  end(): void
  /** The next text to be spoken; null when there is none, or one is being spoken. */
  take(): { text: string; index: number } | null
  /** Some of the current text's sound came. */
  heard(): void
  /** All of it came. */
  spoken(): void
  /** The current text waits again, if nothing of it was heard and this is the first time. */
  giveBack(): boolean
  readonly isSpeaking: boolean
  readonly isWaiting: boolean
  /** All that was written was spoken, and nothing more follows. */
  readonly isDone: boolean
}

/** The texts of an answer, and how far its speaking is. */
export function createTexts(): Texts {
  const waiting: { text: string; index: number }[] = []
  let current: { text: string; index: number } | null = null
  let wasHeard = false
  let returned = -1
  let count = 0
  let isComplete = false
  return {
    add(text) {
      if (isComplete) return
      const index = count++
      if (isSpeakable(text)) waiting.push({ text, index })
    },
    end() {
      isComplete = true
    },
    take() {
      if (current) return null
      current = waiting.shift() ?? null
      wasHeard = false
      return current
    },
    heard() {
      wasHeard = true
    },
    spoken() {
      current = null
    },
    giveBack() {
      if (!current || wasHeard || returned === current.index) return false
      returned = current.index
      waiting.unshift(current)
      current = null
      return true
    },
    get isSpeaking() {
      return current !== null
    },
    get isWaiting() {
      return waiting.length > 0
    },
    get isDone() {
      return isComplete && current === null && waiting.length === 0
    },
  }
}

/** Services refuse what is only punctuation. */
export const isSpeakable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text)

/** A long text in parts of at most `most` UTF-16 units that never cut a character in two. */
export function partsOf(text: string, most: number): string[] {
  const parts: string[] = []
  let part = ''
  for (const character of text) {
    if (part.length + character.length > most) {
      parts.push(part)
      part = ''
    }
    part += character
  }
  if (part !== '') parts.push(part)
  return parts
}
