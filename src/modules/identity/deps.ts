import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import type { Actors } from './actors.ts'
import type { identitySettings } from './config.ts'
import type { IdentityTables } from './tables.ts'

/** What the services of this module are made from. */
export type Deps = Pick<
  Core,
  'events' | 'jobs' | 'mail' | 'passwords' | 'realtime' | 'storage' | 'tokens'
> & {
  db: Db<IdentityTables>
  clock: Clock
  actors: Actors
  settings: Settings<typeof identitySettings>
  /** Where people reach this server, without a slash at the end: what links in e-mails begin with. */
  publicUrl: string
  /** The server can be reached from this machine only. */
  isLoopback: boolean
}

/** A reverse proxy or a public address opens a server to strangers even when it listens on loopback itself. */
export function isLoopbackOnly({
  HOST,
  PUBLIC_URL,
  TRUSTED_PROXIES,
}: Pick<Core['settings'], 'HOST' | 'PUBLIC_URL' | 'TRUSTED_PROXIES'>): boolean {
  const isLoopback = (host: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host)
  const isPublic = PUBLIC_URL !== '' && !isLoopback(new URL(PUBLIC_URL).hostname)
  return isLoopback(HOST) && !isPublic && TRUSTED_PROXIES.length === 0
}

/** Where a request came from, for the sign-in log and the lock-out. */
export type Origin = { ip: string; user_agent: string }

/** The clock's time as the database and the wire write it. */
export const timeOf = (clock: Clock, inMilliseconds = 0): string =>
  new Date(clock.now() + inMilliseconds).toISOString()

export const hour = 3_600_000
export const day = 24 * hour
