import { type Kysely, sql } from 'kysely'
import type { Day } from './days.ts'
import type { AchievementsTables } from './tables.ts'
import { always, type Entry, type Fact } from './tally.ts'

type Rows = Kysely<AchievementsTables>
export type NewFact = Fact & { subject_id: string | null }
export type Amount = Entry & { version_id: string }
export type UserAmount = Amount & { user_id: string }
/** A user with new facts that are to be counted. */
export type Entered = {
  user_id: string
  /** Of those facts. */
  ids: string[]
  epoch: number
  /** As `Unlocked` has them. */
  unlocked: string[]
  amounts: Amount[]
}

/** Where a stream of facts goes on: after this one, in the order of the stream. */
type After = { occurred_at: string; id: string } | null

const isOneOf = (events: readonly string[]) => sql<boolean>`event = ANY (${events}::text[])`
const comesAfter = (after: After) =>
  sql<boolean>`(occurred_at, id) > (${after?.occurred_at}::timestamptz, ${after?.id}::uuid)`

/** A user's facts of some events, from a time on and before another. */
type FactRange = {
  events: readonly string[]
  userId: string
  from?: string | undefined
  until?: string | undefined
}
export type FactCount = { facts: number; retracted: number }

/** How many facts are read at once. */
export const factBatch = 5_000

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

  /** The same for several, whoever was erased among them, in a fixed order. */
  async lockUsers(tx: Rows, userIds: readonly string[]): Promise<void> {
    const ids = [...new Set(userIds)]
    const lock = () =>
      sql`SELECT FROM achievements_user WHERE user_id = ANY (${ids}::uuid[])
        ORDER BY user_id FOR NO KEY UPDATE`.execute(tx)
    if ((await lock()).rows.length === ids.length) return
    await sql`
      INSERT INTO achievements_user (user_id) SELECT unnest(${ids.toSorted()}::uuid[])
      ON CONFLICT DO NOTHING`.execute(tx)
    await lock()
  },

  /**
   * Locks the users of facts of one event and stores the facts, by one round trip; then tells of each user with new
   * facts what counting them needs. Each user's facts are of one day, and `ranges` are wanted of users with facts of
   * that day. A fact whose undoing (an event of the name `undoing`) came before it is stored, but not to be counted;
   * nothing is kept of somebody who was erased.
   */
  async enter(
    tx: Rows,
    event: string,
    facts: readonly NewFact[],
    { undoing, ranges }: { undoing: string | null; ranges: ReadonlyMap<Day, readonly Range[]> },
  ): Promise<Entered[]> {
    const wanted = [...ranges].flatMap(([for_day, some]) => some.map(range => ({ ...range, for_day })))
    const { rows } = await sql<Entered>`
      SELECT * FROM achievements_enter(${event}, ${undoing}, ${facts.map(fact => fact.id)}::uuid[],
        ${facts.map(fact => fact.user_id)}::uuid[], ${facts.map(fact => fact.subject_id)}::uuid[],
        ${facts.map(fact => fact.occurred_at)}::timestamptz[], ${facts.map(fact => fact.day)}::date[],
        ${facts.map(fact => JSON.stringify(fact.fields))}::jsonb[],
        ${wanted.map(range => range.for_day)}::date[], ${wanted.map(range => range.version_id)}::uuid[],
        ${wanted.map(range => range.condition)}::smallint[], ${wanted.map(range => range.from)}::date[],
        ${wanted.map(range => range.to)}::date[])`.execute(tx)
    return rows
  },

  /** Locks those of some users whom nobody else has locked, and who were not erased. */
  lockFree: async (tx: Rows, userIds: readonly string[]): Promise<string[]> => {
    const { rows } = await sql<{ user_id: string }>`
      SELECT user_id FROM achievements_user WHERE user_id = ANY (${userIds}::uuid[]) AND NOT is_erased
      ORDER BY user_id FOR UPDATE SKIP LOCKED`.execute(tx)
    return rows.map(row => row.user_id)
  },

  /** Those of some users who have no fact of these events. */
  async withoutFacts(tx: Rows, userIds: readonly string[], events: readonly string[]): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string }>`
      SELECT user_id FROM unnest(${userIds}::uuid[]) AS asked (user_id)
      WHERE NOT EXISTS (
        SELECT FROM achievements_fact fact WHERE fact.user_id = asked.user_id AND ${isOneOf(events)})`.execute(
      tx,
    )
    return new Set(rows.map(row => row.user_id))
  },

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

  /** How many facts a user has before a time, and how many of them are undone: neither number ever goes back. */
  async countFacts(
    db: Rows,
    { events, userId, until }: { events: readonly string[]; userId: string; until: string },
  ): Promise<FactCount> {
    const { rows } = await sql<FactCount>`
      SELECT count(*) AS facts, count(*) FILTER (WHERE is_retracted) AS retracted FROM achievements_fact
      WHERE user_id = ${userId} AND ${isOneOf(events)} AND occurred_at < ${until}::timestamptz`.execute(db)
    return rows[0] ?? { facts: 0, retracted: 0 }
  },

  /** In the order in which they happened. */
  factsByUser: (
    db: Rows,
    { events, userId, from, until, after }: FactRange & { after: After },
  ): Promise<Fact[]> =>
    db
      .selectFrom('achievements_fact')
      .select(factColumns)
      .where('user_id', '=', userId)
      .where(isOneOf(events))
      .where('is_retracted', '=', false)
      .$if(from !== undefined, query => query.where('occurred_at', '>=', from ?? ''))
      .$if(until !== undefined, query => query.where('occurred_at', '<', until ?? ''))
      .$if(after !== null, query => query.where(comesAfter(after)))
      .orderBy('occurred_at')
      .orderBy('id')
      .limit(factBatch)
      .execute(),

  /** One event of everybody, in the order in which it happened. */
  factsByTime: (db: Rows, event: string, after: After): Promise<Fact[]> =>
    db
      .selectFrom('achievements_fact')
      .select(factColumns)
      .where('event', '=', event)
      .where('is_retracted', '=', false)
      .$if(after !== null, query => query.where(comesAfter(after)))
      .orderBy('occurred_at')
      .orderBy('id')
      .limit(factBatch)
      .execute(),

  /** What is seen of a user goes at once; the row that is left keeps late events out. */
  async forgetUser(tx: Rows, userId: string): Promise<void> {
    await historyStore.lockUser(tx, userId)
    await tx.deleteFrom('achievements_unlock').where('user_id', '=', userId).execute()
    await tx.deleteFrom('achievements_card_points').where('user_id', '=', userId).execute()
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

/** A user's facts in the order in which they happened, read batch by batch. */
export async function* factsOf(
  db: Rows,
  { signal, ...range }: FactRange & { signal: AbortSignal },
): AsyncGenerator<Fact> {
  if (range.events.length === 0) return
  let after: Fact | null = null
  for (;;) {
    signal.throwIfAborted()
    const facts: Fact[] = await historyStore.factsByUser(db, { ...range, after })
    yield* facts
    after = facts.at(-1) ?? null
    if (facts.length < factBatch) return
  }
}

export const tallyStore = {
  /** The amounts of a user in all these ranges, by one query. */
  async read(db: Rows, userId: string, ranges: readonly Range[]): Promise<Amount[]> {
    if (ranges.length === 0) return []
    const { rows } = await sql<Amount>`
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

  /** Sets amounts; those that have come to nothing go. The caller holds the users' locks. */
  async write(tx: Rows, entries: readonly UserAmount[]): Promise<void> {
    const kept = entries.filter(entry => entry.amount > 0)
    if (kept.length > 0)
      await sql`
        INSERT INTO achievements_tally (user_id, version_id, condition, day, value, amount)
        SELECT * FROM unnest(
          ${kept.map(entry => entry.user_id)}::uuid[], ${kept.map(entry => entry.version_id)}::uuid[],
          ${kept.map(entry => entry.condition)}::smallint[], ${kept.map(entry => entry.day)}::date[],
          ${kept.map(entry => entry.value)}::text[], ${kept.map(entry => entry.amount)}::numeric[])
        ON CONFLICT (user_id, version_id, condition, day, value) DO UPDATE SET amount = excluded.amount`.execute(
        tx,
      )
    const gone = entries.filter(entry => entry.amount <= 0)
    if (gone.length > 0)
      await sql`
        DELETE FROM achievements_tally USING unnest(
          ${gone.map(entry => entry.user_id)}::uuid[], ${gone.map(entry => entry.version_id)}::uuid[],
          ${gone.map(entry => entry.condition)}::smallint[], ${gone.map(entry => entry.day)}::date[],
          ${gone.map(entry => entry.value)}::text[]
        ) AS gone (user_id, version_id, condition, day, value)
        WHERE achievements_tally.user_id = gone.user_id AND achievements_tally.version_id = gone.version_id
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

  /** Makes a rank begin to give places, when `taken` of them are gone. False when it does already. */
  async openPlaces(tx: Rows, versionId: string, condition: number, taken: number): Promise<boolean> {
    const result = await tx
      .insertInto('achievements_place')
      .values({ version_id: versionId, condition, taken })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    return result.numInsertedOrUpdatedRows === 1n
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
