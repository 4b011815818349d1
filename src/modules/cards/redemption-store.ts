import { type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import type { Rarity, Rewards } from './contract.ts'
import {
  forgottenOf,
  type LimitSettings,
  type Scopes,
  type Waiter,
  waiterOf,
  waitOf,
} from './redemption-limits.ts'
import type { PersonalPart, RedemptionTables, UsageAction } from './redemption-tables.ts'

type Rows = Kysely<RedemptionTables>
export type RedemptionRow = Selectable<RedemptionTables['cards_redemption']>

/** A redemption with what its template version says. */
export type ItemRow = {
  id: string
  template_id: string
  template_version: number
  category: string
  rarity: Rarity
  name: string
  description: string
  images: string[]
  attributes: Record<string, unknown>
  rewards: Rewards
  set_name: string | null
  acquired_at: string
}

/** An item, wherever `r` is the redemption, `t` the template and `v` its version. */
const itemColumns = sql`r.id, r.template_id, r.template_version, t.category, v.rarity, v.name, v.description,
  v.images, v.attributes, v.rewards, v.set_name, r.redeemed_at AS acquired_at`

const templateOf = sql`
  JOIN cards_template_version v ON v.template_id = r.template_id AND v.version = r.template_version
  JOIN cards_template t ON t.id = r.template_id`

const columnsOfAttempt: Waiter = {
  user: sql`attempt.user_scope`,
  address: sql`attempt.address_scope`,
  minute: sql`attempt.minute_scope`,
  at: sql`attempt.at`,
  forgotten: sql`attempt.forgotten`,
}

export type Attempt = {
  /** Of the redemption, should there be one. */
  id: string
  hashes: Buffer[]
  user_id: string
  /** ISO 8601. */
  at: string
  ip: string
  region: string | null
}

/** A redemption that others are to hear of. */
export type RedeemedRow = Pick<
  ItemRow,
  'id' | 'template_id' | 'template_version' | 'category' | 'rarity' | 'name' | 'rewards'
> & { user_id: string; batch_id: string }

/** What is known of a card that could not be redeemed. */
export type CardStanding = {
  batch_id: string
  number: number
  card_state: 'issued' | 'redeemed' | 'expired' | 'void'
  batch_state: string
  is_ended: boolean
}

export type PendingUse = Partial<PersonalPart> & {
  id: string
  at: string
  action: UsageAction
  batch_id: string
  number: number | null
  redemption_id?: string | null
  reason?: string | null
  cards?: number
}

/** Items by a condition on the redemption `r`, the template `t` and its version `v`. */
export async function itemsWhere(db: Rows, condition: RawBuilder<unknown>): Promise<ItemRow[]> {
  const { rows } = await sql<ItemRow>`
    SELECT ${itemColumns} FROM cards_redemption r ${templateOf} WHERE ${condition}`.execute(db)
  return rows
}

export const redemptionStore = {
  /**
   * Redeems cards, all in one statement: each card changes hands if it may be redeemed and nobody has to wait, and then
   * the ledger and the log get their rows. Returns what was redeemed, by the id of its attempt. Of statements that run
   * at once for the same card, the others wait for the first and then find it taken; of two attempts in one statement,
   * one gets it.
   */
  async take(
    db: Rows,
    attempts: readonly (Attempt & Scopes)[],
    settings: LimitSettings,
  ): Promise<Map<string, ItemRow>> {
    // All take the cards in the same order, so that no two statements wait for each other.
    const codes = attempts
      .flatMap(attempt => attempt.hashes.map(hash => ({ ...attempt, hash })))
      .sort((one, two) => one.hash.compare(two.hash))
    // The batch is looked at as a value of each card: as a table of the join it would have the planner begin with it.
    const { rows } = await sql<ItemRow>`
      WITH attempt AS MATERIALIZED (
        SELECT * FROM unnest(${codes.map(code => code.id)}::uuid[], ${codes.map(code => code.hash)}::bytea[],
          ${codes.map(code => code.user_id)}::uuid[], ${codes.map(code => code.at)}::timestamptz[],
          ${codes.map(code => code.ip)}::text[], ${codes.map(code => code.region)}::text[],
          ${codes.map(code => code.user)}::text[], ${codes.map(code => code.address)}::text[],
          ${codes.map(code => code.minute)}::text[],
          ${codes.map(code => forgottenOf(Date.parse(code.at), settings))}::timestamptz[])
          AS attempt (id, hash, user_id, at, ip, region, user_scope, address_scope, minute_scope, forgotten)
      ),
      taken AS (
        UPDATE cards_card card SET state = 'redeemed', redeemed_by = attempt.user_id, redeemed_at = attempt.at
        FROM attempt
        WHERE card.code_hash = attempt.hash AND card.state = 'issued'
          AND (SELECT batch.state = 'released' AND (batch.expires_at IS NULL OR batch.expires_at > attempt.at)
            FROM cards_batch batch WHERE batch.id = card.batch_id)
          AND (${waitOf(columnsOfAttempt)}) IS NULL
        RETURNING card.batch_id, card.number, attempt.*
      ),
      r AS (
        INSERT INTO cards_redemption (id, batch_id, number, template_id, template_version, user_id, redeemed_at)
        SELECT taken.id, batch_id, number, template_id, template_version, user_id, at
        FROM taken JOIN cards_batch batch ON batch.id = taken.batch_id
        RETURNING *
      ),
      logged AS (
        INSERT INTO cards_usage_pending (id, at, action, batch_id, number, redemption_id, user_id, ip, region)
        SELECT id, at, 'redeemed', batch_id, number, id, user_id, ip, region FROM taken
      )
      SELECT ${itemColumns} FROM r ${templateOf}`.execute(db)
    return new Map(rows.map(row => [row.id, row]))
  },

  async blockedUntil(
    db: Rows,
    { at }: Attempt,
    scopes: Scopes,
    settings: LimitSettings,
  ): Promise<string | null> {
    const { rows } = await waitOf(waiterOf(scopes, Date.parse(at), settings)).execute(db)
    return rows[0]?.blocked_until ?? null
  },

  async standing(db: Rows, { hashes, at }: Attempt): Promise<CardStanding | undefined> {
    return db
      .selectFrom('cards_card as card')
      .innerJoin('cards_batch as batch', 'batch.id', 'card.batch_id')
      .select([
        'card.batch_id',
        'card.number',
        'card.state as card_state',
        'batch.state as batch_state',
        sql<boolean>`coalesce(batch.expires_at <= ${at}::timestamptz, false)`.as('is_ended'),
      ])
      .where(sql<SqlBool>`card.code_hash = ANY (${hashes}::bytea[])`)
      .executeTakeFirst()
  },

  /** The item that a card has become, if it is this user's. */
  async itemOfCard(
    db: Rows,
    card: { batch_id: string; number: number },
    userId: string,
  ): Promise<ItemRow | undefined> {
    const [item] = await itemsWhere(
      db,
      sql`r.batch_id = ${card.batch_id} AND r.number = ${card.number} AND r.undone_at IS NULL
        AND r.user_id = ${userId}`,
    )
    return item
  },

  async log(tx: Rows, use: PendingUse): Promise<void> {
    await tx.insertInto('cards_usage_pending').values(use).execute()
  },

  /** The row stays locked until the transaction ends. */
  lock: (tx: Rows, id: string): Promise<RedemptionRow | undefined> =>
    tx.selectFrom('cards_redemption').selectAll().where('id', '=', id).forUpdate().executeTakeFirst(),

  /** Where a redemption came from; null where nobody said so, or the log of its month is gone. */
  async regionOf(tx: Rows, { id, redeemed_at }: RedemptionRow): Promise<string | null> {
    const { rows } = await sql<{ region: string | null }>`
      SELECT region FROM cards_usage_pending WHERE id = ${id}
      UNION ALL SELECT region FROM cards_usage WHERE id = ${id} AND at = ${redeemed_at}::timestamptz`.execute(
      tx,
    )
    return rows[0]?.region ?? null
  },

  async markUndone(tx: Rows, id: string, undone_at: string): Promise<void> {
    await tx.updateTable('cards_redemption').set({ undone_at }).where('id', '=', id).execute()
  },

  /** Those of some redemptions that still hold and whose user is still there. */
  async holding(tx: Rows, ids: readonly string[]): Promise<RedeemedRow[]> {
    const { rows } = await sql<RedeemedRow>`
      SELECT r.id, r.user_id, r.batch_id, r.template_id, r.template_version, t.category, v.rarity, v.name, v.rewards
      FROM cards_redemption r ${templateOf}
      WHERE r.id = ANY (${ids}::uuid[]) AND r.undone_at IS NULL AND r.user_id IS NOT NULL
      ORDER BY r.id`.execute(tx)
    return rows
  },

  async templateOf(
    db: Rows,
    { template_id, template_version }: { template_id: string; template_version: number },
  ): Promise<{ category: string; name: string; rarity: Rarity; rewards: Rewards }> {
    return db
      .selectFrom('cards_template_version as v')
      .innerJoin('cards_template as t', 't.id', 'v.template_id')
      .select(['t.category', 'v.name', 'v.rarity', 'v.rewards'])
      .where('v.template_id', '=', template_id)
      .where('v.version', '=', template_version)
      .executeTakeFirstOrThrow()
  },

  /** Takes a card back from its owner. Returns what it is now: one that has expired meanwhile stays so. */
  async giveBack(
    tx: Rows,
    card: { batch_id: string; number: number },
    { isVoid, at }: { isVoid: boolean; at: string },
  ): Promise<'issued' | 'expired' | 'void'> {
    const { rows } = await sql<{ state: 'issued' | 'expired' | 'void' }>`
      UPDATE cards_card card SET redeemed_by = NULL, redeemed_at = NULL, state = CASE
        WHEN ${isVoid} THEN 'void' WHEN batch.expires_at <= ${at}::timestamptz THEN 'expired' ELSE 'issued' END
      FROM cards_batch batch
      WHERE batch.id = card.batch_id AND card.batch_id = ${card.batch_id} AND card.number = ${card.number}
      RETURNING card.state`.execute(tx)
    if (!rows[0]) throw new Error('The card of a redemption is gone')
    return rows[0].state
  },
}
