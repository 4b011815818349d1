/**
 * Runs `work` soon after each `touch()`, but one at a time and not more often than every `interval_ms`: many touches
 * become one run. The first touch after a pause runs at once.
 */
export type Pacer = {
  touch(): void
  /** Runs what is still due and waits for it. No run comes after. */
  finish(): Promise<void>
  /** Waits for a run that is under way and drops what is due. No run comes after. */
  stop(): Promise<void>
}

/** `work` must not throw. */
export function createPacer(interval_ms: number, work: () => Promise<void>): Pacer {
  let isDue = false
  let isFinished = false
  let lastStart = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  function schedule() {
    if (running || timer || !isDue || isFinished) return
    const wait = lastStart + interval_ms - performance.now()
    if (wait <= 0) run()
    else {
      timer = setTimeout(() => {
        timer = undefined
        run()
      }, wait)
    }
  }

  function run() {
    isDue = false
    lastStart = performance.now()
    running = work().finally(() => {
      running = undefined
      schedule()
    })
  }

  async function stop() {
    isFinished = true
    clearTimeout(timer)
    await running
  }

  return {
    touch() {
      isDue = true
      schedule()
    },
    async finish() {
      await stop()
      if (isDue) await work()
    },
    stop,
  }
}
