import pg from 'pg'
import { expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { databaseUrl, type TestDatabase } from './database.ts'

const server = process.env.DATABASE_URL || 'postgres://postgres@127.0.0.1:5432/postgres'

/**
 * Whether the PostgreSQL for `*.services.test.ts` answers. When it does not, a test of that name says that this part
 * was left out; with `REQUIRE_SERVICES=1` that test fails.
 */
export async function postgresIsThere(): Promise<boolean> {
  try {
    await query('SELECT 1')
    return true
  } catch {
    test('left out: no PostgreSQL answers at DATABASE_URL or 127.0.0.1:5432', () => {
      expect(process.env.REQUIRE_SERVICES).not.toBe('1')
    })
    return false
  }
}

/** An empty database on that server, made from scratch: not even the collation is the embedded server's. */
export async function createExternalDatabase(): Promise<TestDatabase> {
  const name = `banyan_test_${newId().replaceAll('-', '')}`
  await query(`CREATE DATABASE ${name}`)
  return {
    url: databaseUrl(server, name),
    drop: () => query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

async function query(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server, connectionTimeoutMillis: 3000 })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
