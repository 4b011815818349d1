import type { Transaction } from 'kysely'
import type { Db } from '#core/db/db.ts'
import { type Log, logContext } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { inSpan } from '#core/telemetry/tracing.ts'
import { type Delivery, hasDue, postponeDeliveries, type Taker, takeDeliveries } from './store.ts'

/** Delivers events to the consumers of this process. */
export type Deliverer = {
  /** So many deliveries have been added just now. */
  wake(count: number): void
  /** Takes no further ones, and waits for those under way, at most so long. */
  stop(limit_ms: number): Promise<void>
}

/** How soon is found what nobody told of: added by other processes, postponed, or left by one that died. */
const poll_ms = 1_000
const longestBackoff_ms = 3_600_000

export function createDeliverer({
  db,
  log,
  metrics,
  consumers,
  concurrency,
  attempts,
  handle,
  bury,
}: {
  db: Db
  log: Log
  metrics?: Metrics | undefined
  /** Those that run here. */
  consumers: readonly Taker[]
  /** Transactions at once. */
  concurrency: number
  /** Tries before a delivery is buried. */
  attempts: number
  /** Handles deliveries to one consumer. */
  handle(deliveries: readonly Delivery[], tx: Transaction<unknown>): Promise<void>
  /** Called after the last try. */
  bury(delivery: Delivery, error: unknown): Promise<void>
}): Deliverer {
  const handled = metrics?.counter({
    name: 'events_delivered_total',
    help: 'Attempts to deliver an event to a consumer, by how they ended',
    labels: ['consumer', 'outcome'],
  })
  const durations = metrics?.histogram({
    name: 'events_delivery_seconds',
    help: 'Duration of one attempt to deliver an event, or several at once',
    labels: ['consumer'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10],
  })
  const running = new Set<Promise<void>>()
  /** Consumers that handle several deliveries now. A second batch would only wait for what the first has locked. */
  const batches = new Set<string>()
  /** Deliveries that are thought to wait; infinite while there is a backlog of unknown length. */
  let due = 0
  let isStopping = false
  /** Whose delivery was taken last. */
  let latest = ''
  /** When it was last found that others have nothing that waits; 0 while they have. */
  let othersAt = 0
  /** The last look for what waits. Looks at the same moment would all take of the longest queue. */
  let looking: Promise<unknown> = Promise.resolve()

  /** A failed attempt. Of several deliveries one may be to blame: next, each is tried alone. */
  async function fail(deliveries: readonly Delivery[], error: unknown): Promise<'failed' | 'dead'> {
    const [first] = deliveries
    const tries = (first?.attempts ?? 0) + 1
    const count = deliveries.length
    log.warn({ error, consumer: first?.consumer, attempt: tries, count }, 'events were not handled')
    if (first && count === 1 && tries >= attempts) {
      await bury(first, error)
      return 'dead'
    }
    await postponeDeliveries(db.primary, deliveries, count === 1 ? backoff(tries) : 0)
    if (count > 1) wake(count)
    return 'failed'
  }

  /** What waits longest, when those before have looked; not for consumers that handle a batch now. */
  function look(tx: Transaction<unknown>, except: string): Promise<{ taken: Delivery[]; isAll: boolean }> {
    const found = looking.then(async () => {
      const isAll = batches.size === 0
      const free = consumers.filter(({ name }) => !batches.has(name) && name !== except)
      const taken = await takeDeliveries(tx, free)
      if (taken.length > 1) batches.add(taken[0]?.consumer ?? '')
      return { taken, isAll }
    })
    looking = found.catch(() => undefined)
    return found
  }

  /** Whether something was taken, or may have been left to a batch that was under way; null: nobody else has anything. */
  async function deliverNext(): Promise<{ count: number; isAll: boolean } | null> {
    const started = performance.now()
    let taken: Delivery[] = []
    let isAll = true
    let outcome: 'succeeded' | 'failed' | 'dead' = 'succeeded'
    // From time to time, as a long queue of the latest consumer would keep all that came after it waiting.
    const isTurnOfOthers = started - othersAt >= poll_ms
    if (isTurnOfOthers) othersAt = started
    const except = isTurnOfOthers ? latest : ''
    const consumerOf = () => taken[0]?.consumer ?? ''
    const letGo = () => {
      if (taken.length > 1) batches.delete(consumerOf())
    }
    try {
      await db.transaction(async tx => {
        // After a deadlock the transaction is run again, and may take others.
        letGo()
        taken = []
        ;({ taken, isAll } = await look(tx, except))
        const [first] = taken
        if (!first) return
        const { consumer, event_id: request_id } = first
        await logContext.run({ request_id }, () =>
          inSpan(`event ${consumer}`, { 'event.id': request_id, 'event.count': taken.length }, () =>
            handle(taken, tx),
          ),
        )
      })
    } catch (error) {
      if (taken.length === 0) throw error
      outcome = await fail(taken, error)
    } finally {
      letGo()
    }
    const count = taken.length
    if (isTurnOfOthers && count === 0) return null
    if (count > 0) {
      latest = consumerOf()
      if (isTurnOfOthers) othersAt = 0
      handled?.inc({ consumer: latest, outcome }, count)
      durations?.observe({ consumer: latest }, (performance.now() - started) / 1000)
    }
    return { count, isAll }
  }

  async function work() {
    while (!isStopping && due > 0) {
      due -= 1
      const found = await deliverNext()
      if (found === null) {
        due += 1
        continue
      }
      const { count, isAll } = found
      if (count > 1) due = Math.max(0, due - count + 1)
      if (count > 0) continue
      if (isAll) {
        if (due === Number.POSITIVE_INFINITY) due = 0
        continue
      }
      // What is left may be for a consumer that was handling a batch: whoever does that looks again.
      due += 1
      if (batches.size > 0) return
    }
  }

  function wake(count: number) {
    due += count
    if (running.size === 0) othersAt = performance.now()
    while (!isStopping && due > 0 && running.size < concurrency) {
      const worker: Promise<void> = work()
        .catch((error: unknown) => {
          due = 0
          log.warn({ error }, 'events cannot be delivered for now')
        })
        .finally(() => running.delete(worker))
      running.add(worker)
    }
  }

  const names = consumers.map(({ name }) => name)
  async function poll() {
    // Not only when nothing runs: a handler may take long, and those that wait for it are not all that wait.
    if (running.size >= concurrency) return
    try {
      if (await hasDue(db.primary, names)) wake(Number.POSITIVE_INFINITY)
    } catch (error) {
      log.debug({ error }, 'events cannot be looked for')
    }
  }
  let polling = poll()
  const timer = setInterval(() => {
    polling = polling.then(poll)
  }, poll_ms)

  return {
    wake,
    async stop(limit_ms) {
      isStopping = true
      clearInterval(timer)
      let limit: NodeJS.Timeout | undefined
      const late = new Promise(resolve => {
        limit = setTimeout(resolve, limit_ms)
      })
      await Promise.race([polling.then(() => Promise.all(running)), late])
      clearTimeout(limit)
    },
  }
}

/** Milliseconds until the next try: 1, 2, 4 … seconds, an hour at most, spread so that they do not march in step. */
const backoff = (tries: number): number =>
  Math.min(longestBackoff_ms, 1000 * 2 ** (tries - 1)) * (0.75 + Math.random() / 2)
