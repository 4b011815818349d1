import { sql, type Transaction } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db, Executor } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobDefinition, type Jobs } from '#core/jobs/jobs.ts'

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
  /** `module.verb_noun`, like a job, because it runs as one. */
  name: string
  event: EventType<T>
  /** Runs in the transaction that records that the event was handled: effects in `tx` happen exactly once. */
  handle(occurrence: Occurrence<T>, tx: Transaction<unknown>): Promise<void>
}

/** Declares what a module does when an event has happened. */
export const consumer = <T>(definition: ConsumerDefinition<T>): ConsumerDefinition =>
  definition as ConsumerDefinition

export type Events = {
  /**
   * Tells every consumer of an event, if and when the caller's transaction commits; at least once each, in no certain
   * order. Costs nothing where nobody listens.
   * @throws {z.ZodError} when the payload does not fit the event's schema.
   */
  publish<T>(tx: Executor, event: EventType<T>, payload: T): Promise<void>
}

export type EventsService = Events & {
  /**
   * Makes consumers known to `publish`, and returns the jobs that they run as. Every process must know all consumers
   * of the installation, also those whose jobs run in other processes only.
   */
  subscribe(consumers: readonly ConsumerDefinition[]): JobDefinition[]
}

/** About half an hour of tries, so that a short outage of what a handler needs leaves no dead letters. */
const attempts = 12

export function createEvents({
  db,
  jobs,
  clock,
}: {
  db: Db
  jobs: Pick<Jobs, 'add'>
  clock: Clock
}): EventsService {
  const subscribers = new Map<string, JobDefinition<Occurrence<unknown>>[]>()

  const jobOf = ({ name, event, handle }: ConsumerDefinition) =>
    defineJob<Occurrence<unknown>>({
      name,
      schema: z.object({ id: z.uuid(), occurred_at: z.string(), payload: z.unknown() }),
      attempts,
      timeout_ms: 60_000,
      async run(occurrence) {
        const payload = event.schema.parse(occurrence.payload)
        await db.transaction(async tx => {
          if (await recordReceipt(tx, name, occurrence.id)) await handle({ ...occurrence, payload }, tx)
        })
      },
    })

  return {
    async publish(tx, event, payload) {
      const checked = event.schema.parse(payload)
      const listening = subscribers.get(event.name)
      if (!listening) return
      const occurrence = { id: newId(), occurred_at: new Date(clock.now()).toISOString(), payload: checked }
      for (const job of listening) await jobs.add(tx, job, occurrence)
    },
    subscribe(consumers) {
      return consumers.map(definition => {
        const job = jobOf(definition)
        const others = subscribers.get(definition.event.name) ?? []
        if (others.some(other => other.name === job.name))
          throw new Error(`Two consumers are named ${job.name}`)
        subscribers.set(definition.event.name, [...others, job])
        return job
      })
    },
  }
}

/** True the first time that this consumer takes this event. */
async function recordReceipt(tx: Executor, consumer: string, eventId: string): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO core_event_receipt (consumer, event_id) VALUES (${consumer}, ${eventId})
    ON CONFLICT DO NOTHING RETURNING event_id`.execute(tx)
  return rows.length > 0
}
