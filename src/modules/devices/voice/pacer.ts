/** Something that is to be done again and again at times of its own. */
export type Paced = {
  /** When, on the pacer's clock. */
  due: number
  /** Does it once. The next time, or null when there is none for now. */
  run(now: number): number | null
}

export type Pacer = {
  /** Milliseconds on a clock that nobody sets. */
  now(): number
  add(task: Paced): void
  /** At once: what was removed is not run again, also not by a tick that is under way. */
  remove(task: Paced): void
  /** How many are waiting. */
  readonly size: number
  stop(): void
}

/** A tick that worked so long lets others have the thread before it goes on. */
const slice_ms = 8
/** What is due so soon is done now: timers have no finer grain. */
const grain_ms = 1

/** One timer for everybody who speaks: a timer for each packet would cost more than the packet. */
export function createPacer(now: () => number = () => performance.now()): Pacer {
  const tasks = new Set<Paced>()
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let wakesAt = Number.POSITIVE_INFINITY

  function disarm() {
    clearTimeout(timer)
    clearImmediate(immediate)
    timer = undefined
    immediate = undefined
    wakesAt = Number.POSITIVE_INFINITY
  }
  function arm(at: number) {
    if (at >= wakesAt) return
    disarm()
    wakesAt = at
    const delay = at - now()
    if (delay <= 0) immediate = setImmediate(tick)
    else timer = setTimeout(tick, delay)
  }
  function tick() {
    disarm()
    const started = now()
    // Whoever waits longest comes first, so that nobody's first packet waits for the fifth of others.
    const due = [...tasks].filter(task => task.due <= started + grain_ms).sort((a, b) => a.due - b.due)
    for (const task of due) {
      const at = now()
      if (at - started > slice_ms) break
      if (!tasks.has(task)) continue
      const next = task.run(at)
      if (next === null) tasks.delete(task)
      else task.due = next
    }
    let earliest = Number.POSITIVE_INFINITY
    for (const task of tasks) earliest = Math.min(earliest, task.due)
    arm(earliest)
  }

  return {
    now,
    add(task) {
      tasks.add(task)
      arm(task.due)
    },
    remove: task => void tasks.delete(task),
    get size() {
      return tasks.size
    },
    stop() {
      tasks.clear()
      disarm()
    },
  }
}
