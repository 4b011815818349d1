import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db, Executor } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobDefinition, type Jobs } from '#core/jobs/jobs.ts'
import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import { createDeliverer, type Deliverer } from './delivery.ts'
import {
  countDeliveries,
  type Delivery,
  deleteOld,
  insertDeliveries,
  recordReceipt,
  removeDelivery,
} from './store.ts'

/** Something that happened, in the past tense: `cards.card.redeemed`. Payloads hold ids, not copies of rows. */
export type EventType<T> = { name: string; schema: z.ZodType<T> }

export const defineEvent = <T>(name: string, schema: z.ZodType<T>): EventType<T> => ({ name, schema })

export type Occurrence<T> = {
  id: string
  /** ISO 8601. */
  occurred_at: string
  payload: T
}

export type ConsumerDefinition<T = unknown> = {
  /** `module.verb_noun` */
  name: string
  event: EventType<T>
  /** It gets so many occurrences at once at most. */
  most: number
  /**
   * Runs in the transaction that takes the events from those that wait: effects in `tx` happen exactly once. Short:
   * what lasts belongs in a job.
   */
  handle(occurrences: readonly Occurrence<T>[], tx: Transaction<unknown>): Promise<void>
}

type Handles<T, What> = Pick<ConsumerDefinition<T>, 'name' | 'event'> & {
  handle(what: What, tx: Transaction<unknown>): Promise<void>
}

/** Declares what a module does when an event has happened. */
export const consumer = <T>({ name, event, handle }: Handles<T, Occurrence<T>>): ConsumerDefinition =>
  ({
    name,
    event,
    most: 1,
    async handle(occurrences, tx) {
      for (const occurrence of occurrences) await handle(occurrence, tx)
    },
  }) satisfies ConsumerDefinition<T> as ConsumerDefinition

/**
 * The same for an event that comes in waves: those that wait are handled together, in one transaction. When that
 * fails, each is handled alone. A handler that locks rows has to lock them in a fixed order.
 */
export const batchConsumer = <T>(definition: Handles<T, readonly Occurrence<T>[]>): ConsumerDefinition =>
  ({ ...definition, most: batch }) satisfies ConsumerDefinition<T> as ConsumerDefinition

/** Many, as each transaction takes several round trips besides its work; and few enough not to hold locks for long. */
const batch = 200

export type Events = {
  /**
   * Tells every consumer of an event, if and when the caller's transaction commits; at least once each, in no certain
   * order. Costs nothing where nobody listens.
   * @throws {z.ZodError} when the payload does not fit the event's schema.
   */
  publish<T>(tx: Executor, event: EventType<T>, payload: T): Promise<void>
  /** The same for several events of one type, by one statement. */
  publishAll<T>(tx: Executor, event: EventType<T>, payloads: readonly T[]): Promise<void>
}

export type EventsService = Events & {
  /**
   * Makes consumers known to `publish`. Every process must know all consumers of the installation, also those that
   * run in other processes only.
   */
  subscribe(consumers: readonly ConsumerDefinition[]): void
  /** Begins to deliver to these of them. */
  start(consumers: readonly ConsumerDefinition[]): void
  /** As what dead letters of these consumers are tried again, for the worker of jobs. */
  retries(consumers: readonly ConsumerDefinition[]): JobDefinition[]
  /** Forgets what is past its retention. */
  cleanUp(signal: AbortSignal): Promise<void>
  stop(limit_ms?: number): Promise<void>
}

/** About half an hour of tries, so that a short outage of what a handler needs leaves no dead letters. */
const attempts = 12
const stopLimit_ms = 10_000
const deleteBatch = 1000

const Letter = z.object({ id: z.uuid(), occurred_at: z.string(), payload: z.unknown() })

/**
 * Events wait in a table of their own rather than in the queue of jobs: a job takes eight statements and four
 * transactions besides its work, a delivery one statement within the transaction of its consumer.
 */
export function createEvents({
  db,
  jobs,
  clock,
  log,
  metrics,
  concurrency,
}: {
  db: Db
  jobs: Pick<Jobs, 'bury'>
  clock: Clock
  log: Log
  metrics?: Metrics
  /** Deliveries at once in this process. */
  concurrency: number
}): EventsService {
  const known = new Map<string, ConsumerDefinition>()
  const byEvent = new Map<string, string[]>()
  let deliverer: Deliverer | null = null
  metrics?.gauge({
    name: 'events_waiting',
    help: 'Deliveries of events that wait',
    async collect(gauge) {
      gauge.set(await countDeliveries(db.primary))
    },
  })

  async function handle(deliveries: readonly Delivery[], tx: Transaction<unknown>) {
    const name = deliveries[0]?.consumer ?? ''
    const definition = known.get(name)
    if (!definition) throw new Error(`There is no consumer ${name}`)
    const occurrences = deliveries.map(({ event_id, occurred_at, payload }) => ({
      id: event_id,
      occurred_at,
      payload: definition.event.schema.parse(payload),
    }))
    await definition.handle(occurrences, tx)
  }

  /** A delivery that failed for the last time becomes a dead job, which administrators see and may retry. */
  async function bury(delivery: Delivery, error: unknown) {
    const { consumer: name, event_id: id, occurred_at, payload } = delivery
    await db.transaction(async tx => {
      if (await removeDelivery(tx, delivery))
        await jobs.bury(tx, name, { id, occurred_at, payload }, attempts, error)
    })
  }

  const publishAll: Events['publishAll'] = async (tx, event, payloads) => {
    const events = payloads.map(payload => ({ id: newId(), payload: event.schema.parse(payload) }))
    const listening = byEvent.get(event.name)
    if (!listening || events.length === 0) return
    await insertDeliveries(tx, listening, new Date(clock.now()).toISOString(), events)
    db.afterCommit(tx, () => deliverer?.wake(events.length * listening.length))
  }

  return {
    publish: (tx, event, payload) => publishAll(tx, event, [payload]),
    publishAll,
    subscribe(consumers) {
      for (const definition of consumers) {
        if (known.has(definition.name)) throw new Error(`Two consumers are named ${definition.name}`)
        known.set(definition.name, definition)
        byEvent.set(definition.event.name, [...(byEvent.get(definition.event.name) ?? []), definition.name])
      }
    },
    start(consumers) {
      if (consumers.length === 0) return
      deliverer = createDeliverer({
        db,
        log: log.child('events'),
        metrics,
        consumers,
        concurrency,
        attempts,
        handle,
        bury,
      })
    },
    retries: consumers =>
      consumers.map(({ name }) =>
        defineJob({
          name,
          schema: Letter,
          timeout_ms: 60_000,
          async run({ id, occurred_at, payload }) {
            await db.transaction(async tx => {
              const delivery = { id: 0, consumer: name, event_id: id, occurred_at, payload, attempts: 0 }
              if (await recordReceipt(tx, name, id)) await handle([delivery], tx)
            })
          },
        }),
      ),
    async cleanUp(signal) {
      while (!signal.aborted && (await deleteOld(db.primary, deleteBatch)) > 0);
    },
    async stop(limit_ms = stopLimit_ms) {
      await deliverer?.stop(limit_ms)
      deliverer = null
    },
  }
}
