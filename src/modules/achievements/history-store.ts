import { type Kysely, sql } from 'kysely'
import type { AchievementsTables } from './tables.ts'
import { always, type Entry, type Fact } from './tally.ts'

type Rows = Kysely<AchievementsTables>
export type NewFact = Fact & { subject_id: string | null; is_retracted: boolean }

/** Where a stream of facts goes on: after this one, in the order of the stream. */
type After = { user_id: string; occurred_at: string; id: string } | null

/** Which amounts to read: those of one condition of one version on certain days. */
export type Range = { version_id: string; condition: number; from: string; to: string }

const factColumns = ['id', 'user_id', 'event', 'occurred_at', 'day', 'fields'] as const

export const historyStore = {
  /**
   * Makes everything about one user wait for each other until the transaction ends. False for somebody who was
   * erased, of whom nothing may be kept any more.
   */
  async lockUser(tx: Rows, userId: string): Promise<boolean> {
    const find = () =>
      tx
        .selectFrom('achievements_user')
        .select('is_erased')
        .where('user_id', '=', userId)
        .forUpdate()
        .executeTakeFirst()
    let row = await find()
    if (!row) {
      await tx
        .insertInto('achievements_user')
        .values({ user_id: userId })
        .onConflict(conflict => conflict.doNothing())
        .execute()
      row = await find()
    }
    return row?.is_erased === false
  },

  hasFact: async (
    tx: Rows,
    { user_id, event, subject_id }: Pick<NewFact, 'user_id' | 'event' | 'subject_id'>,
  ): Promise<boolean> =>
    (await tx
      .selectFrom('achievements_fact')
      .select('id')
      .where('user_id', '=', user_id)
      .where('event', '=', event)
      .where('subject_id', '=', subject_id)
      .executeTakeFirst()) !== undefined,

  /** Marks what was undone, and returns it; undefined when it is not there (yet), or was undone before. */
  retract: (
    tx: Rows,
    { user_id, event, subject_id }: Pick<NewFact, 'user_id' | 'event' | 'subject_id'>,
  ): Promise<Fact | undefined> =>
    tx
      .updateTable('achievements_fact')
      .set({ is_retracted: true })
      .where('user_id', '=', user_id)
      .where('event', '=', event)
      .where('subject_id', '=', subject_id)
      .where('is_retracted', '=', false)
      .returning(factColumns)
      .executeTakeFirst(),

  /** User by user, and each one's in the order in which they happened. */
  factsByUser: (
    db: Rows,
    {
      events,
      userId,
      after,
      limit,
    }: { events: readonly string[]; userId?: string; after: After; limit: number },
  ): Promise<Fact[]> =>
    db
      .selectFrom('achievements_fact')
      .select(factColumns)
      .where('event', 'in', events)
      .where('is_retracted', '=', false)
      .$if(userId !== undefined, query => query.where('user_id', '=', userId ?? ''))
      .$if(after !== null, query =>
        query.where(
          sql<boolean>`(user_id, occurred_at, id) > (${after?.user_id}::uuid, ${after?.occurred_at}::timestamptz, ${after?.id}::uuid)`,
        ),
      )
      .orderBy('user_id')
      .orderBy('occurred_at')
      .orderBy('id')
      .limit(limit)
      .execute(),

  /** One event of everybody, in the order in which it happened. */
  factsByTime: (
    db: Rows,
    {
      event,
      after,
      limit,
    }: { event: string; after: Omit<NonNullable<After>, 'user_id'> | null; limit: number },
  ): Promise<Fact[]> =>
    db
      .selectFrom('achievements_fact')
      .select(factColumns)
      .where('event', '=', event)
      .where('is_retracted', '=', false)
      .$if(after !== null, query =>
        query.where(
          sql<boolean>`(occurred_at, id) > (${after?.occurred_at}::timestamptz, ${after?.id}::uuid)`,
        ),
      )
      .orderBy('occurred_at')
      .orderBy('id')
      .limit(limit)
      .execute(),

  /** What is seen of a user goes at once; the row that is left keeps late events out. */
  async forgetUser(tx: Rows, userId: string): Promise<void> {
    await historyStore.lockUser(tx, userId)
    await tx.deleteFrom('achievements_unlock').where('user_id', '=', userId).execute()
    await tx.deleteFrom('achievements_preview').where('owner_id', '=', userId).execute()
    await tx
      .updateTable('achievements_user')
      .set({ is_erased: true, is_listed: false, points: 0 })
      .where('user_id', '=', userId)
      .execute()
  },

  /** Erases some of the facts and tallies of a user; how many. */
  async eraseOf(db: Rows, userId: string, batch: number): Promise<number> {
    const facts = await sql`
      DELETE FROM achievements_fact WHERE (id, occurred_at) IN (
        SELECT id, occurred_at FROM achievements_fact WHERE user_id = ${userId} LIMIT ${batch})`.execute(db)
    const tallies = await sql`
      DELETE FROM achievements_tally WHERE ctid IN (
        SELECT ctid FROM achievements_tally WHERE user_id = ${userId} LIMIT ${batch})`.execute(db)
    return Number(facts.numAffectedRows ?? 0n) + Number(tallies.numAffectedRows ?? 0n)
  },

  hasFacts: async (db: Rows): Promise<boolean> =>
    (await db.selectFrom('achievements_fact').select('id').limit(1).executeTakeFirst()) !== undefined,

  usersAfter: async (db: Rows, after: string | null, limit: number): Promise<string[]> =>
    (
      await db
        .selectFrom('achievements_user')
        .select('user_id')
        .where('is_erased', '=', false)
        .$if(after !== null, query => query.where('user_id', '>', after ?? ''))
        .orderBy('user_id')
        .limit(limit)
        .execute()
    ).map(row => row.user_id),

  async countUsers(db: Rows): Promise<number> {
    const row = await db
      .selectFrom('achievements_user')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('is_erased', '=', false)
      .executeTakeFirstOrThrow()
    return row.count
  },
}

