import { randomBytes } from 'node:crypto'
import { createCache } from '#core/cache/cache.ts'
import { type Clock, systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { silentLog } from '#core/log.ts'
import { createSecrets, type SecretKey } from '#core/security/secrets.ts'
import { createMetrics } from '#core/telemetry/metrics.ts'
import { createAi } from './ai.ts'
import { aiSettings } from './settings.ts'

/** A gateway on a test database, with these settings and no look-out for an Ollama on the machine. */
export function openTestAi(
  db: Db,
  env: Record<string, string> = {},
  { clock = systemClock, keys = [newSecretKey('test')] }: { clock?: Clock; keys?: readonly SecretKey[] } = {},
) {
  const source = { env: { OLLAMA_URL: 'off', ...env } }
  const config = loadConfig(aiSettings, source)
  const metrics = createMetrics()
  const cache = createCache({ log: silentLog, clock })
  const secrets = createSecrets(keys)
  const ai = createAi({ db, cache, secrets, settings: config.values, clock, log: silentLog, metrics })
  return {
    ai,
    metrics,
    /** Changes settings as an operator would, with SIGHUP. */
    change(changes: Record<string, string>) {
      Object.assign(source.env, changes)
      config.reload()
      ai.reload()
    },
    async stop() {
      await ai.stop()
      await cache.stop()
    },
  }
}

export const newSecretKey = (id: string): SecretKey => ({ id, key: randomBytes(32) })
