/** Pieces that are put in at one end and read once, in order, at the other. */
export type Queue<T> = AsyncIterable<T> & {
  /** Dropped after `end` and `fail`. */
  push(item: T): void
  /** The reader gets what is there, then the end. */
  end(): void
  /** The reader gets what is there, then this error. */
  fail(error: unknown): void
  /** Resolves when fewer than so many wait to be read, or nothing more will be: what a writer waits for that could go on for ever. */
  below(count: number): Promise<void>
  /** Nothing that is pushed would be read. */
  readonly is_over: boolean
}

/** An aborted signal ends the reading at once with its reason, and drops what waits. */
export function createQueue<T>(signal: AbortSignal): Queue<T> {
  const items: T[] = []
  let over: { error: unknown } | 'ended' | null = null
  let wake: (() => void) | null = null
  const writers = createWriters()
  const ring = () => {
    wake?.()
    wake = null
  }
  const tellWriters = () => writers.tell(over === null ? items.length : -1)
  const finish = (how: { error: unknown } | 'ended') => {
    over ??= how
    ring()
    tellWriters()
  }
  const abort = () => {
    items.length = 0
    over = { error: signal.reason }
    ring()
    tellWriters()
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return {
    push(item) {
      if (over) return
      items.push(item)
      ring()
    },
    end: () => finish('ended'),
    fail: error => finish({ error }),
    below(count) {
      if (over !== null || items.length < count) return Promise.resolve()
      return writers.wait(count)
    },
    get is_over() {
      return over !== null
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (true) {
          const item = items.shift()
          if (item !== undefined) {
            tellWriters()
            yield item
          } else if (over === 'ended') return
          else if (over) throw over.error
          else
            await new Promise<void>(resolve => {
              wake = resolve
            })
        }
      } finally {
        signal.removeEventListener('abort', abort)
        // Nobody reads any more.
        items.length = 0
        over ??= 'ended'
        tellWriters()
      }
    },
  }
}

/** Those who wait until fewer than so many items are left. */
function createWriters() {
  let waiting: { count: number; resolve: () => void }[] = []
  return {
    wait: (count: number): Promise<void> => new Promise(resolve => waiting.push({ count, resolve })),
    tell(left: number) {
      const done = waiting.filter(({ count }) => left < count)
      waiting = waiting.filter(writer => !done.includes(writer))
      for (const { resolve } of done) resolve()
    },
  }
}
