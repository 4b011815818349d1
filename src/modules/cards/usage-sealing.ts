import { type Kysely, type Selectable, sql } from 'kysely'
import { dayIn, defaultTimeZone } from '#core/clock.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { genesis, monthOf, newSalt, personDigest, type UsageChain } from './usage-chain.ts'

type Rows = Kysely<RedemptionTables>
export type PendingRow = Selectable<RedemptionTables['cards_usage_pending']>
type Head = Omit<Selectable<RedemptionTables['cards_usage_head']>, 'signature'>

/** Any fixed number: it names the lock under which the chains grow. */
const chainLock = 7_226_931

/** Nobody else takes pending uses or seals any until the transaction ends. */
export async function lockChains(tx: Rows): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(chainLock)})`.execute(tx)
}

/** Takes the oldest pending uses out of the waiting room. */
export async function takePending(tx: Rows, limit: number): Promise<PendingRow[]> {
  await lockChains(tx)
  const rows = await tx
    .deleteFrom('cards_usage_pending')
    .where('id', 'in', eb => eb.selectFrom('cards_usage_pending').select('id').orderBy('id').limit(limit))
    .returningAll()
    .execute()
  return rows.sort((one, two) => (one.id < two.id ? -1 : 1))
}

/** Adds uses to the chains of their batches, and signs where these end now. */
export async function seal(
  tx: Rows,
  uses: readonly PendingRow[],
  { chain, at }: { chain: UsageChain; at: string },
): Promise<Head[]> {
  const heads = await latestHeads(tx, [...new Set(uses.map(use => use.batch_id))])
  const grown = new Map<string, Head>()
  const rows = uses.map(use => {
    const month = monthOf(use.at)
    let head = heads.get(use.batch_id) ?? firstHead(use.batch_id, month)
    // A head stands for rows of one month, made with one key.
    if (head.month !== month || head.key_id !== chain.key_id) head = nextHead(head, month)
    const seq = head.last_seq + 1
    const { user_id, acting_user_id, ip, region, note, ...facts } = use
    const person = { user_id, acting_user_id, ip, region, note }
    const salt = newSalt()
    const person_digest = personDigest(salt, person)
    const hash = chain.hashOf(chain.key_id, head.hash, { ...facts, seq, person_digest })
    head = { ...head, last_seq: seq, hash, key_id: chain.key_id, sealed_at: at }
    heads.set(use.batch_id, head)
    grown.set(`${head.batch_id} ${head.first_seq}`, head)
    return { ...facts, ...person, seq, person_digest: hex(person_digest), hash: hex(hash), salt: hex(salt) }
  })
  await sql`
    INSERT INTO cards_usage SELECT * FROM jsonb_populate_recordset(NULL::cards_usage, ${JSON.stringify(rows)}::jsonb)`.execute(
    tx,
  )
  await saveHeads(tx, [...grown.values()], chain)
  return [...grown.values()]
}

/** Adds uses to the statistics, by batch, day and region. */
export async function count(tx: Rows, uses: readonly PendingRow[]): Promise<void> {
  const sums = new Map<string, Record<string, string | number>>()
  for (const { batch_id, at, region, action, cards } of uses) {
    const day = dayIn(defaultTimeZone, Date.parse(at))
    const key = JSON.stringify([batch_id, day, region ?? ''])
    const sum = sums.get(key) ?? { batch_id, day, region: region ?? '' }
    sum[action] = Number(sum[action] ?? 0) + cards
    sums.set(key, sum)
  }
  await sql`
    INSERT INTO cards_statistic AS held (batch_id, day, region, redeemed, undone, refused, expired)
    SELECT batch_id, day, region, coalesce(redeemed, 0), coalesce(undone, 0), coalesce(refused, 0),
      coalesce(expired, 0)
    FROM jsonb_populate_recordset(NULL::cards_statistic, ${JSON.stringify([...sums.values()])}::jsonb)
    ORDER BY batch_id, day, region
    ON CONFLICT (batch_id, day, region) DO UPDATE SET
      redeemed = held.redeemed + excluded.redeemed, undone = held.undone + excluded.undone,
      refused = held.refused + excluded.refused, expired = held.expired + excluded.expired`.execute(tx)
}

async function latestHeads(tx: Rows, batchIds: readonly string[]): Promise<Map<string, Head>> {
  const rows = await tx
    .selectFrom('cards_usage_head')
    .selectAll()
    .distinctOn('batch_id')
    .where(sql<boolean>`batch_id = ANY (${batchIds}::uuid[])`)
    .orderBy('batch_id')
    .orderBy('first_seq', 'desc')
    .execute()
  return new Map(rows.map(row => [row.batch_id, row]))
}

async function saveHeads(tx: Rows, heads: readonly Head[], chain: UsageChain): Promise<void> {
  const rows = heads.map(head => ({
    ...head,
    previous_hash: hex(head.previous_hash),
    hash: hex(head.hash),
    signature: hex(chain.signatureOf(head.key_id, head)),
  }))
  await sql`
    INSERT INTO cards_usage_head
    SELECT * FROM jsonb_populate_recordset(NULL::cards_usage_head, ${JSON.stringify(rows)}::jsonb)
    ON CONFLICT (batch_id, first_seq) DO UPDATE SET last_seq = excluded.last_seq, hash = excluded.hash,
      key_id = excluded.key_id, signature = excluded.signature, sealed_at = excluded.sealed_at`.execute(tx)
}

const firstHead = (batch_id: string, month: string): Head => {
  const start = genesis(batch_id)
  return {
    batch_id,
    first_seq: 1,
    last_seq: 0,
    month,
    previous_hash: start,
    hash: start,
    key_id: '',
    sealed_at: '',
  }
}

const nextHead = ({ batch_id, last_seq, hash }: Head, month: string): Head => ({
  ...firstHead(batch_id, month),
  first_seq: last_seq + 1,
  last_seq,
  previous_hash: hash,
  hash,
})

/** As PostgreSQL reads bytes. */
const hex = (bytes: Buffer): string => `\\x${bytes.toString('hex')}`
