/** A bounded number of places; whoever comes when all are taken waits in line. */
export type Slots = {
  readonly waiting: number
  readonly hasRoom: boolean
  /** Resolves with what gives the place back. Rejects with the signal's reason when it aborts first. */
  acquire(signal: AbortSignal): Promise<() => void>
}

export function createSlots(max: number): Slots {
  let taken = 0
  const line = new Set<() => void>()

  function release() {
    taken--
    const [next] = line
    next?.()
  }

  return {
    get waiting() {
      return line.size
    },
    get hasRoom() {
      return taken < max
    },
    acquire: signal =>
      new Promise((resolve, reject) => {
        const enter = () => {
          line.delete(enter)
          signal.removeEventListener('abort', leave)
          taken++
          resolve(release)
        }
        const leave = () => {
          line.delete(enter)
          reject(signal.reason)
        }
        if (signal.aborted) return reject(signal.reason)
        if (taken < max) return enter()
        line.add(enter)
        signal.addEventListener('abort', leave, { once: true })
      }),
  }
}
