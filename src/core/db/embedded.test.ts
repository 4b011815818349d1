import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLog } from '#core/log.ts'
import {
  connectEmbedded,
  DataDirectoryInUse,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded.ts'
import { findPostgresPackage, prepareBinaries } from './embedded-files.ts'
import { isAlive, readPostmaster } from './embedded-server.ts'
import { defaultDataDir, isReachable, serverUser } from './embedded-user.ts'

// Clusters are made and recovered here: seconds, or many of them on a busy machine.
vi.setConfig({ testTimeout: 300_000 })

const isRoot = process.getuid?.() === 0
const hasProc = process.platform === 'linux'
const repository = fileURLToPath(new URL('../../..', import.meta.url))

let home: string
const running: EmbeddedPostgres[] = []
const owners: { child: ChildProcess; exit: Promise<unknown> }[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'banyan-embedded-'))
  chmodSync(home, 0o755)
})

afterEach(async () => {
  await Promise.all(running.splice(0).map(postgres => postgres.stop()))
  for (const owner of owners.splice(0)) {
    owner.child.kill('SIGKILL')
    await owner.exit
  }
  await vi.waitFor(() => {
    for (const dir of readdirSync(home))
      expect(isRunning(postmasterPid(join(home, dir)), join(home, dir))).toBe(false)
  }, patient)
  rmSync(home, { recursive: true, force: true })
})

const start = async (dataDir: string, durable = false) => {
  const postgres = await startEmbeddedPostgres({ dataDir, log: silentLog, durable })
  running.push(postgres)
  return postgres
}

const stop = async (postgres: EmbeddedPostgres) => {
  running.splice(running.indexOf(postgres), 1)
  await postgres.stop()
}

async function query<R extends pg.QueryResultRow>(connectionString: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString })
  // A server that is killed under the client says so by an event, too.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<R>(sql)).rows
  } finally {
    await client.end()
  }
}

