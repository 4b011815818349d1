import { existsSync, realpathSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '#core/log.ts'
import { findPostgresPackage, makeCluster, prepareBinaries } from './embedded-files.ts'
import { lockDataDirectory } from './embedded-lock.ts'
import {
  connectionString,
  isAlive,
  type LaunchOptions,
  launchServer,
  listeningPlace,
  readPostmaster,
  type Server,
  stopOrphan,
} from './embedded-server.ts'
import { giveTo, makeDataDir, serverUser } from './embedded-user.ts'

export { DataDirectoryInUse } from './embedded-lock.ts'
export { defaultDataDir } from './embedded-user.ts'

/** A PostgreSQL of our own, which lives as long as this process. */
export type EmbeddedPostgres = {
  /** A URL; the database's name is its path. */
  connection_string: string
  /** The absolute directory that was given; the cluster lies in `postgres` below it. */
  dataDir: string
  started: 'initialised' | 'started'
  /** Stops the server in fast mode and gives the directory up. Drain the pools first. */
  stop(): Promise<void>
}

export type EmbeddedOptions = {
  dataDir: string
  log: Log
  /** Server settings beside ours, as in postgresql.conf. */
  settings?: Record<string, string>
  /** False for test databases only: nothing is synced to disk, a power cut loses everything. */
  durable?: boolean
}

const databaseName = 'banyan'
const clusterOf = (dataDir: string) => join(dataDir, 'postgres')

/**
 * Starts the embedded PostgreSQL on a data directory, which it makes if need be, and keeps it running until `stop`:
 * a server that ends by itself is started again. When this process ends in any way, kill -9 included, its watchdog
 * stops the server; one that still runs without an owner is stopped and started anew. Nothing acknowledged is lost.
 * @throws {DataDirectoryInUse} when another process owns the directory.
 * @throws {Error} with a sentence when the server cannot run here.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true } = options
  const user = serverUser(clusterOf(resolve(options.dataDir)))
  makeDataDir(resolve(options.dataDir), user)
  const dataDir = realpathSync(options.dataDir)
  const cluster = clusterOf(dataDir)
  const lock = lockDataDirectory(dataDir)
  try {
    const binaries = prepareBinaries(findPostgresPackage(), dataDir, user)
    const isNew = !existsSync(cluster)
    if (isNew) await makeCluster({ cluster, binaries, user, durable })
    else if (user && statSync(cluster).uid === 0) giveTo(user, cluster)
    const settings = { ...serverSettings(durable), ...options.settings }
    const place = await listeningPlace(cluster, user)
    const launch = () => launchAlone({ cluster, binaries, user, place, settings, log })
    const server = await launch()
    await makeDatabase(server)
    const supervision = supervise(server, launch, log)
    return {
      connection_string: server.connect(databaseName),
      dataDir,
      started: isNew ? 'initialised' : 'started',
      async stop() {
        await supervision.stop()
        place.remove()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * The connection string of the server that another process runs on this data directory, or null. For commands that
 * do not own it (`doctor`, `sign-in-link`).
 */
export function connectEmbedded(dataDir: string): string | null {
  const cluster = clusterOf(resolve(dataDir))
  const postmaster = readPostmaster(cluster)
  if (!postmaster?.isReady || !isAlive(postmaster.pid, cluster)) return null
  return connectionString(cluster, postmaster, databaseName)
}

const launchPatienceMs = 30_000

/** Launches the server after stopping one that lost its owner, and after the last backend of a killed one is gone. */
async function launchAlone(options: LaunchOptions): Promise<Server> {
  const deadline = Date.now() + launchPatienceMs
  while (true) {
    await stopOrphan(options.cluster, options.log)
    try {
      return await launchServer(options)
    } catch (error) {
      const isOccupied =
        error instanceof Error &&
        /pre-existing shared memory block|postmaster\.pid" already exists/.test(error.message)
      if (!isOccupied || Date.now() > deadline) throw error
    }
    await delay(100)
  }
}

/** Starts the server again when it ends by itself (the kernel's memory killer, an operator's slip), until `stop`. */
function supervise(first: Server, launch: () => Promise<Server>, log: Log) {
  const stopping = new AbortController()
  let server = first
  const watch = async () => {
    while (true) {
      await server.ended
      if (stopping.signal.aborted) return
      log.error({}, 'the database server ended by itself; it is being started again')
      server = (await relaunch(launch, log, stopping.signal)) ?? server
      if (stopping.signal.aborted) await server.stop()
    }
  }
  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await server.stop()
      await watching
    },
  }
}

/** Tries until it works or is called off: an operator can make room on a full disk without restarting us. */
async function relaunch(
  launch: () => Promise<Server>,
  log: Log,
  signal: AbortSignal,
): Promise<Server | null> {
  for (let pauseMs = 200; !signal.aborted; pauseMs = Math.min(pauseMs * 2, 30_000)) {
    await delay(pauseMs, undefined, { signal }).catch(() => {})
    try {
      if (!signal.aborted) return await launch()
    } catch (error) {
      log.error({ error }, 'the database server could not be started again')
    }
  }
  return null
}

async function makeDatabase(server: Server): Promise<void> {
  const isThere = await withClient(server.connect(databaseName), async () => true).catch(error => {
    if (error instanceof pg.DatabaseError && error.code === '3D000') return false
    throw error
  })
  if (isThere) return
  await withClient(server.connect('postgres'), client => client.query(`CREATE DATABASE ${databaseName}`))
}

async function withClient<R>(connectionString: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 60_000 })
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end()
  }
}

const megabyte = 1024 * 1024

/** An eighth of the memory that this process may use, between 128 and 512 MB. */
function sharedBuffers(): string {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return `${Math.round(Math.min(Math.max(memory / 8 / megabyte, 128), 512))}MB`
}

const serverSettings = (durable: boolean): Record<string, string> => ({
  max_connections: '100',
  shared_buffers: durable ? sharedBuffers() : '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A week of log files in the cluster. Terse and without statements: details and parameters are people's data.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgres-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_size: '0',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  jit: 'off',
  ...(durable
    ? { synchronous_commit: 'on' }
    : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
})
