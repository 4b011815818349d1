import { type Kysely, type Selectable, sql } from 'kysely'
import type { PreviewResult } from './preview-result.ts'
import type { Rule } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

type Rows = Kysely<AchievementsTables>
export type PreviewRow = Selectable<AchievementsTables['achievements_preview']>

export const previewStore = {
  async insert(
    tx: Rows,
    row: { id: string; owner_id: string; job_id: string; rule: Rule; result: PreviewResult },
  ): Promise<void> {
    await tx
      .insertInto('achievements_preview')
      .values({ ...row, rule: JSON.stringify(row.rule), result: JSON.stringify(row.result) })
      .execute()
  },

  find: (db: Rows, id: string): Promise<PreviewRow | undefined> =>
    db.selectFrom('achievements_preview').selectAll().where('id', '=', id).executeTakeFirst(),

  latestOf: (db: Rows, ownerId: string): Promise<PreviewRow | undefined> =>
    db
      .selectFrom('achievements_preview')
      .selectAll()
      .where('owner_id', '=', ownerId)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst(),

  async save(db: Rows, id: string, result: PreviewResult): Promise<void> {
    await db
      .updateTable('achievements_preview')
      .set({ result: JSON.stringify(result) })
      .where('id', '=', id)
      .execute()
  },

  /** A day later nobody looks at a preview any more. */
  async deleteOld(db: Rows, batch: number): Promise<number> {
    const { numAffectedRows } = await sql`
      DELETE FROM achievements_preview WHERE id IN (
        SELECT id FROM achievements_preview WHERE created_at < now() - interval '1 day' LIMIT ${batch})`.execute(
      db,
    )
    return Number(numAffectedRows ?? 0n)
  },
}
