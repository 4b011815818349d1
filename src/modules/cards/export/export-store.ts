import type { Kysely, Selectable } from 'kysely'
import type { CardsTables } from '../tables.ts'

type Rows = Kysely<CardsTables>
export type ExportRow = Selectable<CardsTables['cards_export']>

/** The queries of the record of exports. */
export const exportStore = {
  async insert(
    db: Rows,
    row: Pick<ExportRow, 'id' | 'batch_id' | 'format' | 'options' | 'requested_by'>,
  ): Promise<void> {
    await db
      .insertInto('cards_export')
      .values({ ...row, options: JSON.stringify(row.options) })
      .execute()
  },

  /** How far it is, or was when it ended. One that was given up meanwhile stays so. */
  async update(
    db: Rows,
    id: string,
    change: Partial<Pick<ExportRow, 'state' | 'cards' | 'updated_at' | 'finished_at'>>,
  ): Promise<void> {
    await db
      .updateTable('cards_export')
      .set(change)
      .where('id', '=', id)
      .where('state', '=', 'running')
      .execute()
  },

  /** Newest first. */
  list: (db: Rows, batchId: string, before: string | null, limit: number): Promise<ExportRow[]> =>
    db
      .selectFrom('cards_export')
      .selectAll()
      .where('batch_id', '=', batchId)
      .$if(before !== null, query => query.where('id', '<', before))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),

  /** Gives up those of which nothing was heard since a time: their process is gone. */
  async giveUp(db: Rows, silentSince: string, now: string): Promise<number> {
    const { numUpdatedRows } = await db
      .updateTable('cards_export')
      .set({ state: 'cut', finished_at: now })
      .where('state', '=', 'running')
      .where('updated_at', '<', silentSince)
      .executeTakeFirst()
    return Number(numUpdatedRows)
  },
}
