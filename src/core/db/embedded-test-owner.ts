/*
 * What embedded.test.ts kills: owns the data directory of its first argument and inserts rows, and writes one JSON
 * line when the server is ready and one for every row that was acknowledged.
 */
import pg from 'pg'
import { silentLog } from '#core/log.ts'
import { startEmbeddedPostgres } from './embedded.ts'

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`)

try {
  const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', log: silentLog })
  const client = new pg.Client({ connectionString: postgres.connection_string })
  await client.connect()
  await client.query('CREATE TABLE IF NOT EXISTS kept (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY)')
  say({ ready: postgres.connection_string })
  process.once('SIGTERM', async () => {
    await client.end()
    await postgres.stop()
    process.exit(0)
  })
  while (true) {
    const { rows } = await client.query<{ id: string }>('INSERT INTO kept DEFAULT VALUES RETURNING id')
    say({ acknowledged: Number(rows[0]?.id) })
  }
} catch (error) {
  say({ failed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) })
  process.exitCode = 1
}
