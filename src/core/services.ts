import { join, resolve } from 'node:path'
import { createAi } from './ai/ai.ts'
import { aiSettings } from './ai/settings.ts'
import { createCache } from './cache/cache.ts'
import { systemClock } from './clock.ts'
import type { Config, SettingsSpec } from './config.ts'
import type { Core } from './core.ts'
import { coreMigrations } from './db/core-migrations.ts'
import { defaultDataDir } from './db/embedded.ts'
import { migrate } from './db/migrate.ts'
import { openDatabase } from './db/open-database.ts'
import { createEvents, type EventsService } from './events/events.ts'
import { createIdempotency, type Idempotency } from './http/idempotency.ts'
import { createRateLimiter, type RateLimiter } from './http/rate-limit.ts'
import { createJobs, type JobsService } from './jobs/jobs.ts'
import type { Log } from './log.ts'
import { createMail, type MailService } from './mail.ts'
import type { ModuleDefinition } from './module.ts'
import { createMemoryBackend } from './realtime/memory-backend.ts'
import { createRealtime } from './realtime/realtime.ts'
import { createRedisBackend } from './realtime/redis-backend.ts'
import type { RedisLink } from './redis.ts'
import { openKeys } from './security/key-file.ts'
import { createPasswords } from './security/passwords.ts'
import { createSafeFetch } from './security/safe-fetch.ts'
import { createSecrets } from './security/secrets.ts'
import { createTokens } from './security/tokens.ts'
import { coreSettings } from './settings.ts'
import { speechSettings } from './speech/settings.ts'
import { createSpeech } from './speech/speech.ts'
import { createLocalDisk } from './storage/local-disk.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { createTracing } from './telemetry/tracing.ts'

export type CoreConfig = Config<typeof coreSettings & typeof aiSettings & typeof speechSettings>

/** The core, and what only the app itself needs of it. */
export type Services = {
  core: Core
  jobs: JobsService
  events: EventsService
  mail: MailService
  rateLimiter: RateLimiter
  idempotency: Idempotency
  redis: RedisLink | undefined
  stop(): Promise<void>
}

/** Settings of the core, the gateway, speech and all modules in one object; a name that two of them use is a mistake. */
export function allSettings(modules: readonly ModuleDefinition[]): SettingsSpec {
  const all: SettingsSpec = { ...coreSettings, ...aiSettings, ...speechSettings }
  for (const module of modules) {
    for (const [name, setting] of Object.entries(module.settings)) {
      if (name in all) throw new Error(`The setting ${name} of “${module.name}” exists already`)
      all[name] = setting
    }
  }
  return all
}

/** What was opened, in order; it is closed in reverse. */
type Opened = <T>(part: T, close: (part: T) => Promise<unknown> | undefined) => T

/**
 * Opens everything that the modules lean on, the database first, and migrates. What was opened is closed again when
 * a later part fails, so that a failed start leaves no server behind.
 */
export async function createServices(options: {
  config: CoreConfig
  modules: readonly ModuleDefinition[]
  root: string
  log: Log
  /** False for commands that only look: they join the database of a running server. */
  serving?: boolean
}): Promise<Services> {
  const closers: (() => Promise<unknown> | undefined)[] = []
  const opened: Opened = (part, close) => {
    closers.push(() => close(part))
    return part
  }
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    return { ...(await openServices(options, opened)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openServices(
  { config, modules, root, log, serving = true }: Parameters<typeof createServices>[0],
  opened: Opened,
): Promise<Omit<Services, 'stop'>> {
  const settings = config.values
  const clock = systemClock
  const metrics = createMetrics({ process: true })
  opened(await createTracing(settings.OTEL_EXPORTER_OTLP_ENDPOINT), part => part.stop())
  const dataDir =
    settings.DATA_DIR === 'data' ? defaultDataDir(join(root, 'data'), log) : resolve(root, settings.DATA_DIR)
  // Loaded only where it is used, like the SDK of the traces: a start without it is the faster.
  const redis = settings.REDIS_URL
    ? opened((await import('./redis.ts')).connectRedis(settings.REDIS_URL, log), part => part.stop())
    : undefined
  const { db } = opened(await openDatabase({ settings, dataDir, log, metrics, redis, serving }), part =>
    part.stop(),
  )
  const keys = openKeys({ settings, dataDir })
  const secrets = createSecrets(keys.encryption)
  await redis?.ready(3000)

  const backend = redis ? createRedisBackend({ redis, clock, log }) : createMemoryBackend({ clock })
  const realtime = opened(createRealtime({ backend, log, clock, metrics }), part => part.stop())
  const cache = opened(createCache({ redis, log, clock, metrics }), part => part.stop())
  const jobs = createJobs({ db, log, clock, realtime, metrics, settings })
  await migrate(
    db,
    [coreMigrations, ...modules.map(module => ({ module: module.name, migrations: module.migrations }))],
    log,
  )
  await jobs.migrate()

  // Half as many as jobs: all that runs in the background together leaves connections of the pool to what they ask for
  // beside their own transactions, and to everybody else.
  const concurrency = Math.max(1, Math.floor(settings.JOBS_CONCURRENCY / 2))
  const events = createEvents({ db, jobs, clock, log, metrics, concurrency })
  const safeFetch = createSafeFetch({ allow: () => settings.OUTBOUND_ALLOW })
  const mail = createMail({ db, jobs, settings })
  const ai = opened(createAi({ db, cache, secrets, settings, log, clock, metrics }), part => part.stop())
  const speech = opened(createSpeech({ settings, log, clock, metrics }), async part => part.stop())
  const idempotency = opened(createIdempotency({ db, log, secrets }), part => part.stop())
  // First to be closed: running jobs may still use all of the above.
  opened(jobs, part => part.stop())
  opened(events, part => part.stop())
  const rateLimiter = createRateLimiter({ redis, clock })
  const core: Core = {
    settings,
    log,
    clock,
    db,
    cache,
    events,
    jobs,
    realtime,
    rateLimiter,
    ai,
    speech,
    storage: createLocalDisk({ dataDir }),
    mail,
    passwords: createPasswords(),
    tokens: createTokens({ keys: keys.signing, clock }),
    keys,
    secrets,
    safeFetch,
    metrics,
  }
  return {
    core,
    jobs,
    events,
    mail,
    rateLimiter,
    idempotency,
    redis,
  }
}
