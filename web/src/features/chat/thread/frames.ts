/** Longest wait (ms) in a hidden tab, which paints no frames. */
const hiddenPause = 250

export type Frames<T> = { add(items: readonly T[]): void; stop(): void }

/** Collects items and hands them over once per frame. */
export function createFrames<T>(apply: (items: T[]) => void): Frames<T> {
  let waiting: T[] = []
  let cancel: (() => void) | null = null

  const flush = () => {
    cancel = null
    const items = waiting
    waiting = []
    if (items.length > 0) apply(items)
  }
  const onVisibility = () => {
    // A frame that was asked for before the tab was hidden may not come for long.
    if (document.visibilityState !== 'hidden' || !cancel) return
    cancel()
    flush()
  }
  document.addEventListener('visibilitychange', onVisibility)

  return {
    add(items) {
      waiting.push(...items)
      if (cancel) return
      if (document.visibilityState === 'hidden') {
        const timer = setTimeout(flush, hiddenPause)
        cancel = () => clearTimeout(timer)
      } else {
        const frame = requestAnimationFrame(flush)
        cancel = () => cancelAnimationFrame(frame)
      }
    },
    stop() {
      cancel?.()
      document.removeEventListener('visibilitychange', onVisibility)
    },
  }
}
