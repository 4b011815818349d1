import { hkdfSync, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '#core/config.ts'
import { makeOwnDirectory } from '#core/db/embedded-user.ts'

export type Key = { id: string; key: Buffer }

/** A list of 256-bit keys for each purpose: the first is used, the others are still accepted. */
export type Keys = {
  /** Signs access and refresh tokens. */
  signing: Key[]
  /** Encrypts secret columns. */
  encryption: Key[]
  /** Everything else that must not be forged: cookies, links, cursors, webhooks. */
  hmac: Key[]
}

type KeySettings = { SECRET_KEY: string; DATABASE_URL: string }

const shortestSecret = 32

/**
 * The keys of this installation: derived from `SECRET_KEY` (several, separated by commas) where it is set, and else
 * from the key file `keys` in the data directory, which the first start makes (mode 0600). The file holds one secret
 * per line; to rotate, put a new one above the old.
 * @throws {ConfigError} when `SECRET_KEY` is too short, or missing although the database is an external one:
 *   another process on that database must have the same keys, and a file would be lost with its container.
 */
export function openKeys({ settings, dataDir }: { settings: KeySettings; dataDir: string }): Keys {
  if (settings.SECRET_KEY !== '') return deriveKeys(settings.SECRET_KEY.split(','), 'SECRET_KEY')
  if (settings.DATABASE_URL !== '') {
    throw new ConfigError(
      `SECRET_KEY is required with DATABASE_URL: at least ${shortestSecret} random characters, the same for every process on that database. Make one with: openssl rand -base64 48`,
    )
  }
  const path = join(dataDir, 'keys')
  return deriveKeys((readKeyFile(path) ?? makeKeyFile(path)).split('\n'), path)
}

/** Purposes get keys of their own (HKDF, RFC 5869), so that no use of one can be turned against another. */
function deriveKeys(texts: readonly string[], source: string): Keys {
  const secrets = texts.map(text => text.trim()).filter(text => text !== '')
  if (secrets.length === 0 || secrets.some(text => text.length < shortestSecret)) {
    throw new ConfigError(`Every key in ${source} must have at least ${shortestSecret} characters.`)
  }
  const keysFor = (purpose: string) =>
    secrets.map(secret => ({
      id: derive(secret, 'key id', 6).toString('hex'),
      key: derive(secret, purpose, 32),
    }))
  return {
    signing: keysFor('token signing'),
    encryption: keysFor('secret encryption'),
    hmac: keysFor('hmac'),
  }
}

const derive = (secret: string, purpose: string, bytes: number) =>
  Buffer.from(hkdfSync('sha256', secret, '', `banyan ${purpose}`, bytes))

function readKeyFile(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8')
    chmodSync(path, 0o600) // a restored backup may have opened it
    return text
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** The file appears whole or not at all, and of two first starts both end up with the same keys. */
function makeKeyFile(path: string): string {
  makeOwnDirectory(dirname(path))
  const unfinished = `${path}.${randomBytes(6).toString('hex')}`
  const descriptor = openSync(unfinished, 'wx', 0o600)
  try {
    writeSync(descriptor, `${randomBytes(48).toString('base64url')}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(unfinished, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    unlinkSync(unfinished)
  }
  return readFileSync(path, 'utf8')
}
