import { type Kysely, sql } from 'kysely'
import { StartError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import type { Db } from './db.ts'

/** One step forward of a module's schema. Steps are never changed once released, only followed by others. */
export type Migration = {
  /** `0001_name`: the steps of a module run in this order. */
  name: string
  up(db: Kysely<unknown>): Promise<void>
}

export type MigrationSet = { module: string; migrations: readonly Migration[] }

/** Any fixed number: it names the lock that keeps two processes from migrating at once. */
const lockId = 7_226_926

/**
 * Brings the schema up to date, each step in a transaction of its own, under an advisory lock, so that processes
 * which start together wait for the first. Returns the names of the steps that ran.
 * @throws {Error} when the database was made by a newer version of Banyan.
 */
export async function migrate(db: Db, sets: readonly MigrationSet[], log: Log): Promise<string[]> {
  const lock = await db.pool.connect()
  try {
    await lock.query('SET statement_timeout = 0')
    await lock.query('SELECT pg_advisory_lock($1)', [lockId])
    return await runMissing(db, sets, log)
  } finally {
    await lock.query('SELECT pg_advisory_unlock($1)', [lockId]).catch(() => undefined)
    lock.release(true)
  }
}

async function runMissing(db: Db, sets: readonly MigrationSet[], log: Log): Promise<string[]> {
  await sql`
    CREATE TABLE IF NOT EXISTS core_migration (
      module text NOT NULL,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (module, name)
    )`.execute(db.primary)
  const { rows } = await sql<{
    module: string
    name: string
  }>`SELECT module, name FROM core_migration`.execute(db.primary)
  const applied = new Set(rows.map(row => `${row.module}/${row.name}`))
  refuseNewerDatabase(applied, sets)
  const ran: string[] = []
  for (const { module, migrations } of sets) {
    for (const migration of [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const id = `${module}/${migration.name}`
      if (applied.has(id)) continue
      await db.primary.transaction().execute(async tx => {
        await sql`SET LOCAL statement_timeout = 0`.execute(tx)
        await migration.up(tx)
        await sql`INSERT INTO core_migration (module, name) VALUES (${module}, ${migration.name})`.execute(tx)
      })
      log.info({ migration: id }, 'migrated')
      ran.push(id)
    }
  }
  return ran
}

function refuseNewerDatabase(applied: ReadonlySet<string>, sets: readonly MigrationSet[]) {
  const modules = new Set(sets.map(set => set.module))
  const known = new Set(
    sets.flatMap(set => set.migrations.map(migration => `${set.module}/${migration.name}`)),
  )
  const unknown = [...applied].filter(id => modules.has(id.split('/')[0] ?? '') && !known.has(id))
  if (unknown.length === 0) return
  throw new StartError(
    `This database was migrated by a newer version of Banyan (${unknown.join(', ')}). Start that version, or restore an older backup.`,
  )
}