/** A process of its own that owns the directory; `acknowledged` grows as it inserts rows. */
function spawnOwner(dataDir: string, options: { uid?: number; gid?: number } = {}) {
  const script = join(repository, 'src/core/db/embedded-test-owner.ts')
  const child = spawn(process.execPath, [script, dataDir], {
    cwd: repository,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  const state = { child, ready: '', failed: '', acknowledged: [] as number[], exit: once(child, 'exit') }
  owners.push(state)
  createInterface({ input: child.stdout }).on('line', line => {
    const message = JSON.parse(line) as { ready?: string; failed?: string; acknowledged?: number }
    if (message.ready) state.ready = message.ready
    if (message.failed) state.failed = message.failed
    if (message.acknowledged) state.acknowledged.push(message.acknowledged)
  })
  return state
}

const patient = { timeout: 60_000, interval: 5 }

const postmasterPid = (dataDir: string) => readPostmaster(join(dataDir, 'postgres'))?.pid ?? 0
const isRunning = (pid: number, dataDir: string) => isAlive(pid, join(dataDir, 'postgres'))
/** The parent's pid, as proc(5) says in the second field after the program's name. */
const parentOf = (pid: number) =>
  Number(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[1],
  )

test('a first start makes the cluster, a second one finds the data again', async () => {
  const first = await start(join(home, 'data'), true)
  expect(first.started).toBe('initialised')
  await query(first.connection_string, "CREATE TABLE kept AS SELECT '榕树' AS name")
  await stop(first)
  await first.stop() // once more is harmless
  expect(connectEmbedded(first.dataDir)).toBeNull()

  const second = await start(join(home, 'data'), true)
  expect(second.started).toBe('started')
  expect(await query(second.connection_string, 'SELECT name FROM kept')).toEqual([{ name: '榕树' }])
})

test('the server runs durably, in UTF-8 and UTC, with a collation of its own and no TCP port', async () => {
  const { connection_string } = await start(join(home, 'data'), true)
  const [settings] = await query(
    connection_string,
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
            current_setting('full_page_writes') AS full_page_writes, current_setting('data_checksums') AS checksums,
            current_setting('listen_addresses') AS listen_addresses, current_setting('TimeZone') AS zone,
            current_setting('max_connections') AS max_connections,
            pg_size_bytes(current_setting('shared_buffers')) BETWEEN 128 * 1048576 AND 512 * 1048576 AS is_sized,
            current_setting('server_encoding') AS encoding, 'É' ILIKE 'é' AS knows_case, 'b' COLLATE "default" < 'Ä' AS by_code`,
  )
  expect(settings).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    checksums: 'on',
    listen_addresses: '',
    zone: 'UTC',
    max_connections: '100',
    is_sized: true,
    encoding: 'UTF8',
    knows_case: true,
    by_code: true,
  })
})

test('a path with spaces, quotes and characters of other scripts works', async () => {
  const { connection_string, dataDir } = await start(join(home, 'my data, "50%" & 榕树'))
  expect(await query(connection_string, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(connectEmbedded(dataDir)).toBe(connection_string)
})

test('a path too long for a socket puts the socket elsewhere and cleans up after itself', async () => {
  const postgres = await start(join(home, 'deep'.repeat(20), 'deeper'.repeat(10)))
  const socketDir = new URL(postgres.connection_string).searchParams.get('host') ?? ''
  expect(socketDir.startsWith(home)).toBe(false)
  expect(statSync(socketDir).mode & 0o777).toBe(0o700)
  expect(await query(postgres.connection_string, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(connectEmbedded(postgres.dataDir)).toBe(postgres.connection_string)
  await stop(postgres)
  expect(existsSync(socketDir)).toBe(false)
})

test('a second owner is turned away and the first does not notice', async () => {
  const dataDir = join(home, 'data')
  const first = await start(dataDir)
  await expect(start(dataDir)).rejects.toThrow(DataDirectoryInUse)
  await expect(start(dataDir)).rejects.toThrow(dataDir)
  const other = spawnOwner(dataDir)
  await other.exit
  await vi.waitFor(
    () => expect(other.failed).toMatch(/^DataDirectoryInUse: Another Banyan is running/),
    patient,
  )
  expect(await query(first.connection_string, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('of two first starts at once exactly one becomes the owner', async () => {
  const contenders = [spawnOwner(join(home, 'data')), spawnOwner(join(home, 'data'))]
  await vi.waitFor(() => {
    expect(contenders.filter(({ ready }) => ready)).toHaveLength(1)
    expect(contenders.filter(({ failed }) => failed.startsWith('DataDirectoryInUse'))).toHaveLength(1)
  }, patient)
})

test('kill -9 of the owner loses no acknowledged row and leaves no server behind', async () => {
  const dataDir = join(home, 'data')
  const acknowledged: number[] = []
  for (let round = 1; round <= 5; round++) {
    const owner = spawnOwner(dataDir)
    await vi.waitFor(() => expect(owner.failed + owner.acknowledged.length).toMatch(/^\d{2,}$/), patient)
    const pid = postmasterPid(dataDir)
    expect(isRunning(pid, dataDir)).toBe(true)
    owner.child.kill('SIGKILL')
    await owner.exit
    acknowledged.push(...owner.acknowledged)
    // Every other round starts again while the watchdog is still stopping the old server.
    if (round % 2) await vi.waitFor(() => expect(isRunning(pid, dataDir)).toBe(false), patient)
  }
  const { connection_string } = await start(dataDir)
  const rows = await query<{ id: string }>(connection_string, 'SELECT id FROM kept')
  const kept = new Set(rows.map(({ id }) => Number(id)))
  expect(acknowledged.filter(id => !kept.has(id))).toEqual([])
})

test.runIf(hasProc)('a server whose owner and watchdog were both killed is taken over', async () => {
  const dataDir = join(home, 'data')
  const owner = spawnOwner(dataDir)
  await vi.waitFor(() => expect(owner.acknowledged.length).toBeGreaterThan(10), patient)
  const orphan = postmasterPid(dataDir)
  process.kill(parentOf(orphan), 'SIGKILL')
  owner.child.kill('SIGKILL')
  await owner.exit
  expect(isRunning(orphan, dataDir)).toBe(true)

  const { connection_string } = await start(dataDir)
  expect(isRunning(orphan, dataDir)).toBe(false)
  const [kept] = await query<{ rows: string }>(connection_string, 'SELECT count(*) AS rows FROM kept')
  expect(Number(kept?.rows)).toBeGreaterThanOrEqual(owner.acknowledged.length)
})

test('a server that is killed under a living owner comes back at the same address', async () => {
  const { connection_string, dataDir } = await start(join(home, 'data'))
  const killed = postmasterPid(dataDir)
  process.kill(killed, 'SIGKILL')
  await vi.waitFor(async () => {
    expect(postmasterPid(dataDir)).not.toBe(killed)
    expect(await query(connection_string, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  }, patient)
})

test('a stale postmaster.pid whose number belongs to another process is not believed', async () => {
  const dataDir = join(home, 'data')
  await stop(await start(dataDir))
  const cluster = join(dataDir, 'postgres')
  const { uid, gid } = statSync(cluster)
  const stranger = spawn('/bin/sh', ['-c', 'echo; read -r _'], {
    cwd: '/',
    uid,
    gid,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(stranger.stdout, 'data')
  const file = join(cluster, 'postmaster.pid')
  writeFileSync(
    file,
    `${stranger.pid}\n${cluster}\n1700000000\n5432\n${cluster}\n\n  1234567         0\nready   \n`,
    { mode: 0o600 },
  )
  chownSync(file, uid, gid)

  expect(connectEmbedded(dataDir)).toBeNull()
  const { connection_string } = await start(dataDir)
  expect(await query(connection_string, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(stranger.exitCode).toBeNull()
  stranger.stdin.end()
  await once(stranger, 'exit')
})

test('what a killed first start left is cleared away', async () => {
  const dataDir = join(home, 'data')
  await mkdir(join(dataDir, 'postgres.new-0123456789ab', 'base'), { recursive: true })
  chmodSync(dataDir, 0o755)
  expect((await start(dataDir)).started).toBe('initialised')
  expect(readdirSync(dataDir).sort()).toEqual(['owner.lock', 'postgres', 'postgres-start.log'])
})

test('a server that cannot start says why', async () => {
  const dataDir = join(home, 'data')
  await stop(await start(dataDir))
  rmSync(join(dataDir, 'postgres', 'global', 'pg_control'))
  await expect(start(dataDir)).rejects.toThrow(/did not start: .*pg_control/s)
})

test.runIf(isRoot)('as root the server runs as another user', async () => {
  const { dataDir } = await start(join(home, 'data'))
  const user = serverUser(join(dataDir, 'postgres'))
  expect(user?.uid).not.toBe(0)
  expect(statSync(join(dataDir, 'postgres')).uid).toBe(user?.uid)
  if (hasProc) expect(statSync(`/proc/${postmasterPid(dataDir)}`).uid).toBe(user?.uid)
})

test.runIf(isRoot)('as root, under a home that others cannot enter, the data goes elsewhere', async () => {
  chmodSync(home, 0o700)
  await expect(start(join(home, 'data'))).rejects.toThrow(/cannot enter .*DATA_DIR=\/var\/lib\/banyan/)
  expect(defaultDataDir(join(home, 'data'), silentLog)).toBe('/var/lib/banyan')
  chmodSync(home, 0o755)
  expect(defaultDataDir(join(home, 'data'), silentLog)).toBe(join(home, 'data'))
})

const nobody = { uid: 65_534, gid: 65_534 }

test.runIf(isRoot && isReachable(dirname(process.execPath), { ...nobody, name: 'nobody' }))(
  'an ordinary user owns everything by itself',
  async () => {
    chownSync(home, nobody.uid, nobody.gid)
    const dataDir = join(home, 'data')
    const owner = spawnOwner(dataDir, nobody)
    await vi.waitFor(() => expect(owner.failed + owner.acknowledged.length).toMatch(/^\d{2,}$/), patient)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(nobody.uid)
    owner.child.kill('SIGTERM')
    expect(await owner.exit).toEqual([0, null])
    expect(connectEmbedded(dataDir)).toBeNull()
  },
)

test.runIf(isRoot)(
  'programs that the server’s user cannot reach are copied once, with their links',
  async () => {
    const sealed = join(home, 'sealed')
    const dataDir = join(home, 'data')
    await mkdir(dataDir)
    await mkdir(sealed, { mode: 0o700 })
    const original = findPostgresPackage()
    const native = join(sealed, 'native')
    cpSync(original.native, native, { recursive: true, verbatimSymlinks: true })
    for (const { target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      target: string
    }[]) {
      rmSync(join(sealed, target), { force: true })
    }
    const user = serverUser(join(dataDir, 'postgres'))
    const binaries = prepareBinaries({ native, version: '1' }, dataDir, user)
    expect(binaries.postgres).toBe(join(dataDir, 'postgres-binaries-1', 'bin', 'postgres'))
    const made = statSync(binaries.postgres).ino
    prepareBinaries({ native, version: '1' }, dataDir, user)
    expect(statSync(binaries.postgres).ino).toBe(made)
    prepareBinaries({ native, version: '2' }, dataDir, user)
    expect(readdirSync(dataDir)).toEqual(['postgres-binaries-2'])
  },
)
