import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { silentLog } from '#core/log.ts'

declare module 'vitest' {
  interface ProvidedContext {
    databaseServer: string
  }
}

/** One embedded PostgreSQL for the whole run; `TEST_DATABASE_URL` names another server to use instead. */
export default async function setup(project: TestProject) {
  const given = process.env.TEST_DATABASE_URL
  if (given) {
    project.provide('databaseServer', given)
    return
  }
  const { startEmbeddedPostgres } = await import('#core/db/embedded.ts')
  const dataDir = mkdtempSync(join(tmpdir(), 'banyan-test-'))
  // As root, the server runs as another user, who must be able to enter.
  chmodSync(dataDir, 0o711)
  const postgres = await startEmbeddedPostgres({
    dataDir: join(dataDir, 'data'),
    log: silentLog,
    durable: false,
  })
  project.provide('databaseServer', postgres.connection_string)
  return async () => {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
