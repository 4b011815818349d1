import { type Kysely, type SqlBool, sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { redemptionSettings } from './redemption-config.ts'
import { type RedemptionTables, unknownBatch, usageActions } from './redemption-tables.ts'
import type { UsageChain } from './usage-chain.ts'
import { type Finding, findingKinds, type Verification, verifyChain } from './usage-verify.ts'

const Person = z.object({ id: z.uuid(), name: z.string() })

/** A row of the log, for operators. What was erased with a user is null. */
export const CardUse = z
  .object({
    id: z.uuid(),
    seq: z.int().describe('Place in the chain of its batch.'),
    at: z.string(),
    action: z.enum(usageActions),
    batch: z.object({ id: z.uuid(), name: z.string() }).nullable().describe('Null: no card has the code.'),
    template_name: z.string().nullable(),
    number: z.int().nullable().describe('Of the card in its batch.'),
    last4: z.string().nullable().describe('Last characters of the code.'),
    cards: z.int().describe('How many cards it is about.'),
    redemption_id: z.uuid().nullable(),
    is_undone: z.boolean().describe('The redemption has been undone since.'),
    reason: z
      .string()
      .nullable()
      .describe(
        'Of a refusal: unknown, redeemed, expired, void, frozen or not_released. Of an undone redemption: what the card is now.',
      ),
    user: Person.nullable(),
    acting_user: Person.nullable().describe('Who undid it.'),
    ip: z.string().nullable(),
    region: z.string().nullable(),
    note: z.string().nullable().describe('Why it was undone.'),
  })
  .meta({ id: 'CardsUse' })
export type CardUse = z.output<typeof CardUse>

export const UsageVerification = z
  .object({
    batch_id: z.uuid(),
    checked: z.int().describe('Rows looked at in this call.'),
    last_seq: z.int(),
    next_seq: z.int().nullable().describe('Call again from here; null when all is checked.'),
    findings: z.array(
      z.object({
        kind: z.enum(findingKinds),
        batch_id: z.uuid(),
        first_seq: z.int(),
        last_seq: z.int(),
        id: z.uuid().nullable(),
      }),
    ),
  })
  .meta({ id: 'CardsUsageVerification' })

export const UsageChainView = z
  .object({
    batch: z.object({ id: z.uuid(), name: z.string() }).nullable(),
    batch_id: z.uuid(),
    last_seq: z.int(),
    hash: z.string().describe('Hash of the last row: note it elsewhere, and what is cut off later shows.'),
    sealed_at: z.string(),
  })
  .meta({ id: 'CardsUsageChain' })
export type UsageChainView = z.output<typeof UsageChainView>

export type UsageFilter = {
  limit: number
  cursor?: string | undefined
  batch_id?: string | undefined
  user_id?: string | undefined
  action?: CardUse['action'] | undefined
}

export type Usage = {
  /** Newest first. */
  list(actor: Actor, filter: UsageFilter): Promise<Page<CardUse>>
  /** The log of each batch, by the id of the batch. */
  chains(query: { limit: number; cursor?: string | undefined }): Promise<Page<UsageChainView>>
  /** Looks for rows of one batch that were changed, added or removed, from `from_seq` on. */
  verify(batchId: string, from_seq?: number): Promise<Verification>
  /** All batches, or one, to the end. `onProgress` hears of each batch. */
  verifyAll(options: {
    batch_id?: string | undefined
    onBatch?: (result: { batch_id: string; rows: number; findings: Finding[] }) => void
  }): Promise<{ batches: number; rows: number; findings: Finding[] }>
}

const verifyAtOnce = 50_000
const batchesAtOnce = 500

export function createUsage({
  db,
  clock,
  identity,
  chain,
  settings,
}: {
  db: Db<RedemptionTables>
  clock: Clock
  identity: Pick<Identity, 'usersByIds'>
  chain: UsageChain
  settings: Settings<typeof redemptionSettings>
}): Usage {
  /** Partitions of months before it may have been dropped. */
  function oldestMonth(): string | null {
    const months = settings.CARDS_USAGE_RETENTION_MONTHS
    if (months === 0) return null
    const now = new Date(clock.now())
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 7)
  }

  const verify = (batchId: string, from_seq = 1) =>
    db.transaction(
      tx => verifyChain(tx, batchId, { chain, oldestMonth: oldestMonth(), from_seq, limit: verifyAtOnce }),
      { isolation: 'repeatable read' },
    )

  async function verifyWhole(batchId: string) {
    let rows = 0
    const findings: Finding[] = []
    for (let next: number | null = 1; next !== null; ) {
      const result: Verification = await verify(batchId, next)
      rows += result.checked
      findings.push(...result.findings)
      next = result.next_seq
    }
    return { batch_id: batchId, rows, findings }
  }

  return {
    verify,
    async verifyAll({ batch_id, onBatch }) {
      const total = { batches: 0, rows: 0, findings: [] as Finding[] }
      const take = async (id: string) => {
        const result = await verifyWhole(id)
        total.batches++
        total.rows += result.rows
        total.findings.push(...result.findings)
        onBatch?.(result)
      }
      if (batch_id !== undefined) await take(batch_id)
      else for await (const id of batchesWithUses(db.primary)) await take(id)
      return total
    },
    async chains({ limit, cursor }) {
      const [after] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await listChains(db.primary, after, limit + 1)
      return pageFrom(rows, limit, row => [row.batch_id])
    },
    async list(actor, { limit, cursor, ...filter }) {
      const found = await db.read(actor.user_id, rows =>
        listUses(rows, { ...filter, cursor, limit: limit + 1 }),
      )
      const ids = found.flatMap(row => [row.user_id, row.acting_user_id]).filter(id => id !== null)
      const users = await identity.usersByIds([...new Set(ids)])
      const person = (id: string | null) => {
        const user = id === null ? undefined : users.get(id)
        return id === null ? null : { id, name: user?.display_name ?? '' }
      }
      const items = found.map(({ user_id, acting_user_id, batch_id, batch_name, ...row }) => ({
        ...row,
        batch: batch_name === null ? null : { id: batch_id, name: batch_name },
        user: person(user_id),
        acting_user: person(acting_user_id),
      }))
      return pageFrom(items, limit, row => [filter.batch_id === undefined ? row.id : row.seq])
    },
  }
}

