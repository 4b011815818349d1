import type { Log } from '#core/log.ts'
import { engineFailed, speechBusy } from './errors.ts'
import { type EspeakProcess, type EspeakTask, espeakRate } from './espeak-process.ts'
import type { Pcm } from './types.ts'

export type EspeakPool = {
  /**
   * Speaks one text. When the process dies in the middle another one goes on where it stopped, once.
   * @throws AppError `speech.busy`, `speech.engine_failed`; the signal's reason
   */
  speak(task: EspeakTask, onPcm: (pcm: Pcm) => void, signal: AbortSignal): Promise<void>
  stop(): void
}

type Waiting = {
  task: EspeakTask
  onPcm: (pcm: Pcm) => void
  signal: AbortSignal
  resolve: () => void
  reject: (error: unknown) => void
}

/** At once; more would only share the same processor. */
const most = 2
const longestQueue = 200
const attempts = 2
/** Without a piece of sound for so long, the engine hangs. */
const silent_ms = 20_000
/** No text is that long: an engine that goes on has gone mad. */
const mostSamples = 10 * 60 * espeakRate
/** A process holds about 100 MB: it leaves when nothing was spoken for so long. */
const idle_ms = 5 * 60_000

/** Processes that are started when needed, kept, and replaced when they die; a bounded queue before them. */
export function createEspeakPool({ start, log }: { start: () => EspeakProcess; log: Log }): EspeakPool {
  const staff = createStaff(start)
  const queue: Waiting[] = []
  let busy = 0
  let isStopped = false

  async function run(waiting: Waiting): Promise<void> {
    const progress = { given: 0 }
    for (let attempt = 1; attempt <= attempts; attempt++) {
      // Where one died while it waited, the others may have too: the second attempt trusts none of them.
      const process = attempt === 1 ? staff.take() : staff.begin()
      try {
        await speakRest(process, waiting, progress)
        if (isStopped) staff.drop(process)
        else staff.keep(process)
        return
      } catch (error) {
        staff.drop(process)
        if (isStopped || waiting.signal.aborted) break
        log.warn({ error, attempt }, 'the speech engine died')
      }
    }
    throw engineFailed()
  }
  function pump(): void {
    while (busy < most) {
      const next = queue.shift()
      if (!next) return
      if (next.signal.aborted) {
        next.reject(next.signal.reason)
        continue
      }
      busy++
      void run(next)
        .then(next.resolve, next.reject)
        .finally(() => {
          busy--
          staff.restLater()
          pump()
        })
    }
  }
  return {
    speak(task, onPcm, signal) {
      if (isStopped) return Promise.reject(engineFailed())
      if (queue.length >= longestQueue) return Promise.reject(speechBusy({}, { retryAfter: 5 }))
      return new Promise((resolve, reject) => {
        queue.push({ task, onPcm, signal, resolve, reject })
        pump()
      })
    },
    stop() {
      isStopped = true
      for (const { reject } of queue.splice(0)) reject(engineFailed())
      staff.stop()
    },
  }
}

/** The processes, and those of them that wait for work. */
function createStaff(start: () => EspeakProcess) {
  const idle: EspeakProcess[] = []
  const all = new Set<EspeakProcess>()
  let timer: NodeJS.Timeout | undefined
  const begin = (): EspeakProcess => {
    const started = start()
    all.add(started)
    return started
  }
  const drop = (process: EspeakProcess) => {
    all.delete(process)
    process.stop()
  }
  return {
    begin,
    take: () => idle.pop() ?? begin(),
    keep: (process: EspeakProcess) => void idle.push(process),
    drop,
    restLater() {
      clearTimeout(timer)
      timer = setTimeout(() => {
        for (const process of idle.splice(0)) drop(process)
      }, idle_ms)
      timer.unref()
    },
    stop() {
      clearTimeout(timer)
      for (const process of all) process.stop()
    },
  }
}

/** Speaks a text from where `progress` is, which it moves. Rejects when the process dies, hangs or goes mad. */
async function speakRest(
  process: EspeakProcess,
  { task, onPcm, signal }: Waiting,
  progress: { given: number },
): Promise<void> {
  let skip = progress.given
  const late = setTimeout(() => process.stop(), silent_ms)
  try {
    await process.speak(task, pcm => {
      late.refresh()
      if (progress.given > mostSamples) return process.stop()
      const fresh = pcm.subarray(Math.min(skip, pcm.length))
      skip -= pcm.length - fresh.length
      progress.given += fresh.length
      if (fresh.length > 0 && !signal.aborted) onPcm(fresh)
    })
  } finally {
    clearTimeout(late)
  }
}
