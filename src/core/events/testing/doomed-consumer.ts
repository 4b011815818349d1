import { sql } from 'kysely'
import { createDb } from '#core/db/db.ts'
import { silentLog } from '#core/log.ts'
import { takeDeliveries } from '../store.ts'

/*
 * A process of its own that takes a delivery, has half an effect, says so, and then hangs until it is killed:
 * `node doomed-consumer.ts DATABASE_URL CONSUMER NOTE`.
 */
const [url = '', consumer = '', note = ''] = process.argv.slice(2)

const db = createDb({
  connection_string: url,
  pool_size: 1,
  statement_timeout_ms: 30_000,
  slow_query_ms: 0,
  log: silentLog,
})
await db.transaction(async tx => {
  await takeDeliveries(tx, [{ name: consumer, most: 1 }])
  await sql`INSERT INTO test_effect (note) VALUES (${note})`.execute(tx)
  process.stdout.write('taken\n')
  await new Promise(() => setInterval(() => undefined, 1000))
})
