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

export async function insertDeliveries(
  db: Executor,
  consumers: readonly string[],
  event: { id: string; occurred_at: string; payload: unknown },
): Promise<void> {
  await sql`
    INSERT INTO core_event_delivery (consumer, event_id, occurred_at, payload)
    SELECT unnest(${consumers}::text[]), ${event.id}, ${event.occurred_at}, ${JSON.stringify(event.payload)}::jsonb`.execute(
    db,
  )
}

/**
 * Takes the delivery that has been due for longest out of the table. Whoever takes it handles it in the same
 * transaction, so it is gone when that commits, and there again, at once and for everybody, when it does not.
 */
export async function takeDelivery(
  tx: Executor,
  consumers: readonly string[],
): Promise<Delivery | undefined> {
  const { rows } = await sql<Delivery>`
    DELETE FROM core_event_delivery WHERE id = (
      SELECT id FROM core_event_delivery WHERE run_at <= now() AND consumer = ANY(${consumers}::text[])
      ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, consumer, event_id, occurred_at, payload, attempts`.execute(tx)
  return rows[0]
}

/** Whether anything is due for these consumers. */
export async function hasDue(db: Executor, consumers: readonly string[]): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM core_event_delivery WHERE run_at <= now() AND consumer = ANY(${consumers}::text[])
    ORDER BY run_at, id LIMIT 1`.execute(db)
  return rows.length > 0
}

/** Counts a failed attempt, and waits before the next one. */
export async function postponeDelivery(
  db: Executor,
  { id, attempts }: Delivery,
  delay_ms: number,
): Promise<void> {
  await sql`
    UPDATE core_event_delivery
    SET attempts = attempts + 1, run_at = now() + make_interval(secs => ${delay_ms / 1000})
    WHERE id = ${id} AND attempts = ${attempts}`.execute(db)
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
