import type { Kysely, Selectable } from 'kysely'
import type { SampleTables } from './tables.ts'

type Rows = Kysely<SampleTables>
export type ItemRow = Selectable<SampleTables['sample_item']>

export const itemStore = {
  insert: (tx: Rows, item: { id: string; user_id: string; title: string }): Promise<ItemRow> =>
    tx.insertInto('sample_item').values(item).returningAll().executeTakeFirstOrThrow(),

  /** Newest first; ids are ordered by time. */
  list: (
    db: Rows,
    { user_id, before, limit }: { user_id: string; before: string | null; limit: number },
  ): Promise<ItemRow[]> =>
    db
      .selectFrom('sample_item')
      .selectAll()
      .where('user_id', '=', user_id)
      .$if(before !== null, query => query.where('id', '<', before))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),

  count: (db: Rows, userIds: readonly string[]): Promise<{ user_id: string; count: number }[]> =>
    db
      .selectFrom('sample_item')
      .select(({ fn }) => ['user_id', fn.countAll<number>().as('count')])
      .where('user_id', 'in', userIds)
      .groupBy('user_id')
      .execute(),

  async deleteOfUser(tx: Rows, userId: string): Promise<void> {
    await tx.deleteFrom('sample_item').where('user_id', '=', userId).execute()
  },
}
