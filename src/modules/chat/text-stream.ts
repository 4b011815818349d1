/**
 * Gathers the pieces of an answer into text that can be stored, cut and counted safely. A model may split a surrogate
 * pair between two pieces and may write what PostgreSQL cannot hold: the half pair waits for its other half, and
 * U+0000 and lone halves become U+FFFD, one unit for one unit, so that offsets stay true everywhere.
 */
export type TextStream = {
  /** All text so far, without the half pair that may be waiting. */
  readonly text: string
  push(piece: string): void
  /** No more pieces: a half pair that still waits is taken as it is. */
  end(): void
}

export function createTextStream(initial = ''): TextStream {
  let text = initial
  let half = ''
  const append = (piece: string) => {
    text += storable(piece)
  }
  return {
    get text() {
      return text
    },
    push(piece) {
      const whole = half + piece
      const last = whole.charCodeAt(whole.length - 1)
      const isHalf = last >= 0xd800 && last <= 0xdbff
      half = isHalf ? whole.slice(-1) : ''
      append(isHalf ? whole.slice(0, -1) : whole)
    },
    end() {
      append(half)
      half = ''
    },
  }
}

/** The text with what PostgreSQL cannot hold replaced. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

/** The text from a UTF-16 offset on; an offset inside a surrogate pair moves to its beginning. */
export function sliceFrom(text: string, offset: number): { offset: number; text: string } {
  const at = Math.min(offset, text.length)
  const code = text.charCodeAt(at)
  const start = at > 0 && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
  return { offset: start, text: text.slice(start) }
}
