import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StartError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'

/** The user that the server runs as; undefined: the user of this process. */
export type ServerUser = { uid: number; gid: number; name: string } | undefined

/** Where the data goes when we are root and the server's user cannot get to the usual place. */
const systemDataDir = '/var/lib/banyan'

/**
 * PostgreSQL refuses to run as root. As root, the server runs as the owner of the existing cluster, or else as
 * `postgres`, or else as `nobody`.
 */
export function serverUser(cluster: string): ServerUser {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readAccounts()
  if (existsSync(cluster)) {
    const { uid, gid } = statSync(cluster)
    if (uid !== 0) return { uid, gid, name: accounts.find(one => one.uid === uid)?.name ?? String(uid) }
  }
  const account = ['postgres', '_postgres', 'nobody']
    .map(name => accounts.find(one => one.name === name))
    .find(one => one !== undefined)
  return account ?? { uid: 65_534, gid: 65_534, name: 'nobody' }
}

function readAccounts() {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => /^([^:#]+):[^:]*:(\d+):(\d+):/.exec(line))
    .filter(match => match !== null)
    .map(match => ({ name: match[1] ?? '', uid: Number(match[2]), gid: Number(match[3]) }))
}

/** The environment of the server's programs: nothing of ours, above all no `PG*`. */
export const serverEnvironment: NodeJS.ProcessEnv =
  process.platform === 'win32'
    ? Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/i.test(name)))
    : { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Options of `spawn` that start a program as the server's user. */
export const asServer = (user: ServerUser) => ({
  cwd: process.platform === 'win32' ? undefined : '/',
  env: serverEnvironment,
  ...(user && { uid: user.uid, gid: user.gid }),
})

/** True when the server's user can enter the directory; one that does not exist yet: its nearest ancestor. */
export function isReachable(directory: string, user: ServerUser): boolean {
  if (!user) return true
  let existing = resolve(directory)
  while (!existsSync(existing)) existing = dirname(existing)
  // Asked of the system rather than computed from mode bits, which know nothing of ACLs.
  const { status } = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', existing], {
    ...asServer(user),
    stdio: 'ignore',
    timeout: 10_000,
  })
  return status === 0
}

/**
 * The data directory to use when the operator named none: `preferred`, unless we are root and it lies where the
 * server's user cannot get (a home of mode 0700): then /var/lib/banyan, and the log says so.
 */
export function defaultDataDir(preferred: string, log: Log): string {
  const dataDir = resolve(preferred)
  const user = serverUser(dataDir)
  if (isReachable(dataDir, user)) return dataDir
  log.warn(
    { data_dir: systemDataDir },
    `the data is kept in ${systemDataDir}, since the database runs as “${user?.name}”, who cannot enter ${dataDir}`,
  )
  return systemDataDir
}

/**
 * Makes a directory, and those above it, that others cannot read. As root they can pass through it, as the server's
 * user must, whatever the mask of the process says (077 on some machines).
 */
export function makeOwnDirectory(directory: string): void {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700
  const firstMade = mkdirSync(directory, { recursive: true, mode })
  if (!firstMade) return
  for (let made = resolve(directory); made.length >= firstMade.length; made = dirname(made))
    chmodSync(made, mode)
}

/**
 * Makes the data directory if need be.
 * @throws {StartError} when the server's user cannot get there.
 */
export function makeDataDir(dataDir: string, user: ServerUser): void {
  makeOwnDirectory(dataDir)
  if (!isReachable(dataDir, user)) {
    throw new StartError(
      `PostgreSQL does not run as root, and the user “${user?.name}”, which it runs as instead, cannot enter ${dataDir}. Choose a directory that this user can reach (DATA_DIR=${systemDataDir}), or start Banyan as an ordinary user.`,
    )
  }
}

/** Gives a directory and all in it to the server's user. */
export function giveTo(user: ServerUser, directory: string): void {
  if (!user) return
  chownSync(directory, user.uid, user.gid)
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(directory, entry), user.uid, user.gid)
  }
}
