import { sql } from 'kysely'
import type { Db, Executor } from './db.ts'

/** A log-like table that is partitioned by the month of one of its columns. */
export type MonthPartitioned = {
  table: string
  /** Months that are kept besides the running one; null keeps all. */
  retention_months: number | null
}

const monthsAhead = 2

/** First day of the month that lies `offset` months from the one of `at`, in UTC. */
function monthStart(at: Date, offset: number): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + offset, 1))
}

const suffix = (month: Date): string =>
  `p${month.getUTCFullYear()}${String(month.getUTCMonth() + 1).padStart(2, '0')}`

/**
 * Makes the partitions of the running month and of those ahead, where they are missing. Called by the migration
 * that creates the (range-partitioned) table and daily by a job.
 */
export async function makePartitions(db: Executor, table: string, now = new Date()): Promise<void> {
  for (let offset = 0; offset <= monthsAhead; offset++) {
    const from = monthStart(now, offset)
    const to = monthStart(now, offset + 1)
    await sql`
      CREATE TABLE IF NOT EXISTS ${sql.table(`${table}_${suffix(from)}`)}
      PARTITION OF ${sql.table(table)}
      FOR VALUES FROM (${sql.lit(from.toISOString())}) TO (${sql.lit(to.toISOString())})`.execute(db)
  }
}

/** Drops the partitions whose whole month is past the retention. Returns the names of the dropped. */
export async function dropOldPartitions(
  db: Executor,
  { table, retention_months }: MonthPartitioned,
  now = new Date(),
): Promise<string[]> {
  if (retention_months === null) return []
  const oldest = `${table}_${suffix(monthStart(now, -retention_months))}`
  const { rows } = await sql<{ name: string }>`
    SELECT child.relname AS name FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = ${table}::regclass ORDER BY child.relname`.execute(db)
  const old = rows.map(row => row.name).filter(name => /_p\d{6}$/.test(name) && name < oldest)
  for (const name of old) await sql`DROP TABLE ${sql.table(name)}`.execute(db)
  return old
}

/** What the daily job does for every month-partitioned table. */
export async function keepPartitions(
  db: Db,
  tables: readonly MonthPartitioned[],
  now = new Date(),
): Promise<void> {
  for (const table of tables) {
    await makePartitions(db.primary, table.table, now)
    await dropOldPartitions(db.primary, table, now)
  }
}
