export type Outcome = ReturnType<typeof createOutcome>

/** A promise that an aborted signal rejects with its reason. Nobody has to wait for it. */
export function createOutcome(signal: AbortSignal, onOver: () => void) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  promise.catch(() => {})
  let isOver = false
  let aborted = () => {}
  const over = () => {
    isOver = true
    signal.removeEventListener('abort', abort)
    onOver()
  }
  const abort = () => {
    over()
    aborted()
    reject(signal.reason)
  }
  return {
    promise,
    get isOver() {
      return isOver
    },
    resolve(text: string) {
      over()
      resolve(text)
    },
    reject(error: unknown) {
      over()
      reject(error)
    },
    /** Also when the signal had been aborted before. */
    onAbort(then: () => void) {
      aborted = then
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    },
  }
}
