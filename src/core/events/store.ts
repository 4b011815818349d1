import { sql } from 'kysely'
import type { Executor } from '#core/db/db.ts'

/** An event on its way to one consumer. */
export type Delivery = {
  id: number
  consumer: string
  event_id: string
  occurred_at: string
  payload: unknown
  /** Those that failed so far. */
  attempts: number
}

/** One delivery of each event to each consumer. */
export async function insertDeliveries(
  db: Executor,
  consumers: readonly string[],
  occurred_at: string,
  events: readonly { id: string; payload: unknown }[],
): Promise<void> {
  await sql`
    INSERT INTO core_event_delivery (consumer, event_id, occurred_at, payload)
    SELECT consumer, event.id, ${occurred_at}, event.payload
    FROM unnest(${events.map(event => event.id)}::uuid[],
      ${events.map(event => JSON.stringify(event.payload))}::jsonb[]) AS event (id, payload)
    CROSS JOIN unnest(${consumers}::text[]) AS consumer`.execute(db)
}

/** A consumer, and how many deliveries it takes at once. */
export type Taker = { name: string; most: number }

/**
 * Takes the delivery that has been due for longest out of the table, and further ones to the same consumer as long as
 * it takes several; one that has failed before is taken alone. Whoever takes them handles them in the same
 * transaction, so they are gone when that commits, and there again, at once and for everybody, when it does not.
 */
export async function takeDeliveries(tx: Executor, takers: readonly Taker[]): Promise<Delivery[]> {
  const names = takers.map(taker => taker.name)
  // Without a join, for which all that wait would be sorted.
  const { rows } = await sql<Delivery>`
    WITH first AS MATERIALIZED (
      SELECT id, consumer, CASE attempts
        WHEN 0 THEN (${takers.map(taker => taker.most)}::integer[])[array_position(${names}::text[], consumer)]
        ELSE 1 END AS most
      FROM core_event_delivery
      WHERE run_at <= now() AND consumer = ANY(${names}::text[])
      ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
    more AS MATERIALIZED (
      SELECT id FROM core_event_delivery
      WHERE run_at <= now() AND attempts = 0 AND consumer = (SELECT consumer FROM first WHERE most > 1)
      ORDER BY run_at, id LIMIT (SELECT most FROM first) FOR UPDATE SKIP LOCKED)
    DELETE FROM core_event_delivery WHERE id = ANY (ARRAY(SELECT id FROM first UNION SELECT id FROM more))
    RETURNING id, consumer, event_id, occurred_at, payload, attempts`.execute(tx)
  return rows.sort((a, b) => a.id - b.id)
}

/** Whether anything is due for these consumers. */
export async function hasDue(db: Executor, consumers: readonly string[]): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM core_event_delivery WHERE run_at <= now() AND consumer = ANY(${consumers}::text[])
    ORDER BY run_at, id LIMIT 1`.execute(db)
  return rows.length > 0
}

/** Counts a failed attempt, and waits before the next one. */
export async function postponeDeliveries(
  db: Executor,
  deliveries: readonly Delivery[],
  delay_ms: number,
): Promise<void> {
  await sql`
    UPDATE core_event_delivery delivery
    SET attempts = delivery.attempts + 1, run_at = now() + make_interval(secs => ${delay_ms / 1000})
    FROM unnest(${deliveries.map(({ id }) => id)}::bigint[], ${deliveries.map(({ attempts }) => attempts)}::integer[])
      AS failed (id, attempts)
    WHERE delivery.id = failed.id AND delivery.attempts = failed.attempts`.execute(db)
}

/** True for the one who removed it. */
export async function removeDelivery(db: Executor, { id, attempts }: Delivery): Promise<boolean> {
  const { rows } = await sql`
    DELETE FROM core_event_delivery WHERE id = ${id} AND attempts = ${attempts} RETURNING id`.execute(db)
  return rows.length > 0
}

/** True the first time that this consumer takes this event. */
export async function recordReceipt(tx: Executor, consumer: string, eventId: string): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO core_event_receipt (consumer, event_id) VALUES (${consumer}, ${eventId})
    ON CONFLICT DO NOTHING RETURNING event_id`.execute(tx)
  return rows.length > 0
}

export async function countDeliveries(db: Executor): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM core_event_delivery`.execute(db)
  return rows[0]?.count ?? 0
}

/** Days that receipts are kept, and deliveries to consumers that no process runs any more. */
const retention_days = 30

/** Deletes up to `limit` rows of each table that are past their retention. Returns how many went. */
export async function deleteOld(db: Executor, limit: number): Promise<number> {
  const receipts = await sql`
    DELETE FROM core_event_receipt WHERE (consumer, event_id) IN (
      SELECT consumer, event_id FROM core_event_receipt
      WHERE created_at < now() - make_interval(days => ${retention_days}) LIMIT ${limit})`.execute(db)
  const deliveries = await sql`
    DELETE FROM core_event_delivery WHERE id IN (
      SELECT id FROM core_event_delivery
      WHERE run_at < now() - make_interval(days => ${retention_days}) LIMIT ${limit})`.execute(db)
  return Number(receipts.numAffectedRows ?? 0) + Number(deliveries.numAffectedRows ?? 0)
}
