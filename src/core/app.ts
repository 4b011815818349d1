import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { loadConfig } from './config.ts'
import type { Core } from './core.ts'

import { openApiRoutes } from './http/openapi.ts'
import type { Gate } from './http/route.ts'
import { createHttp, type Http } from './http/server.ts'
import { attachUpgrades } from './http/upgrades.ts'
import { serveWebApp } from './http/web-app.ts'
import { jobChannel, jobRoutes } from './jobs/routes.ts'
import { createLog, type Log, type RootLog } from './log.ts'
import { mailRoutes } from './mail-routes.ts'
import type { ContractKey, ModuleDefinition, ModuleParts } from './module.ts'
import { type ChannelDefinition, createChannels } from './realtime/channels.ts'
import { realtimeRoutes } from './realtime/routes.ts'
import { createTickets } from './realtime/tickets.ts'
import { realtimeDoor } from './realtime/websocket.ts'
import { allSettings, type CoreConfig, createServices, type Services } from './services.ts'
import { speechPermissions, speechRoutes } from './speech/routes.ts'
import { createTranscriptions, type Transcriptions } from './speech/transcriptions.ts'
import { healthRoutes } from './telemetry/health.ts'
import { coreUpkeep } from './upkeep.ts'

export type AppOptions = {
  modules: readonly ModuleDefinition[]
  env: NodeJS.ProcessEnv
  envFile?: string
  /** The project's directory: a relative DATA_DIR and the built web app are found from here. */
  root: string
  version: string
  /** Opens only these modules' routes, sockets, consumers and jobs in this process. Default: all. */
  open?: readonly string[] | undefined
  /** Splits HTTP from background work. Default: both in one process. */
  role?: 'web' | 'worker' | undefined
  /** Runs when everything is wired, just before the first request is let in. */
  prepare?: (use: App['use']) => Promise<void>
  /** Where log lines go; standard output by default. */
  writeLog?: (line: string) => void
}

export type App = {
  /** The address under which people reach it. */
  url: string
  core: Core
  http: Http
  /** Every registered channel, for the test that walks them. */
  channels: readonly ChannelDefinition[]
  /** A module's service, by its contract key. */
  use<T>(key: ContractKey<T>): T
  /** Re-reads the reloadable settings; returns the names that changed. Throws ConfigError when one is wrong. */
  reload(): string[]
  /** Drains and closes everything, in order, within SHUTDOWN_TIMEOUT_MS. A second call waits for the first. */
  stop(): Promise<void>
}

type Part = { definition: ModuleDefinition; parts: ModuleParts; isOpen: boolean }

/**
 * Composes and starts Banyan: settings → core services → modules → HTTP.
 * @throws {ConfigError} for wrong settings, or a database that is in use or out of reach.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const config = loadConfig(allSettings(options.modules), options) as unknown as CoreConfig
  const log = createLog(config.values.LOG_LEVEL, options.writeLog)
  const services = await createServices({ config, modules: options.modules, root: options.root, log })
  const { modules, use } = await setUpModules(options, config, services.core).catch(async error => {
    await services.stop()
    throw error
  })
  try {
    return await open(options, config, services, { modules, use }, log)
  } catch (error) {
    // What was set up may have timers, which would ask a database that is closed.
    for (const { parts } of [...modules].reverse()) await parts.stop?.()
    await services.stop()
    throw error
  }
}

async function open(
  options: AppOptions,
  config: CoreConfig,
  services: Services,
  { modules, use }: SetUp,
  log: RootLog,
): Promise<App> {
  const { core } = services
  const { settings } = core
  const gate = modules.find(({ parts }) => parts.gate)?.parts.gate
  if (!gate) throw new Error('No module of the catalogue provides the gate (identity)')
  await gate.syncPermissions([
    ...corePermissions,
    ...speechPermissions,
    ...options.modules.flatMap(module => module.permissions),
  ])

  let isReady = false
  const http = await createHttp({
    ...services,
    settings,
    log,
    metrics: core.metrics,
    authenticate: gate.authenticate,
    db: core.db,
  })
  healthRoutes(http.router, {
    db: core.db,
    metrics: core.metrics,
    metricsToken: settings.METRICS_TOKEN,
    isReady: () => isReady,
  })
  const opened = modules.filter(module => module.isOpen).map(module => module.parts)
  const channels = [jobChannel(services.jobs), ...opened.flatMap(parts => parts.channels ?? [])]
  const transcriptions = createTranscriptions(core)
  if (options.role !== 'worker')
    await openDoors(options, { http, services, opened, channels, gate, transcriptions })
  await startWork(options, services, modules, transcriptions)
  for (const parts of opened) await parts.start?.()
  await options.prepare?.(use)
  await http.fastify.listen({ port: settings.PORT, host: settings.HOST })
  isReady = true
  const url =
    settings.PUBLIC_URL || `http://${urlHost(settings.HOST)}:${(http.server.address() as AddressInfo).port}`
  await logLatencies(services, log)

  const drain = async () => {
    http.drain()
    await core.realtime.stop()
    for (const parts of opened) for (const door of parts.upgrades ?? []) await door.stop?.()
    // The jobs and answers want their share of the time.
    await http.close(settings.SHUTDOWN_TIMEOUT_MS / 4)
    for (const parts of [...opened].reverse()) await parts.stop?.()
    await services.stop()
  }
  let stopping: Promise<void> | undefined
  return {
    url,
    core,
    http,
    channels,
    use,
    reload() {
      const changed = config.reload()
      if (changed.includes('LOG_LEVEL')) log.setLevel(settings.LOG_LEVEL)
      if (changed.length > 0) core.ai.reload()
      return changed
    },
    stop() {
      isReady = false
      stopping ??= stopWithin(settings.SHUTDOWN_TIMEOUT_MS, log, drain)
      return stopping
    },
  }
}

/** Background work. Every process knows all consumers, so that events are sent to those that run elsewhere too. */
async function startWork(
  options: AppOptions,
  services: Services,
  modules: readonly Part[],
  transcriptions: Transcriptions,
): Promise<void> {
  const { core, idempotency } = services
  for (const { parts } of modules) services.events.subscribe(parts.consumers ?? [])
  if (options.role === 'web') return
  const opened = modules.filter(module => module.isOpen)
  const consumers = opened.flatMap(({ parts }) => parts.consumers ?? [])
  const partitioned = modules.flatMap(({ parts }) => parts.partitioned ?? [])
  const upkeep = coreUpkeep({ core, idempotency, events: services.events, partitioned })
  // A server that was off for months finds no partition for today.
  await upkeep.makePartitions()
  await services.jobs.start({
    jobs: [
      ...upkeep.jobs,
      ...services.mail.jobs,
      ...transcriptions.jobs,
      ...opened.flatMap(({ parts }) => parts.jobs ?? []),
      ...services.events.retries(consumers),
    ],
    cron: [
      ...upkeep.cron,
      ...services.mail.cron,
      ...transcriptions.cron,
      ...opened.flatMap(({ parts }) => parts.cron ?? []),
    ],
  })
  services.events.start(consumers)
}

