import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StartError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import { type Binaries, hasCode, passwordFile, roleName } from './embedded-files.ts'
import { asServer, isReachable, type ServerUser } from './embedded-user.ts'

const isWindows = process.platform === 'win32'
/** Longest path of a unix socket, in bytes (sun_path less its final zero). */
const socketPathLimit = process.platform === 'darwin' ? 103 : 107
/** The number in the socket's name; no TCP port is opened. */
const socketPort = 5432
const pollMs = 5
const fastStopMs = 30_000

/** What `postmaster.pid` says of the server that wrote it. */
export type Postmaster = { pid: number; port: number; socketDir: string; isReady: boolean }

/** Reads `postmaster.pid`; null when there is none. Whether that server lives is another question: `isAlive`. */
export function readPostmaster(cluster: string): Postmaster | null {
  let text: string
  try {
    text = readFileSync(join(cluster, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  const lines = text.split('\n')
  return {
    pid: Math.abs(Number.parseInt(lines[0] ?? '', 10)) || 0,
    port: Number(lines[3] ?? 0),
    socketDir: lines[4] ?? '',
    isReady: lines[7]?.trim() === 'ready',
  }
}

/** True when the pid is that of a running PostgreSQL of this cluster, and not of whoever got the number later. */
export function isAlive(pid: number, cluster: string): boolean {
  if (pid === 0) return false
  if (process.platform === 'linux') {
    try {
      const program = basename(readlinkSync(`/proc/${pid}/exe`))
      return program.startsWith('postgres') && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return false
      throw error
    }
  }
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (isWindows) return true
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'command='], {
    encoding: 'utf8',
    timeout: 5000,
  })
  return stdout.includes(cluster)
}

/** How to connect to a running server. The URL form lets callers put another database's name into the path. */
export function connectionString(cluster: string, { port, socketDir }: Postmaster, database: string): string {
  if (isWindows) {
    const password = readFileSync(passwordFile(dirname(cluster)), 'utf8').trim()
    return `postgres://${roleName}:${password}@127.0.0.1:${port}/${database}`
  }
  return `postgres://${roleName}@localhost:${port}/${database}?host=${encodeURIComponent(socketDir)}&sslmode=disable`
}

/**
 * Makes sure that no server runs on the cluster. Called by the holder of the data directory's lock, so whatever runs
 * there has lost its owner: it is stopped (fast: running transactions are rolled back, what was committed stays).
 */
export async function stopOrphan(cluster: string, log: Log): Promise<void> {
  const found = readPostmaster(cluster)
  if (!found) return
  if (!isAlive(found.pid, cluster)) return disclaimPid(cluster)
  log.warn({ pid: found.pid }, 'a database server without an owner is still running; it is being restarted')
  await stopServer(found.pid, cluster)
}

/**
 * PostgreSQL does not start while the pid of a stale file belongs to any process. The file itself must stay: it also
 * names the shared memory by which PostgreSQL sees that a backend of the dead server still runs. So only the pid is
 * replaced, by one that no system gives out.
 */
function disclaimPid(cluster: string): void {
  const path = join(cluster, 'postmaster.pid')
  try {
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^.*/, '2147483646'))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error // a server that ended just now took its file along
  }
}

/** Stops a server in fast mode; one that does not follow within 30 s, in immediate mode (it recovers from its log). */
async function stopServer(pid: number, cluster: string): Promise<void> {
  const deadline = Date.now() + fastStopMs
  let signal: NodeJS.Signals = 'SIGINT'
  process.kill(pid, signal)
  while (isAlive(pid, cluster)) {
    if (signal === 'SIGINT' && Date.now() > deadline) {
      signal = 'SIGQUIT'
      process.kill(pid, signal)
    }
    await delay(pollMs)
  }
}

/*
 * The parent of the server. Its standard input is a pipe from Node that nobody writes to: its end means that Node
 * wants the server stopped, or is dead. Signals to the whole group are for Node to answer, after its own drain.
 * The guard is killed by KILL because it inherits the ignored signals.
 */
const watchdog = `
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } &
guard=$!
wait "$server"; code=$?
kill -KILL "$guard" 2>/dev/null
exit "$code"
`

