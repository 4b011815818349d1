import type { Ai } from '#core/ai/ai.ts'
import type { aiSettings } from '#core/ai/settings.ts'
import type { Cache } from '#core/cache/cache.ts'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import type { RateLimiter } from '#core/http/rate-limit.ts'
import type { Jobs } from '#core/jobs/jobs.ts'
import type { Log } from '#core/log.ts'
import type { Mail } from '#core/mail.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Keys } from '#core/security/key-file.ts'
import type { Passwords } from '#core/security/passwords.ts'
import type { SafeFetch } from '#core/security/safe-fetch.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Tokens } from '#core/security/tokens.ts'
import type { coreSettings } from '#core/settings.ts'
import type { speechSettings } from '#core/speech/settings.ts'
import type { Speech } from '#core/speech/speech.ts'
import type { Storage } from '#core/storage/storage.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'

/** The trunk: everything that a module may lean on. Made once by `app.ts`, passed as an argument. */
export type Core = {
  settings: Settings<typeof coreSettings & typeof aiSettings & typeof speechSettings>
  log: Log
  clock: Clock
  db: Db
  cache: Cache
  events: Events
  jobs: Jobs
  realtime: Realtime
  rateLimiter: RateLimiter
  ai: Ai
  speech: Speech
  storage: Storage
  mail: Mail
  passwords: Passwords
  tokens: Tokens
  secrets: Secrets
  keys: Keys
  safeFetch: SafeFetch
  metrics: Metrics
}