/** Every batch that has a log or was redeemed from, and the place of unknown codes. */
async function* batchesWithUses(db: Kysely<RedemptionTables>): AsyncGenerator<string> {
  for (let after: string | null = null; ; ) {
    const { rows } = await sql<{ batch_id: string }>`
      SELECT id AS batch_id FROM (SELECT ${unknownBatch}::uuid AS id UNION SELECT id FROM cards_batch
        UNION SELECT batch_id FROM cards_usage_head) AS batch
      WHERE ${after}::uuid IS NULL OR id > ${after}::uuid
      ORDER BY id LIMIT ${batchesAtOnce}`.execute(db)
    for (const { batch_id } of rows) yield batch_id
    after = rows.at(-1)?.batch_id ?? null
    if (rows.length < batchesAtOnce) return
  }
}

async function listChains(
  db: Kysely<RedemptionTables>,
  after: string | null,
  limit: number,
): Promise<UsageChainView[]> {
  const rows = await db
    .selectFrom('cards_usage_head as head')
    .leftJoin('cards_batch as batch', 'batch.id', 'head.batch_id')
    .distinctOn('head.batch_id')
    .select(['head.batch_id', 'head.last_seq', 'head.hash', 'head.sealed_at', 'batch.name'])
    .$if(after !== null, query => query.where('head.batch_id', '>', after))
    .orderBy('head.batch_id')
    .orderBy('head.first_seq', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ name, hash, ...row }) => ({
    ...row,
    hash: hash.toString('hex'),
    batch: name === null ? null : { id: row.batch_id, name },
  }))
}

type UseRow = Omit<CardUse, 'batch' | 'user' | 'acting_user'> & {
  batch_id: string
  batch_name: string | null
  user_id: string | null
  acting_user_id: string | null
}

/** Within a batch by place in its chain, otherwise by id: both are orders of time. */
async function listUses(db: Kysely<RedemptionTables>, filter: UsageFilter): Promise<UseRow[]> {
  const { batch_id, user_id, action, cursor, limit } = filter
  const isOfBatch = batch_id !== undefined
  const [before] = decodeCursor(cursor, z.tuple([isOfBatch ? z.int() : z.uuid()])) ?? []
  return db
    .selectFrom('cards_usage as use')
    .leftJoin('cards_batch as batch', 'batch.id', 'use.batch_id')
    .leftJoin('cards_template_version as version', join =>
      join
        .onRef('version.template_id', '=', 'batch.template_id')
        .onRef('version.version', '=', 'batch.template_version'),
    )
    .leftJoin('cards_card as card', join =>
      join.onRef('card.batch_id', '=', 'use.batch_id').onRef('card.number', '=', 'use.number'),
    )
    .leftJoin('cards_redemption as redemption', 'redemption.id', 'use.redemption_id')
    .select([
      'use.id',
      'use.seq',
      'use.at',
      'use.action',
      'use.batch_id',
      'use.number',
      'use.cards',
      'use.redemption_id',
      'use.reason',
      'use.user_id',
      'use.acting_user_id',
      'use.ip',
      'use.region',
      'use.note',
      'batch.name as batch_name',
      'version.name as template_name',
      'card.last4',
      sql<boolean>`redemption.undone_at IS NOT NULL`.as('is_undone'),
    ])
    .$if(isOfBatch, query => query.where('use.batch_id', '=', batch_id ?? ''))
    .$if(user_id !== undefined, query => query.where('use.user_id', '=', user_id ?? ''))
    .$if(action !== undefined, query => query.where('use.action', '=', action ?? 'redeemed'))
    .$if(before !== undefined, query =>
      query.where(isOfBatch ? sql<SqlBool>`use.seq < ${before}` : sql<SqlBool>`use.id < ${before}`),
    )
    .orderBy(isOfBatch ? 'use.seq' : 'use.id', 'desc')
    .limit(limit)
    .execute()
}
