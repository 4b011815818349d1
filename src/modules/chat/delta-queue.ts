import type { SpokenTurn } from './contract.ts'

type Piece = { type: 'text'; text: string }

/** Pieces of an answer between the call of a model, which never waits, and one reader. */
export type DeltaQueue = SpokenTurn['deltas'] & {
  push(piece: Piece): void
  /** No more pieces; with an error the reader gets that behind them. Only the first end counts. */
  end(error?: Error | null): void
}

/** `onLeft` is called when the reader goes before the end. */
export function createDeltaQueue(onLeft: () => void): DeltaQueue {
  const pieces: Piece[] = []
  let ended: { error: Error | null } | null = null
  let wake: (() => void) | null = null

  async function* read(): AsyncGenerator<Piece> {
    let isRead = false
    try {
      for (;;) {
        for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield piece
        if (ended) break
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      isRead = true
      if (ended.error) throw ended.error
    } finally {
      if (!isRead) onLeft()
    }
  }

  return {
    push(piece) {
      pieces.push(piece)
      wake?.()
    },
    end(error = null) {
      ended ??= { error }
      wake?.()
    },
    [Symbol.asyncIterator]: read,
  }
}
