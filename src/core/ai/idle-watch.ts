import { UpstreamFailure } from './upstream-failure.ts'

type Watched = { active: boolean; stalledByReader: boolean; giveUp(error: Error): void }

/** Gives up on answers that fall silent. One timer for all of them, and no clock is read per chunk. */
export type IdleWatch = { add(answer: Watched, idleMs: number, totalMs: number): () => void }

/** Exact to one tick, which is an eighth of the shortest idle time in use, between 20 ms and 1 s. */
export function createIdleWatch(): IdleWatch {
  const answers = new Map<Watched, { idleMs: number; quietMs: number; leftMs: number }>()
  let timer: NodeJS.Timeout | null = null
  let tickMs = 1000

  const tick = () => {
    for (const [answer, state] of answers) {
      state.leftMs -= tickMs
      // A reader that does not read keeps the provider waiting, not the other way round.
      state.quietMs = answer.active || answer.stalledByReader ? 0 : state.quietMs + tickMs
      answer.active = false
      if (state.quietMs < state.idleMs && state.leftMs > 0) continue
      answers.delete(answer)
      answer.giveUp(new UpstreamFailure('timeout', 'the answer fell silent'))
    }
    if (answers.size === 0) stop()
  }
  const stop = () => {
    if (timer) clearInterval(timer)
    timer = null
    tickMs = 1000
  }

  return {
    add(answer, idleMs, totalMs) {
      answers.set(answer, { idleMs, quietMs: 0, leftMs: totalMs })
      const wanted = Math.min(1000, Math.max(20, idleMs / 8))
      if (timer === null || wanted < tickMs) {
        if (timer) clearInterval(timer)
        tickMs = Math.min(tickMs, wanted)
        timer = setInterval(tick, tickMs).unref()
      }
      return () => {
        answers.delete(answer)
        if (answers.size === 0) stop()
      }
    },
  }
}
