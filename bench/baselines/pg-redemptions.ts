/**
 * Redemption as one would write it with nothing but `pg`: a conditional update of the card and a row in a ledger, in a
 * transaction, by prepared statements over a pool. `oneStatement` does both in a single statement without BEGIN and
 * COMMIT, which saves three round trips.
 */
import { createHash, randomUUIDv7 } from 'node:crypto'
import pg from 'pg'

const update = `UPDATE bench_card SET state = 'redeemed', redeemed_by = $2, redeemed_at = now()
  WHERE code_hash = $1 AND state = 'issued' RETURNING batch_id, number`
const insert = `INSERT INTO bench_ledger (id, batch_id, number, user_id, redeemed_at) VALUES ($1, $2, $3, $4, now())`
const both = `WITH card AS (${update})
  INSERT INTO bench_ledger (id, batch_id, number, user_id, redeemed_at)
  SELECT $3, batch_id, number, $2, now() FROM card RETURNING number`

export type BareRedemptions = {
  /** Redemptions a second over so many callers. */
  run(way: 'transaction' | 'oneStatement', callers: number, seconds: number): Promise<number>
  stop(): Promise<void>
}

export async function bareRedemptions(
  connectionString: string,
  { pool_size, cards }: { pool_size: number; cards: number },
): Promise<BareRedemptions> {
  const pool = new pg.Pool({ connectionString, max: pool_size })
  const user = randomUUIDv7()
  await pool.query(`
    CREATE TABLE bench_card (
      batch_id uuid NOT NULL, number int NOT NULL, code_hash bytea NOT NULL, last4 text NOT NULL,
      state text NOT NULL DEFAULT 'issued', redeemed_by uuid, redeemed_at timestamptz,
      PRIMARY KEY (batch_id, number)
    ) WITH (fillfactor = 85);
    CREATE UNIQUE INDEX ON bench_card (code_hash);
    CREATE TABLE bench_ledger (
      id uuid PRIMARY KEY, batch_id uuid NOT NULL, number int NOT NULL, user_id uuid NOT NULL,
      redeemed_at timestamptz NOT NULL
    )`)
  await pool.query(
    `INSERT INTO bench_card (batch_id, number, code_hash, last4)
     SELECT '01900000-0000-7000-8000-000000000000', n, substr(sha256(n::text::bytea), 1, 16), 'ABCD'
     FROM generate_series(1, ${cards}) n`,
  )
  await pool.query('VACUUM ANALYZE bench_card')
  const hashOf = (number: number) => createHash('sha256').update(String(number)).digest().subarray(0, 16)
  let next = 1

  async function transaction(number: number) {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const { rows } = await client.query({ name: 'update', text: update, values: [hashOf(number), user] })
      const { batch_id, number: found } = rows[0]
      await client.query({ name: 'insert', text: insert, values: [randomUUIDv7(), batch_id, found, user] })
      await client.query('COMMIT')
    } finally {
      client.release()
    }
  }
  async function oneStatement(number: number) {
    const values = [hashOf(number), user, randomUUIDv7()]
    const { rows } = await pool.query({ name: 'both', text: both, values })
    if (rows.length !== 1) throw new Error(`Card ${number} was not redeemed`)
  }

  return {
    async run(way, callers, seconds) {
      const redeem = way === 'transaction' ? transaction : oneStatement
      const started = performance.now()
      const end = started + seconds * 1000
      let done = 0
      await Promise.all(
        Array.from({ length: callers }, async () => {
          while (performance.now() < end) {
            await redeem(next++)
            done++
          }
        }),
      )
      return done / ((performance.now() - started) / 1000)
    },
    stop: () => pool.end(),
  }
}
