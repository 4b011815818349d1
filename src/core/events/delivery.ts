import type { Transaction } from 'kysely'
import type { Db } from '#core/db/db.ts'
import { type Log, logContext } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { inSpan } from '#core/telemetry/tracing.ts'
import { type Delivery, hasDue, postponeDelivery, takeDelivery } from './store.ts'

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
  consumers: readonly string[]
  /** Deliveries at once. */
  concurrency: number
  /** Tries before it is buried. */
  attempts: number
  handle(delivery: Delivery, tx: Transaction<unknown>): Promise<void>
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
    help: 'Duration of one attempt to deliver an event',
    labels: ['consumer'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10],
  })
  const running = new Set<Promise<void>>()
  /** Deliveries that are thought to wait; infinite while there is a backlog of unknown length. */
  let due = 0
  let isStopping = false

  /** False when there was nothing to deliver. */
  async function deliverNext(): Promise<boolean> {
    const started = performance.now()
    const taken: { delivery?: Delivery } = {}
    const end = (outcome: 'succeeded' | 'failed' | 'dead') => {
      const consumer = taken.delivery?.consumer ?? ''
      handled?.inc({ consumer, outcome })
      durations?.observe({ consumer }, (performance.now() - started) / 1000)
    }
    try {
      await db.transaction(async tx => {
        const delivery = await takeDelivery(tx, consumers)
        if (!delivery) return
        taken.delivery = delivery
        await logContext.run({ request_id: delivery.event_id }, () =>
          inSpan(`event ${delivery.consumer}`, { 'event.id': delivery.event_id }, () => handle(delivery, tx)),
        )
      })
      if (taken.delivery) end('succeeded')
    } catch (error) {
      const { delivery } = taken
      if (!delivery) throw error
      const tries = delivery.attempts + 1
      log.warn({ error, consumer: delivery.consumer, attempt: tries }, 'an event was not handled')
      if (tries >= attempts) await bury(delivery, error)
      else await postponeDelivery(db.primary, delivery, backoff(tries))
      end(tries >= attempts ? 'dead' : 'failed')
    }
    return taken.delivery !== undefined
  }

  async function work() {
    while (!isStopping && due > 0) {
      due -= 1
      const found = await deliverNext()
      if (!found && due === Number.POSITIVE_INFINITY) due = 0
    }
  }

  function wake(count: number) {
    due += count
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

  async function poll() {
    if (due > 0 || running.size > 0) return
    try {
      if (await hasDue(db.primary, consumers)) wake(Number.POSITIVE_INFINITY)
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
