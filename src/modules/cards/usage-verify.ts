import { type Kysely, type Selectable, type SqlBool, sql } from 'kysely'
import type { RedemptionTables } from './redemption-tables.ts'
import { genesis, personDigest, sameBytes, UnknownKey, type UsageChain } from './usage-chain.ts'

type Rows = Kysely<RedemptionTables>
type Head = Selectable<RedemptionTables['cards_usage_head']>
type UsageRow = Selectable<RedemptionTables['cards_usage']>

/**
 * - `head_changed`: the signature of a stretch does not fit; `head_missing`: the stretch has none, or does not follow
 *   from the one before; `key_missing`: it was made with a key that the server no longer has.
 * - `row_changed`, `person_changed` (its personal part), `row_missing`, `row_added`.
 * - `row_unproven`: the row after a gap, since its hash covers the one that is gone.
 * - `cut_off`: the last rows are missing; `chain_missing`: all of them, though cards of the batch were redeemed.
 */
export const findingKinds = [
  'row_changed',
  'row_missing',
  'row_added',
  'row_unproven',
  'person_changed',
  'cut_off',
  'head_changed',
  'head_missing',
  'key_missing',
  'chain_missing',
] as const

/** Something wrong with the log: rows `first_seq` to `last_seq` of a batch. `id` where the row is there. */
export type Finding = {
  kind: (typeof findingKinds)[number]
  batch_id: string
  first_seq: number
  last_seq: number
  id: string | null
}

export type Verification = {
  batch_id: string
  /** How many rows were looked at now. */
  checked: number
  findings: Finding[]
  last_seq: number
  /** Where to go on; null at the end. */
  next_seq: number | null
}

const page = 1000
const mostFindings = 100

type Context = {
  tx: Rows
  chain: UsageChain
  /** Months before this one, `2026-11`, have been dropped; null: none. */
  oldestMonth: string | null
  found: Verification
  limit: number
}

/**
 * Checks the log of one batch from the row `from_seq` on, at most `limit` rows (to the next thousand), and stops after
 * 100 findings. The transaction must be a snapshot (repeatable read).
 */
export async function verifyChain(
  tx: Rows,
  batchId: string,
  options: { chain: UsageChain; oldestMonth: string | null; from_seq: number; limit: number },
): Promise<Verification> {
  const heads = await tx
    .selectFrom('cards_usage_head')
    .selectAll()
    .where('batch_id', '=', batchId)
    .orderBy('first_seq')
    .execute()
  const last_seq = heads.at(-1)?.last_seq ?? 0
  const found: Verification = { batch_id: batchId, checked: 0, findings: [], last_seq, next_seq: null }
  const context: Context = { tx, found, ...options }
  let before = { last_seq: 0, hash: genesis(batchId) }
  for (const head of heads) {
    if (head.last_seq >= options.from_seq) {
      checkHead(context, head, before)
      const from = Math.max(head.first_seq, options.from_seq)
      found.next_seq = await checkRows(context, head, from, head === heads.at(-1))
      if (found.next_seq !== null) return found
    }
    before = head
  }
  await findAdded(context, last_seq)
  if (heads.length === 0 && (await wasRedeemed(tx, batchId))) report(context, 'chain_missing', 1, 1)
  return found
}

function report({ found }: Context, kind: Finding['kind'], first: number, last: number, id?: string) {
  found.findings.push({ kind, batch_id: found.batch_id, first_seq: first, last_seq: last, id: id ?? null })
}

function checkHead(context: Context, head: Head, before: { last_seq: number; hash: Buffer }) {
  const { first_seq, last_seq } = head
  try {
    if (!sameBytes(context.chain.signatureOf(head.key_id, head), head.signature))
      report(context, 'head_changed', first_seq, last_seq)
    else if (first_seq !== before.last_seq + 1)
      report(context, 'head_missing', before.last_seq + 1, first_seq - 1)
    else if (!sameBytes(head.previous_hash, before.hash)) report(context, 'head_missing', first_seq, last_seq)
  } catch (error) {
    if (!(error instanceof UnknownKey)) throw error
    report(context, 'key_missing', first_seq, last_seq)
  }
}

