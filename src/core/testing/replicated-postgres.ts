import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, test } from 'vitest'
import { roleName } from '#core/db/embedded-files.ts'
import { launchServer, readPostmaster, type Server } from '#core/db/embedded-server.ts'
import { asServer, giveTo, serverUser } from '#core/db/embedded-user.ts'
import { silentLog } from '#core/log.ts'

const run = promisify(execFile)

export type ReplicatedPostgres = {
  primaryUrl: string
  replicaUrl: string
  /**
   * From now on what the primary commits is not to be seen at the replica; with a table, from when the replay holds an
   * exclusive lock on that.
   */
  pauseReplay(lockedTable?: string): Promise<void>
  resumeReplay(): Promise<void>
  stopReplica(): Promise<void>
  startReplica(): Promise<void>
  /** SIGSTOP and SIGCONT for all of its processes: connections stand, and nothing answers. */
  freezeReplica(): void
  thawReplica(): void
  stop(): Promise<void>
}

/** Where a PostgreSQL of the system has its programs, the newest first. The embedded one has no pg_basebackup. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const directories = [...versions.map(version => join(debian, version, 'bin')), '/usr/local/bin', '/usr/bin']
  return directories.find(directory =>
    ['initdb', 'postgres', 'pg_basebackup'].every(name => existsSync(join(directory, name))),
  )
}

/**
 * Whether the programs for `startReplicatedPostgres` are there. When they are not, a test of that name says that this
 * part was left out; with `REQUIRE_SERVICES=1` that test fails.
 */
export function canReplicatePostgres(): boolean {
  if (findPrograms()) return true
  test('left out: there is no PostgreSQL with pg_basebackup under /usr/lib/postgresql', () => {
    expect(process.env.REQUIRE_SERVICES).not.toBe('1')
  })
  return false
}

/** A primary and a standby of its own that streams from it, with an empty database, in a temporary directory. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const programs = findPrograms() ?? ''
  const directory = mkdtempSync(join(tmpdir(), 'banyan-pair-'))
  const user = serverUser(join(directory, 'primary'))
  chmodSync(directory, 0o711)
  for (const name of ['primary-socket', 'standby-socket']) mkdirSync(join(directory, name))
  giveTo(user, directory)
  const [initdb, postgres] = [join(programs, 'initdb'), join(programs, 'postgres')]
  const call = (program: string, args: string[]) => run(join(programs, program), args, asServer(user))

  async function launch(name: string) {
    const cluster = join(directory, name)
    // Not in the cluster, or a backup would take the socket's lock along.
    const sockets = { listen_addresses: '', unix_socket_directories: join(directory, `${name}-socket`) }
    const place = { settings: sockets, remove() {} }
    const settings = { fsync: 'off', hot_standby_feedback: 'on', timezone: 'UTC' }
    return launchServer({ cluster, binaries: { initdb, postgres }, user, place, settings, log: silentLog })
  }

  await call('initdb', [
    ...['-D', join(directory, 'primary'), '-U', roleName, '--no-sync', '--encoding=UTF8', '--locale=C'],
    ...['--auth-local=trust', '--auth-host=reject'],
  ])
  const primary = await launch('primary')
  await query(primary.connect('postgres'), 'CREATE DATABASE banyan')
  const { socketDir, port } = readPostmaster(join(directory, 'primary')) ?? { socketDir: '', port: 0 }
  await call('pg_basebackup', [
    ...['-h', socketDir, '-p', String(port), '-U', roleName, '-D', join(directory, 'standby')],
    ...['--write-recovery-conf', '--checkpoint=fast', '--no-sync'],
  ])
  let replica: Server = await launch('standby')
  const frozen: number[] = []
  const replicaUrl = replica.connect('banyan')
  const thaw = () => {
    for (const pid of frozen.splice(0)) process.kill(pid, 'SIGCONT')
  }

  return {
    primaryUrl: primary.connect('banyan'),
    replicaUrl,
    async pauseReplay(table) {
      const locks = `SELECT FROM pg_locks WHERE relation = '${table}'::regclass AND mode = 'AccessExclusiveLock'`
      while (table && (await query(replicaUrl, locks)).length === 0);
      await query(replicaUrl, 'SELECT pg_wal_replay_pause()')
      for (let state = ''; state !== 'paused'; )
        state = (await query(replicaUrl, 'SELECT pg_get_wal_replay_pause_state() AS state'))[0]?.state ?? ''
    },
    resumeReplay: async () => void (await query(replicaUrl, 'SELECT pg_wal_replay_resume()')),
    stopReplica: () => replica.stop(),
    async startReplica() {
      replica = await launch('standby')
    },
    freezeReplica() {
      const postmaster = readPostmaster(join(directory, 'standby'))?.pid ?? 0
      const freeze = (pid: number) => {
        process.kill(pid, 'SIGSTOP')
        frozen.push(pid)
      }
      // First, so that no connection comes that would go on.
      freeze(postmaster)
      for (const child of childrenOf(postmaster)) freeze(child)
    },
    thawReplica: thaw,
    async stop() {
      thaw()
      await replica.stop()
      await primary.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** By what Linux tells of each process: its number, its name in brackets, its state and its parent's number. */
const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(statOf(name)?.[1]) === parent)
    .map(Number)

function statOf(pid: string): RegExpExecArray | null {
  try {
    return /\) \S (\d+) /.exec(readFileSync(join('/proc', pid, 'stat'), 'utf8'))
  } catch {
    return null // It has ended since.
  }
}

async function query(connectionString: string, text: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
