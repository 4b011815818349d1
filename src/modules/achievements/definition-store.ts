import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import type { Rule } from './rule.ts'
import type { LiveRule } from './rule-book.ts'
import type { AchievementsTables } from './tables.ts'
import { always } from './tally.ts'

type Rows = Kysely<AchievementsTables>

const definitions = (db: Rows) =>
  db
    .selectFrom('achievements_achievement as achievement')
    .innerJoin('achievements_version as version', 'version.id', 'achievement.version_id')
    .selectAll('achievement')
    .select([
      'version.number',
      'version.rule',
      'version.is_replayed',
      'version.replay_job_id',
      'version.replay_users',
    ])

export type DefinitionRow = Awaited<ReturnType<ReturnType<typeof definitions>['executeTakeFirstOrThrow']>>
type AchievementRow = Selectable<AchievementsTables['achievements_achievement']>
export type Looks = Pick<
  AchievementRow,
  'names' | 'descriptions' | 'icon' | 'is_hidden' | 'is_enabled' | 'position'
>

const columnsOf = ({ names, descriptions, icon, is_hidden, is_enabled, position }: Looks) => ({
  names: JSON.stringify(names),
  descriptions: JSON.stringify(descriptions),
  icon,
  is_hidden,
  is_enabled,
  position,
})

export const definitionStore = {
  find: (db: Rows, id: string): Promise<DefinitionRow | undefined> =>
    definitions(db).where('achievement.id', '=', id).executeTakeFirst(),

  /** In the order in which they are shown. */
  list: (
    db: Rows,
    {
      isEnabled = false,
      after = null,
      limit,
    }: { isEnabled?: boolean; after?: readonly [number, string] | null; limit: number },
  ): Promise<DefinitionRow[]> =>
    definitions(db)
      .$if(isEnabled, query => query.where('achievement.is_enabled', '=', true))
      .$if(after !== null, query =>
        query.where(
          sql<boolean>`(achievement.position, achievement.id) > (${after?.[0]}::integer, ${after?.[1]}::uuid)`,
        ),
      )
      .orderBy('achievement.position')
      .orderBy('achievement.id')
      .limit(limit)
      .execute(),

  async count(db: Rows): Promise<number> {
    const row = await db
      .selectFrom('achievements_achievement')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    return row.count
  },

  /** False when this starter is there already. */
  async insert(
    tx: Rows,
    id: string,
    looks: Looks,
    { version_id, starter_key }: { version_id: string; starter_key: string | null },
  ): Promise<boolean> {
    const result = await tx
      .insertInto('achievements_achievement')
      .values({ id, version_id, starter_key, ...columnsOf(looks) })
      .onConflict(conflict => conflict.column('starter_key').doNothing())
      .executeTakeFirst()
    return result.numInsertedOrUpdatedRows === 1n
  },

  async insertVersion(
    tx: Rows,
    version: { id: string; achievement_id: string; number: number; rule: Rule; created_by: string | null },
    isReplayed = false,
  ): Promise<void> {
    await tx
      .insertInto('achievements_version')
      .values({ ...version, rule: JSON.stringify(version.rule), is_replayed: isReplayed })
      .execute()
  },

  async update(tx: Rows, id: string, looks: Looks, versionId: string): Promise<void> {
    await tx
      .updateTable('achievements_achievement')
      .set({ ...columnsOf(looks), version_id: versionId, updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
  },

  /** For update: whoever changes a definition waits for others who do. */
  async lock(tx: Rows, id: string): Promise<void> {
    await tx.selectFrom('achievements_achievement').select('id').where('id', '=', id).forUpdate().execute()
  },

  async delete(tx: Rows, id: string): Promise<void> {
    await tx.deleteFrom('achievements_achievement').where('id', '=', id).execute()
  },

  isUnlocked: async (tx: Rows, id: string): Promise<boolean> =>
    (await tx
      .selectFrom('achievements_unlock')
      .select('tier')
      .where('achievement_id', '=', id)
      .limit(1)
      .executeTakeFirst()) !== undefined,

  /** A version whose rule holds now. */
  liveVersion: (
    db: Rows,
    versionId: string,
  ): Promise<(LiveRule & { replay_after: string | null; replay_users: number }) | undefined> =>
    db
      .selectFrom('achievements_version as version')
      .innerJoin('achievements_achievement as achievement', 'achievement.version_id', 'version.id')
      .select([
        'version.id as version_id',
        'version.achievement_id',
        'version.number',
        'version.rule',
        'version.replay_after',
        'version.replay_users',
      ])
      .where('version.id', '=', versionId)
      .where('achievement.is_enabled', '=', true)
      .executeTakeFirst(),

  /** Notes how far a replay is. False when another version holds by now. */
  async saveReplay(
    db: Rows,
    versionId: string,
    { after, done, isDone }: { after: string | null; done: number; isDone: boolean },
  ): Promise<boolean> {
    const result = await db
      .updateTable('achievements_version')
      .set({ replay_after: after, replay_users: done, is_replayed: isDone })
      .where('id', '=', versionId)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('achievements_achievement')
            .select('achievements_achievement.id')
            .where('achievements_achievement.version_id', '=', versionId),
        ),
      )
      .executeTakeFirst()
    return result.numUpdatedRows === 1n
  },

  /** A replay begins, from the first user on or where it was. */
  async startReplay(
    tx: Rows,
    versionId: string,
    { jobId, isAnew }: { jobId: string; isAnew: boolean },
  ): Promise<void> {
    await tx
      .updateTable('achievements_version')
      .set({
        replay_job_id: jobId,
        is_replayed: false,
        ...(isAnew ? { replay_after: null, replay_users: 0 } : {}),
      })
      .where('id', '=', versionId)
      .execute()
  },

  ids: async (db: Rows): Promise<string[]> =>
    (await db.selectFrom('achievements_achievement').select('id').execute()).map(row => row.id),

  /** The versions of which anything is counted, and whether each still holds. Reads as many index entries as there are. */
  async talliedVersions(db: Rows): Promise<{ version_id: string; is_live: boolean }[]> {
    const next = (after: RawBuilder<unknown>) =>
      sql`(SELECT version_id FROM achievements_tally ${after} ORDER BY version_id LIMIT 1)`
    const { rows } = await sql<{ version_id: string; is_live: boolean }>`
      WITH RECURSIVE tallied AS (
        ${next(sql``)} UNION ALL
        SELECT ${next(sql`WHERE version_id > tallied.version_id`)} FROM tallied WHERE version_id IS NOT NULL
      )
      SELECT version_id,
        EXISTS (SELECT FROM achievements_achievement a WHERE a.version_id = tallied.version_id) AS is_live
      FROM tallied WHERE version_id IS NOT NULL`.execute(db)
    return rows
  },

  /** Deletes some of a version's amounts, those of days before `oldest` or all of them; how many. */
  async clearTallies(db: Rows, versionId: string, oldest: string | null, batch: number): Promise<number> {
    const days = oldest === null ? sql`TRUE` : sql`day > ${always}::date AND day < ${oldest}::date`
    const { numAffectedRows } = await sql`
      DELETE FROM achievements_tally WHERE ctid IN (
        SELECT ctid FROM achievements_tally WHERE version_id = ${versionId} AND ${days} LIMIT ${batch})`.execute(
      db,
    )
    return Number(numAffectedRows ?? 0n)
  },
}