/** The core's own permissions; modules declare theirs. */
const corePermissions = [
  { name: 'core.jobs.manage', roles: ['super_admin', 'admin'] },
  { name: 'core.mailbox.read', roles: ['super_admin', 'admin'] },
]

type SetUp = { modules: readonly Part[]; use<T>(key: ContractKey<T>): T }

/** Wires the modules to the core and to each other. Nothing of them runs yet. */
export async function setUpModules(
  options: Pick<AppOptions, 'modules' | 'open'>,
  config: CoreConfig,
  core: Core,
): Promise<SetUp> {
  const modules: Part[] = []
  const use = <T>(key: ContractKey<T>): T => {
    const found = modules.find(({ definition }) => definition.name === key.module)
    if (!found)
      throw new Error(`The module “${key.module}” is not set up; it must stand earlier in the catalogue`)
    return found.parts.contract as T
  }
  for (const definition of options.modules) {
    // The object holds every module's settings; each definition's type lets it see its own.
    const parts = await definition.setup({ core, settings: config.values as never, use })
    modules.push({ definition, parts, isOpen: options.open?.includes(definition.name) ?? true })
  }
  return { modules, use }
}

type Doors = {
  http: Http
  services: Services
  opened: readonly ModuleParts[]
  channels: readonly ChannelDefinition[]
  gate: Gate
  transcriptions: Transcriptions
}

/** Routes of the core and the modules, the sockets, and the web app. */
async function openDoors(options: AppOptions, doors: Doors): Promise<void> {
  const { http, services, opened, gate } = doors
  const { core, redis } = services
  const hub = core.realtime
  const publicOrigin = core.settings.PUBLIC_URL ? [new URL(core.settings.PUBLIC_URL).origin] : []
  const channels = createChannels(doors.channels)
  const tickets = createTickets({ redis, clock: core.clock })
  realtimeRoutes(http.router, { hub, channels, tickets })
  jobRoutes(http.router, services.jobs)
  mailRoutes(http.router, core.mail)
  speechRoutes(http.router, { speech: core.speech, transcriptions: doors.transcriptions })
  for (const parts of opened) parts.routes?.(http.router)
  openApiRoutes(http.router, http.routes, options.version)
  await serveWebApp(http.fastify, join(options.root, 'web', 'dist'))
  const realtime = realtimeDoor({
    hub,
    channels,
    tickets,
    authenticate: gate.authenticateUpgrade,
    // A proxy may rewrite Host, so the public address counts as our own beside it.
    allowedOrigins: () => [...publicOrigin, ...core.settings.CORS_ALLOWED_ORIGINS],
    log: core.log,
  })
  attachUpgrades(http.server, [realtime, ...opened.flatMap(parts => parts.upgrades ?? [])], core.log)
}

/** How far the database and the cache are away, measured once at start. */
async function logLatencies({ core, redis }: Services, log: Log): Promise<void> {
  const round = (ms: number) => Math.round(ms * 100) / 100
  log.info(
    {
      database_ms: round(await core.db.latency()),
      cache_ms: redis?.available ? round(await redis.latency()) : null,
    },
    'ready',
  )
}

const urlHost = (host: string): string => {
  if (host === '0.0.0.0' || host === '::' || host === '127.0.0.1') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Runs the stop, and gives up on it when its time is over: a hanging upstream must not keep a server from leaving. */
async function stopWithin(ms: number, log: Log, stop: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      log.warn({}, 'the stop took too long; leaving what is unfinished to the next start')
      resolve()
    }, ms)
  })
  log.info({}, 'stopping')
  await Promise.race([stop(), late])
  clearTimeout(timer)
  log.info({}, 'stopped')
}
