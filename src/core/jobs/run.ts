/** Why a job was told to stop before it had finished. */
export type StopReason = 'cancelled' | 'timed_out' | 'stopping' | 'lease_lost'

/** How a piece of work ended. `abandoned`: it was told to stop, did not, and is left behind. */
export type RunEnd = { reason: StopReason | null; is_abandoned: boolean; error: unknown; is_done: boolean }

export type Run = { stop(reason: StopReason): void; ended: Promise<RunEnd> }

/** Time that work gets to end after its signal has aborted. */
const grace_ms = 3_000

/** Starts work that can be stopped. `ended` never rejects, and comes soon after `stop` whatever the work does. */
export function startRun(work: (signal: AbortSignal) => Promise<void>, timeout_ms: number): Run {
  const controller = new AbortController()
  const abandoned = Promise.withResolvers<RunEnd>()
  let reason: StopReason | null = null
  let graceTimer: NodeJS.Timeout | undefined

  const stop = (why: StopReason) => {
    if (reason !== null) return
    reason = why
    controller.abort(new DOMException(`The job was stopped: ${why}`, 'AbortError'))
    graceTimer = setTimeout(
      () => abandoned.resolve({ reason, is_abandoned: true, is_done: false, error: undefined }),
      grace_ms,
    )
  }
  const timer = setTimeout(() => stop('timed_out'), timeout_ms)
  const settled = (async (): Promise<RunEnd> => {
    try {
      await work(controller.signal)
      return { reason, is_abandoned: false, is_done: true, error: undefined }
    } catch (error) {
      return { reason, is_abandoned: false, is_done: false, error }
    }
  })()
  const ended = Promise.race([settled, abandoned.promise]).finally(() => {
    clearTimeout(timer)
    clearTimeout(graceTimer)
  })
  return { stop, ended }
}

/** Writes the first report at once and later ones at most every `interval_ms`, the newest always in the end. */
export function throttled<T>(write: (value: T) => Promise<void>, interval_ms: number) {
  let timer: NodeJS.Timeout | undefined
  let latest: { value: T } | null = null
  let writing = Promise.resolve()
  const flush = () => {
    if (latest === null) return writing
    const { value } = latest
    latest = null
    writing = writing.then(() => write(value))
    return writing
  }
  return {
    report(value: T) {
      latest = { value }
      if (timer) return
      flush()
      const again = () => {
        timer = undefined
        if (latest === null) return
        flush()
        timer = setTimeout(again, interval_ms)
      }
      timer = setTimeout(again, interval_ms)
    },
    /** Ends the throttle, and waits until the newest value is written. */
    async close() {
      clearTimeout(timer)
      timer = undefined
      await flush()
    },
  }
}