export const tallyStore = {
  /** The amounts of a user in all these ranges, by one query. */
  async read(
    db: Rows,
    userId: string,
    ranges: readonly Range[],
  ): Promise<(Entry & { version_id: string })[]> {
    if (ranges.length === 0) return []
    const { rows } = await sql<Entry & { version_id: string }>`
      SELECT tally.version_id, tally.condition, tally.value, tally.day, tally.amount
      FROM unnest(
        ${ranges.map(range => range.version_id)}::uuid[], ${ranges.map(range => range.condition)}::smallint[],
        ${ranges.map(range => range.from)}::date[], ${ranges.map(range => range.to)}::date[]
      ) AS wanted (version_id, condition, from_day, to_day)
      JOIN achievements_tally tally ON tally.user_id = ${userId} AND tally.version_id = wanted.version_id
        AND tally.condition = wanted.condition AND tally.day BETWEEN wanted.from_day AND wanted.to_day`.execute(
      db,
    )
    return rows
  },

  /** Sets amounts; those that have come to nothing go. The caller holds the user's lock. */
  async write(tx: Rows, userId: string, entries: readonly (Entry & { version_id: string })[]): Promise<void> {
    const kept = entries.filter(entry => entry.amount > 0)
    if (kept.length > 0)
      await sql`
        INSERT INTO achievements_tally (user_id, version_id, condition, day, value, amount)
        SELECT ${userId}, * FROM unnest(
          ${kept.map(entry => entry.version_id)}::uuid[], ${kept.map(entry => entry.condition)}::smallint[],
          ${kept.map(entry => entry.day)}::date[], ${kept.map(entry => entry.value)}::text[],
          ${kept.map(entry => entry.amount)}::numeric[])
        ON CONFLICT (user_id, version_id, condition, day, value) DO UPDATE SET amount = excluded.amount`.execute(
        tx,
      )
    const gone = entries.filter(entry => entry.amount <= 0)
    if (gone.length > 0)
      await sql`
        DELETE FROM achievements_tally USING unnest(
          ${gone.map(entry => entry.version_id)}::uuid[], ${gone.map(entry => entry.condition)}::smallint[],
          ${gone.map(entry => entry.day)}::date[], ${gone.map(entry => entry.value)}::text[]
        ) AS gone (version_id, condition, day, value)
        WHERE achievements_tally.user_id = ${userId} AND achievements_tally.version_id = gone.version_id
          AND achievements_tally.condition = gone.condition AND achievements_tally.day = gone.day
          AND achievements_tally.value = gone.value`.execute(tx)
  },

  async clear(tx: Rows, userId: string, versionId: string): Promise<void> {
    await tx
      .deleteFrom('achievements_tally')
      .where('user_id', '=', userId)
      .where('version_id', '=', versionId)
      .execute()
  },

  /** Gives places from 1 on to users who are in the order of their places. */
  async givePlaces(
    tx: Rows,
    versionId: string,
    condition: number,
    userIds: readonly string[],
  ): Promise<void> {
    await sql`
      INSERT INTO achievements_tally (user_id, version_id, condition, day, value, amount)
      SELECT user_id, ${versionId}, ${condition}::smallint, ${always}::date, '', place
      FROM unnest(${userIds}::uuid[]) WITH ORDINALITY AS given (user_id, place)
      ON CONFLICT (user_id, version_id, condition, day, value) DO UPDATE SET amount = excluded.amount`.execute(
      tx,
    )
  },

  /** Makes a rank begin to give places, when `taken` of them are gone. */
  async openPlaces(tx: Rows, versionId: string, condition: number, taken: number): Promise<void> {
    await tx
      .insertInto('achievements_place')
      .values({ version_id: versionId, condition, taken })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  },

  arePlacesOpen: async (tx: Rows, versionId: string, condition: number): Promise<boolean> =>
    (await tx
      .selectFrom('achievements_place')
      .select('taken')
      .where('version_id', '=', versionId)
      .where('condition', '=', condition)
      .executeTakeFirst()) !== undefined,

  /**
   * The next place, from 1; null when all are gone, or none are given yet. Callers wait for each other until they
   * commit, so that none is given twice, as long as there are places.
   */
  async takePlace(tx: Rows, versionId: string, condition: number, places: number): Promise<number | null> {
    const row = await tx
      .updateTable('achievements_place')
      .set(({ eb }) => ({ taken: eb('taken', '+', 1) }))
      .where('version_id', '=', versionId)
      .where('condition', '=', condition)
      .where('taken', '<', places)
      .returning('taken')
      .executeTakeFirst()
    return row?.taken ?? null
  },
}
