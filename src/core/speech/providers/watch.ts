export type Watch = {
  /** From now on, `onSilence` is called when so many milliseconds pass without another call. */
  within(ms: number, what: string): void
  /** The same time again, if one is running. */
  again(): void
  stop(): void
}

/** One timer that waits for one thing after another. */
export function createWatch(onSilence: (what: string) => void): Watch {
  let timer: NodeJS.Timeout | null = null
  return {
    within(ms, what) {
      if (timer) clearTimeout(timer)
      timer = setTimeout(() => {
        timer = null
        onSilence(what)
      }, ms)
    },
    again() {
      timer?.refresh()
    },
    stop() {
      if (timer) clearTimeout(timer)
      timer = null
    },
  }
}