/** Walks the rows of a stretch. Returns where to go on when the limit is reached, and null at its end. */
async function checkRows(
  context: Context,
  head: Head,
  from: number,
  isLast: boolean,
): Promise<number | null> {
  const { tx, found } = context
  if (context.oldestMonth !== null && head.month < context.oldestMonth) return null
  const isStart = from === head.first_seq
  // Where an earlier call left off, its last row is read again for its hash.
  let expected = isStart ? from : from - 1
  let previous: Buffer | null = isStart ? head.previous_hash : null
  let after = { seq: expected, at: '-infinity' }
  for (;;) {
    const rows = await rowsAfter(tx, head, after)
    for (const row of rows) {
      after = row
      if (row.seq < expected) {
        report(context, 'row_added', row.seq, row.seq, row.id)
        continue
      }
      if (row.seq > expected) {
        report(context, 'row_missing', expected, row.seq - 1)
        previous = null
      }
      if (row.seq >= from) checkRow(context, head.key_id, previous, row)
      previous = row.hash
      expected = row.seq + 1
    }
    found.checked += rows.length
    if (rows.length < page) break
    if (found.checked >= context.limit || found.findings.length >= mostFindings) return expected
  }
  if (expected <= head.last_seq) report(context, isLast ? 'cut_off' : 'row_missing', expected, head.last_seq)
  else if (previous && !sameBytes(previous, head.hash))
    report(context, 'head_changed', head.first_seq, head.last_seq)
  return null
}

function checkRow(context: Context, keyId: string, previous: Buffer | null, row: UsageRow) {
  const { seq, id } = row
  if (previous === null) report(context, 'row_unproven', seq, seq, id)
  else if (!isProven(context.chain, keyId, previous, row)) report(context, 'row_changed', seq, seq, id)
  const isBlank = [row.user_id, row.acting_user_id, row.ip, row.region, row.note].every(part => part === null)
  const isTrue = row.salt === null ? isBlank : sameBytes(personDigest(row.salt, row), row.person_digest)
  if (!isTrue) report(context, 'person_changed', seq, seq, id)
}

function isProven(chain: UsageChain, keyId: string, previous: Buffer, row: UsageRow): boolean {
  try {
    return sameBytes(chain.hashOf(keyId, previous, row), row.hash)
  } catch (error) {
    // Said of the whole stretch already.
    if (error instanceof UnknownKey) return true
    throw error
  }
}

/** In the order of `seq`; of two rows with the same one, the older first. */
const rowsAfter = (
  tx: Rows,
  { batch_id, last_seq }: Head,
  after: { seq: number; at: string },
): Promise<UsageRow[]> =>
  tx
    .selectFrom('cards_usage')
    .selectAll()
    .where('batch_id', '=', batch_id)
    .where(sql<SqlBool>`(seq, at) > (${after.seq}, ${after.at}::timestamptz)`)
    .where('seq', '<=', last_seq)
    .orderBy('seq')
    .orderBy('at')
    .limit(page)
    .execute()

/** Rows that no head stands for were not written by us: those are added together with their head. */
async function findAdded(context: Context, lastSeq: number) {
  const rows = await context.tx
    .selectFrom('cards_usage')
    .select(['seq', 'id'])
    .where('batch_id', '=', context.found.batch_id)
    .where(eb => eb.or([eb('seq', '>', lastSeq), eb('seq', '<', 1)]))
    .orderBy('seq')
    .limit(mostFindings)
    .execute()
  for (const { seq, id } of rows) report(context, 'row_added', seq, seq, id)
}

async function wasRedeemed(tx: Rows, batchId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM cards_redemption r WHERE r.batch_id = ${batchId} AND NOT EXISTS (
      SELECT FROM cards_usage_pending p WHERE p.batch_id = r.batch_id) LIMIT 1`.execute(tx)
  return rows.length > 0
}
