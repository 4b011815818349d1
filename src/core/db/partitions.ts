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
export async function makePartitions(
  db: Executor,
  table: string,
  now = new Date(),
  existing?: readonly string[],
): Promise<void> {
  const there = new Set(existing)
  for (let offset = 0; offset <= monthsAhead; offset++) {
    const from = monthStart(now, offset)
    const to = monthStart(now, offset + 1)
    const name = `${table}_${suffix(from)}`
    if (there.has(name)) continue
    await sql`
      CREATE TABLE IF NOT EXISTS ${sql.table(name)}
      PARTITION OF ${sql.table(table)}
      FOR VALUES FROM (${sql.lit(from.toISOString())}) TO (${sql.lit(to.toISOString())})`.execute(db)
  }
}

/** The partitions of tables, by table. */
async function listPartitions(db: Executor, tables: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ table: string; partitions: string[] }>`
    SELECT parent.relname AS "table", array_agg(child.relname::text ORDER BY child.relname) AS partitions
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
    WHERE inhparent = ANY(${tables}::text[]::regclass[]) GROUP BY 1`.execute(db)
  return new Map(rows.map(({ table, partitions }) => [table, partitions]))
}

/** Drops the partitions whose whole month is past the retention. Returns the names of the dropped. */
export async function dropOldPartitions(
  db: Executor,
  { table, retention_months }: MonthPartitioned,
  now = new Date(),
  existing?: readonly string[],
): Promise<string[]> {
  if (retention_months === null) return []
  const oldest = `${table}_${suffix(monthStart(now, -retention_months))}`
  const names = existing ?? (await listPartitions(db, [table])).get(table) ?? []
  const old = names.filter(name => /_p\d{6}$/.test(name) && name < oldest)
  for (const name of old) await sql`DROP TABLE ${sql.table(name)}`.execute(db)
  return old
}

/** What the daily job does for every month-partitioned table. */
export async function keepPartitions(
  db: Db,
  tables: readonly MonthPartitioned[],
  now = new Date(),
): Promise<void> {
  const partitions = await listPartitions(
    db.primary,
    tables.map(({ table }) => table),
  )
  for (const table of tables) {
    const existing = partitions.get(table.table) ?? []
    await makePartitions(db.primary, table.table, now, existing)
    await dropOldPartitions(db.primary, table, now, existing)
  }
}
