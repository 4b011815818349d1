import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp } from '#modules/identity/testing.ts'
import { createActivations } from './activation.ts'
import { createClaimGuard } from './claim-guard.ts'
import { createCommands } from './commands.ts'
import { createImports } from './imports.ts'
import { createLive } from './live.ts'
import { sweepJob } from './sweeping.ts'
import type { DevicesTables } from './tables.ts'
import { claimedDevice, newDevice, startUp } from './testing.ts'

let app: TestApp
beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())

const rows = () => app.core.db.withTables<DevicesTables>().primary

test('what has run out is swept away, and nothing else', async () => {
  const user = await signUp(app)
  const [old, fresh, bound] = [newDevice(), newDevice(), await claimedDevice(app, user)]
  await Promise.all([startUp(app, old), startUp(app, fresh)])
  await sql`UPDATE devices_device SET last_seen_at = now() - interval '20 days'
            WHERE mac IN (${old.mac}, ${bound.mac})`.execute(rows())
  await sql`UPDATE devices_activation SET expires_at = now() - interval '2 days'
            WHERE device_id IN (SELECT id FROM devices_device WHERE mac = ${bound.mac})`.execute(rows())
  const settings = {
    DEVICES_COMMAND_DAYS: 30,
    DEVICES_HISTORY_DAYS: 730,
    DEVICES_UNKNOWN_DAYS: 14,
  } as Parameters<typeof sweepJob>[0]['settings']
  const imports = createImports(app.core)
  const keyOf = (state: string) => `devices/imports/${state}`
  const { id: type_id } = await rows().selectFrom('devices_type').select('id').executeTakeFirstOrThrow()
  const batch_id = newId()
  await sql`INSERT INTO devices_batch (id, type_id, name) VALUES (${batch_id}, ${type_id}, 'x')`.execute(
    rows(),
  )
  // One whose process died after the last line, but before its file was removed, is no lost one.
  for (const state of ['running', 'done']) {
    await app.core.storage.put(keyOf(state), Buffer.from('mac'), { media_type: 'text/csv' })
    await sql`INSERT INTO devices_import (id, batch_id, file_name, size, storage_key, state, created_at)
              VALUES (${newId()}, ${batch_id}, 'x', 3, ${keyOf(state)}, ${state}, now() - interval '3 days')`.execute(
      rows(),
    )
  }
  const live = createLive({ ...app.core, log: app.core.log })
  const sweep = sweepJob({
    ...app.core,
    settings,
    activations: createActivations(app.core),
    guard: createClaimGuard(app.core),
    commands: createCommands({ ...app.core, live }),
    sharing: { removeLapsed: async () => 0 },
    imports,
  })
  const signal = AbortSignal.timeout(60_000)
  await sweep.run({}, { job_id: '', attempt: 1, signal, log: app.core.log, progress: async () => {} })
  const left = await rows().selectFrom('devices_device').select('mac').execute()
  const macs = left.map(({ mac }) => mac)
  expect(macs).not.toContain(old.mac)
  expect(macs).toEqual(expect.arrayContaining([fresh.mac, bound.mac]))
  const { rows: lapsed } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM devices_activation WHERE expires_at < now() - interval '1 day'`.execute(rows())
  expect(lapsed[0]?.n).toBe(0)
  const ended = await sql`
    SELECT state, error_code, storage_key FROM devices_import ORDER BY id`.execute(rows())
  expect(ended.rows).toEqual([
    { state: 'failed', error_code: 'device_import.lost', storage_key: null },
    { state: 'done', error_code: null, storage_key: null },
  ])
  for (const state of ['running', 'done']) expect(await app.core.storage.get(keyOf(state))).toBeNull()
})
