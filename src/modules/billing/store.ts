import { type Kysely, type Selectable, sql } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { Entitlements } from './contract.ts'
import type { BillingTables } from './tables.ts'

type Rows = Kysely<BillingTables>
export type PlanRow = Selectable<BillingTables['billing_plan']>
export type PeriodRow = Selectable<BillingTables['billing_subscription']>
export type GrantRow = Selectable<BillingTables['billing_grant']>
export type PlanInput = { id: string; names: Record<Locale, string>; entitlements: Entitlements }

/** Plans: few, and read whole. */
export const planStore = {
  list: (db: Rows): Promise<PlanRow[]> =>
    db.selectFrom('billing_plan').selectAll().orderBy('created_at').orderBy('id').execute(),

  find: (db: Rows, id: string): Promise<PlanRow | undefined> =>
    db.selectFrom('billing_plan').selectAll().where('id', '=', id).executeTakeFirst(),

  /** Nothing, and nothing changed, when there is one of this id. */
  insert: (db: Rows, plan: PlanInput): Promise<PlanRow | undefined> =>
    db
      .insertInto('billing_plan')
      .values(columnsOf(plan))
      .onConflict(conflict => conflict.doNothing())
      .returningAll()
      .executeTakeFirst(),

  /** Makes or replaces a plan. The time at which it was retired first stays. */
  save: (db: Rows, plan: PlanInput & { retired_at: string | null }): Promise<PlanRow> => {
    const { id, ...values } = columnsOf(plan)
    const retired_at =
      plan.retired_at === null
        ? null
        : sql<string>`coalesce(billing_plan.retired_at, ${plan.retired_at}::timestamptz)`
    return db
      .insertInto('billing_plan')
      .values({ id, ...values, retired_at: plan.retired_at })
      .onConflict(conflict =>
        conflict.column('id').doUpdateSet({ ...values, retired_at, updated_at: sql`now()` }),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
  },
}

const columnsOf = ({ id, names, entitlements }: PlanInput) => ({
  id,
  names: JSON.stringify(names),
  entitlements: JSON.stringify(entitlements),
})

/** Periods and grants are dated behind the user’s lock: when its transaction began, another may have come before it. */
const whenLocked = sql<string>`clock_timestamp()`

/** Who is on which plan. `now` and all times are ISO 8601. */
export const subscriptionStore = {
  /** Makes everything that changes one user's subscription wait for each other, until the transaction ends. */
  async lockUser(tx: Rows, userId: string): Promise<void> {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`billing.user.${userId}`}, 0))`.execute(tx)
  },

  /** In order: the periods that run or are to come, and before them those whose end is not announced yet. */
  periods: (db: Rows, userIds: readonly string[]): Promise<PeriodRow[]> =>
    db
      .selectFrom('billing_subscription')
      .selectAll()
      .where('user_id', 'in', userIds)
      .where('is_over', '=', false)
      .orderBy('from_at')
      .execute(),

  /** Users after `afterId` whom a period that runs puts on the plan, in order of their ids. */
  async onPlan(
    db: Rows,
    { plan, now, afterId, limit }: { plan: string; now: string; afterId: string | null; limit: number },
  ): Promise<string[]> {
    let query = db
      .selectFrom('billing_subscription')
      .select('user_id')
      .where('plan_id', '=', plan)
      .where('is_over', '=', false)
      .where('from_at', '<=', now)
      .where(eb => eb.or([eb('until_at', 'is', null), eb('until_at', '>', now)]))
      .orderBy('user_id')
      .limit(limit)
    if (afterId !== null) query = query.where('user_id', '>', afterId)
    return (await query.execute()).map(row => row.user_id)
  },

  async insert(
    tx: Rows,
    period: { id: string; user_id: string; plan_id: string; from_at: string; until_at: string | null },
  ) {
    await tx
      .insertInto('billing_subscription')
      .values({ ...period, created_at: whenLocked })
      .execute()
  },

  async extend(tx: Rows, id: string, until: string) {
    await tx.updateTable('billing_subscription').set({ until_at: until }).where('id', '=', id).execute()
  },

  /** A period that has become empty is gone. */
  async move(tx: Rows, { id, from_at, until_at }: Pick<PeriodRow, 'id' | 'from_at' | 'until_at'>) {
    if (from_at === until_at) await tx.deleteFrom('billing_subscription').where('id', '=', id).execute()
    else
      await tx.updateTable('billing_subscription').set({ from_at, until_at }).where('id', '=', id).execute()
  },

  /** Ends what runs and takes back what is to come. */
  async endAll(tx: Rows, userId: string, now: string) {
    await tx
      .deleteFrom('billing_subscription')
      .where('user_id', '=', userId)
      .where('is_over', '=', false)
      .where('from_at', '>', now)
      .execute()
    await tx
      .updateTable('billing_subscription')
      .set({ until_at: sql<string>`least(until_at, ${now}::timestamptz)`, is_over: true })
      .where('user_id', '=', userId)
      .where('is_over', '=', false)
      .execute()
  },

  /** Users whose period has ended without its end having been announced. */
  async endedUsers(db: Rows, now: string, limit: number): Promise<string[]> {
    const rows = await db
      .selectFrom('billing_subscription')
      .select('user_id')
      .distinct()
      .where('is_over', '=', false)
      .where('until_at', '<=', now)
      .limit(limit)
      .execute()
    return rows.map(row => row.user_id)
  },

  /** True when this call was the one that closed an ended period. */
  async closeEnded(tx: Rows, userId: string, now: string): Promise<boolean> {
    const result = await tx
      .updateTable('billing_subscription')
      .set({ is_over: true })
      .where('user_id', '=', userId)
      .where('is_over', '=', false)
      .where('until_at', '<=', now)
      .executeTakeFirst()
    return result.numUpdatedRows > 0n
  },

  async overrides(db: Rows, userId: string): Promise<Entitlements> {
    const row = await db
      .selectFrom('billing_override')
      .select('entitlements')
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row?.entitlements ?? {}
  },

  async setOverrides(tx: Rows, userId: string, overrides: Entitlements) {
    const entitlements = JSON.stringify(overrides)
    await tx
      .insertInto('billing_override')
      .values({ user_id: userId, entitlements })
      .onConflict(conflict =>
        conflict.column('user_id').doUpdateSet({ entitlements, updated_at: sql`now()` }),
      )
      .execute()
  },

  findGrant: (tx: Rows, userId: string, key: string): Promise<GrantRow | undefined> =>
    tx
      .selectFrom('billing_grant')
      .selectAll()
      .where('user_id', '=', userId)
      .where('key', '=', key)
      .executeTakeFirst(),

  async markTakenBack(tx: Rows, id: string, at: string) {
    await tx.updateTable('billing_grant').set({ taken_back_at: at }).where('id', '=', id).execute()
  },

  async addGrant(tx: Rows, grant: Omit<GrantRow, 'created_at' | 'taken_back_at'>) {
    await tx
      .insertInto('billing_grant')
      .values({ ...grant, created_at: whenLocked })
      .execute()
  },

  /** The latest, newest first. */
  grants: (db: Rows, userId: string, limit: number): Promise<GrantRow[]> =>
    db
      .selectFrom('billing_grant')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute(),

  async deleteUser(tx: Rows, userId: string) {
    await tx.deleteFrom('billing_subscription').where('user_id', '=', userId).execute()
    await tx.deleteFrom('billing_override').where('user_id', '=', userId).execute()
    await tx.deleteFrom('billing_grant').where('user_id', '=', userId).execute()
  },
}
