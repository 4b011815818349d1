import { createHash } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { coreMigrations } from '#core/db/core-migrations.ts'
import { createDb, type Db } from '#core/db/db.ts'
import { type MigrationSet, migrate } from '#core/db/migrate.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'

export type TestDatabase = { url: string; drop(): Promise<void> }

/**
 * A database of its own, cloned from a template that holds the given schema (the core's by default). The template
 * is made once per run and schema, whichever test file comes first.
 */
export async function createTestDatabase(
  sets: readonly MigrationSet[] = [coreMigrations],
): Promise<TestDatabase> {
  const server = inject('databaseServer')
  const names = JSON.stringify(sets.map(set => [set.module, set.migrations.map(migration => migration.name)]))
  const template = `template_${createHash('sha1').update(names).digest('hex').slice(0, 12)}_${process.ppid}`
  const name = `test_${newId().replaceAll('-', '')}`
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  try {
    // CREATE DATABASE … TEMPLATE fails while another session is connected to the template: one at a time.
    await admin.query('SELECT pg_advisory_lock(1)')
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
    if (!rowCount) await makeTemplate(admin, server, template, sets)
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  } finally {
    await admin.end()
  }
  return { url: databaseUrl(server, name), drop: () => dropDatabase(server, name) }
}

/** Pools on a fresh test database, for tests below the HTTP door. */
export async function createTestDb(
  sets?: readonly MigrationSet[],
): Promise<{ db: Db; url: string; drop(): Promise<void> }> {
  const database = await createTestDatabase(sets)
  const db = openDb(database.url)
  return {
    db,
    url: database.url,
    async drop() {
      await db.stop()
      await database.drop()
    },
  }
}

const openDb = (connection_string: string): Db =>
  createDb({
    connection_string,
    pool_size: 10,
    statement_timeout_ms: 30_000,
    slow_query_ms: 0,
    log: silentLog,
  })

async function makeTemplate(
  admin: pg.Client,
  server: string,
  template: string,
  sets: readonly MigrationSet[],
) {
  const building = `${template}_building`
  await admin.query(`DROP DATABASE IF EXISTS ${building}`)
  await admin.query(`CREATE DATABASE ${building}`)
  const db = openDb(databaseUrl(server, building))
  try {
    await migrate(db, sets, silentLog)
  } finally {
    await db.stop()
  }
  await admin.query(`ALTER DATABASE ${building} RENAME TO ${template}`)
}

async function dropDatabase(server: string, name: string) {
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  await admin.end()
}

/** The same server, another database: works for URLs and for `socket:` style strings alike. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