export type LaunchOptions = {
  cluster: string
  binaries: Binaries
  user: ServerUser
  place: Place
  settings: Record<string, string>
  log: Log
}

/** A server that runs under its watchdog. */
export type Server = {
  connect(database: string): string
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the server and waits until it accepts connections, through crash recovery if need be.
 * @throws {Error} with the end of the server's own log when it ends instead.
 */
export async function launchServer(options: LaunchOptions): Promise<Server> {
  const { cluster, binaries, user, log } = options
  const settings = { ...options.settings, ...options.place.settings }
  const args = [
    '-D',
    cluster,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const startLog = join(dirname(cluster), 'postgres-start.log')
  const output = openSync(startLog, 'w', 0o600)
  const spawnOptions = { ...asServer(user), stdio: ['pipe', output, output] as ('pipe' | number)[] }
  // On Windows a child dies with Node by itself: libuv puts it into a job object that ends with its process.
  const child = isWindows
    ? spawn(binaries.postgres, args, spawnOptions)
    : spawn('/bin/sh', ['-c', watchdog, 'banyan-watchdog', binaries.postgres, ...args], {
        ...spawnOptions,
        detached: true,
      })
  closeSync(output)
  child.stdin?.on('error', () => {}) // the pipe of a watchdog that ended first
  const end = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  const postmaster = await waitUntilReady(cluster, child, end, log)
  if (!postmaster) {
    throw new StartError(
      `The embedded PostgreSQL did not start: ${readFileSync(startLog, 'utf8').trim().slice(-4000)}`,
    )
  }
  // The supervisor alone keeps no process alive; when the last work is done, the watchdog stops the server.
  child.unref()
  unrefStream(child.stdin)
  return {
    connect: database => connectionString(cluster, postmaster, database),
    ended: end,
    async stop() {
      child.ref()
      if (isWindows) process.kill(postmaster.pid)
      child.stdin?.end()
      child.stdin?.destroy()
      const impatience = setTimeout(() => {
        if (isAlive(postmaster.pid, cluster)) process.kill(postmaster.pid, 'SIGQUIT')
      }, fastStopMs)
      await end
      clearTimeout(impatience)
    },
  }
}

/** A pipe is a socket, which can be told not to keep the process alive. */
function unrefStream(stream: object | null): void {
  if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
}

async function waitUntilReady(
  cluster: string,
  child: ChildProcess,
  end: Promise<void>,
  log: Log,
): Promise<Postmaster | null> {
  let hasEnded = false
  const ended = end.then(() => {
    hasEnded = true
  })
  const slow = setTimeout(
    () => log.info({}, 'the database is still starting; after a crash it first reads its log'),
    5000,
  )
  try {
    while (!hasEnded) {
      const postmaster = child.pid ? readPostmaster(cluster) : null
      // A file that a killed server left may say “ready”, too.
      if (postmaster?.isReady && isAlive(postmaster.pid, cluster)) return postmaster
      await Promise.race([delay(pollMs), ended])
    }
    return null
  } finally {
    clearTimeout(slow)
  }
}

/** Where a server listens, the same after every restart. */
export type Place = { settings: Record<string, string>; remove(): void }

/**
 * A unix socket in the cluster, which only its owner can enter, or, when that path is too long, in a new directory
 * for temporary files. On Windows a free TCP port of the loopback interface.
 */
export async function listeningPlace(cluster: string, user: ServerUser): Promise<Place> {
  if (isWindows) {
    return { settings: { listen_addresses: '127.0.0.1', port: String(await freePort()) }, remove() {} }
  }
  const fits = (directory: string) =>
    Buffer.byteLength(`${directory}/.s.PGSQL.${socketPort}`) <= socketPathLimit
  if (fits(cluster)) return { settings: socketSettings(cluster), remove() {} }
  const base = fits(join(tmpdir(), 'banyan-123456')) && isReachable(tmpdir(), user) ? tmpdir() : '/tmp'
  const directory = mkdtempSync(join(base, 'banyan-'))
  if (user) chownSync(directory, user.uid, user.gid)
  return {
    settings: socketSettings(directory),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const socketSettings = (directory: string) => ({
  listen_addresses: '',
  port: String(socketPort),
  unix_socket_permissions: '0700',
  unix_socket_directories: `"${directory.replaceAll('"', '""')}"`,
})

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
