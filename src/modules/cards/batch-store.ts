import { type Kysely, type Selectable, sql } from 'kysely'
import type { CardsTables } from './tables.ts'

type Rows = Kysely<CardsTables>
export type BatchRow = Selectable<CardsTables['cards_batch']>
export type BatchState = BatchRow['state']
/** A batch with what is printed on it. */
export type NamedBatch = BatchRow & { template_name: string }
export type BatchFilter = {
  template_id?: string | undefined
  state?: BatchState | undefined
  before: string | null
  limit: number
}
type BatchChange = Partial<Omit<BatchRow, 'id' | 'created_at'>>

/** Cards that follow each other. */
export type NewCards = {
  from: number
  count: number
  /** Sixteen bytes for each card. */
  hashes: Buffer
  /** Four letters of ASCII for each card: in bytes, since a place in a text is found by counting characters. */
  last4: Buffer
}

const named = (db: Rows) =>
  db
    .selectFrom('cards_batch as b')
    .innerJoin('cards_template_version as v', join =>
      join.onRef('v.template_id', '=', 'b.template_id').onRef('v.version', '=', 'b.template_version'),
    )
    .selectAll('b')
    .select('v.name as template_name')

/** The queries of batches and the making of their cards. */
export const batchStore = {
  find: (db: Rows, id: string): Promise<NamedBatch | undefined> =>
    named(db).where('b.id', '=', id).executeTakeFirst(),

  lock: (tx: Rows, id: string): Promise<BatchRow | undefined> =>
    tx.selectFrom('cards_batch').selectAll().where('id', '=', id).forUpdate().executeTakeFirst(),

  /** Newest first. */
  list: (db: Rows, { template_id, state, before, limit }: BatchFilter): Promise<NamedBatch[]> =>
    named(db)
      .$if(template_id !== undefined, query => query.where('b.template_id', '=', template_id ?? ''))
      .$if(state !== undefined, query => query.where('b.state', '=', state ?? 'draft'))
      .$if(before !== null, query => query.where('b.id', '<', before))
      .orderBy('b.id', 'desc')
      .limit(limit)
      .execute(),

  async insert(
    tx: Rows,
    row: Pick<
      BatchRow,
      | 'id'
      | 'template_id'
      | 'template_version'
      | 'name'
      | 'quantity'
      | 'valid_until'
      | 'valid_days'
      | 'expires_at'
      | 'channel'
      | 'notes'
      | 'created_by'
    >,
  ): Promise<void> {
    await tx.insertInto('cards_batch').values(row).execute()
  },

  async change(tx: Rows, id: string, change: BatchChange): Promise<void> {
    await tx.updateTable('cards_batch').set(change).where('id', '=', id).execute()
  },

  async remove(tx: Rows, id: string): Promise<void> {
    await tx.deleteFrom('cards_batch').where('id', '=', id).execute()
  },

  /**
   * Moves a batch on from `from` to `to` stored cards. False when it is no longer generating, or somebody else stored
   * cards since: then nothing may be stored either.
   */
  async advance(tx: Rows, id: string, from: number, to: number, updated_at: string): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('cards_batch')
      .set({
        generated: to,
        updated_at,
        state: sql<BatchState>`CASE WHEN quantity = ${to} THEN 'ready' ELSE state END`,
      })
      .where('id', '=', id)
      .where('state', '=', 'generating')
      .where('generated', '=', from)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  },

  /** Stores cards whose codes no other card has; returns how many of them that were. */
  async insertCards(tx: Rows, batchId: string, { from, count, hashes, last4 }: NewCards): Promise<number> {
    const { numAffectedRows } = await sql`
      INSERT INTO cards_card (batch_id, number, code_hash, last4)
      SELECT ${batchId}::uuid, ${from}::int + i, substring(${hashes}::bytea FROM i * 16 + 1 FOR 16),
        convert_from(substring(${last4}::bytea FROM i * 4 + 1 FOR 4), 'UTF8')
      FROM generate_series(0, ${count}::int - 1) AS card (i)
      ON CONFLICT (code_hash) DO NOTHING`.execute(tx)
    return Number(numAffectedRows ?? 0)
  },

  /** The numbers from `from` to `to` that have no card yet. */
  async missing(tx: Rows, batchId: string, from: number, to: number): Promise<number[]> {
    const { rows } = await sql<{ number: number }>`
      SELECT series.number FROM generate_series(${from}::int, ${to}::int) AS series (number)
      WHERE NOT EXISTS (SELECT FROM cards_card c WHERE c.batch_id = ${batchId} AND c.number = series.number)`.execute(
      tx,
    )
    return rows.map(row => row.number)
  },

  /** False when another card has the code. */
  async insertCard(
    tx: Rows,
    row: { batch_id: string; number: number; attempt: number; code_hash: Buffer; last4: string },
  ): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('cards_card')
      .values(row)
      .onConflict(conflict => conflict.column('code_hash').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  },

  /** Which of a batch's cards are not of the first attempt; none, almost always. */
  async attempts(db: Rows, batchId: string): Promise<Map<number, number>> {
    const rows = await db
      .selectFrom('cards_card')
      .select(['number', 'attempt'])
      .where('batch_id', '=', batchId)
      .where('attempt', '>', 0)
      .execute()
    return new Map(rows.map(({ number, attempt }) => [number, attempt]))
  },

  hashOf: (db: Rows, batchId: string, number: number): Promise<{ code_hash: Buffer } | undefined> =>
    db
      .selectFrom('cards_card')
      .select('code_hash')
      .where('batch_id', '=', batchId)
      .where('number', '=', number)
      .executeTakeFirst(),

  /** Not when it was destroyed or changed since it was read. */
  async reseal(db: Rows, id: string, was: string, secret: string): Promise<void> {
    await db
      .updateTable('cards_batch')
      .set({ secret })
      .where('id', '=', id)
      .where('secret', '=', was)
      .execute()
  },

  /** Batches whose secrets may be encrypted by a former key. */
  secrets: (db: Rows, after: string, limit: number): Promise<{ id: string; secret: string }[]> =>
    db
      .selectFrom('cards_batch')
      .select(['id', 'secret'])
      .where('secret', 'is not', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .$narrowType<{ secret: string }>()
      .execute(),
}
