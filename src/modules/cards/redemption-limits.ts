import ipaddr from 'ipaddr.js'
import { type RawBuilder, sql } from 'kysely'
import type { Settings } from '#core/config.ts'
import type { Executor } from '#core/db/db.ts'
import type { redemptionSettings } from './redemption-config.ts'

export type LimitSettings = Pick<
  Settings<typeof redemptionSettings>,
  | 'CARDS_FAILURES_PER_USER'
  | 'CARDS_FAILURES_PER_ADDRESS'
  | 'CARDS_FAILURES_PER_MINUTE'
  | 'CARDS_LOCKOUT_MINUTES'
>

/** What failures are counted for: the user, the address, and everybody within the running minute. */
export type Scopes = { user: string; address: string; minute: string }

const firstWait_ms = 10_000
const minute_ms = 60_000

const day_ms = 86_400_000

const iso = (at: number) => new Date(at).toISOString()
export const longestWait_ms = (settings: LimitSettings) => settings.CARDS_LOCKOUT_MINUTES * minute_ms
/** How long after the last failure all are forgotten: a day after the longest wait, so that nobody begins anew with it. */
export const memory_ms = (settings: LimitSettings) => longestWait_ms(settings) + day_ms

export const scopesOf = (userId: string, ip: string, now: number): Scopes => ({
  user: `user:${userId}`,
  address: `ip:${networkOf(ip)}`,
  minute: `minute:${iso(now).slice(0, 16)}`,
})

/** An IPv6 network counts as one address: whoever has one has all of it. */
function networkOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip
  const address = ipaddr.process(ip)
  if (address.kind() === 'ipv4') return address.toString()
  return `${address.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`
}

/** The scopes of an attempt with its time, as values or as columns of a query. */
export type Waiter = Record<'user' | 'address' | 'minute' | 'at' | 'forgotten', RawBuilder<unknown>>

export const waiterOf = (
  { user, address, minute }: Scopes,
  now: number,
  settings: LimitSettings,
): Waiter => ({
  user: sql`${user}`,
  address: sql`${address}`,
  minute: sql`${minute}`,
  at: sql`${iso(now)}::timestamptz`,
  forgotten: sql`${forgottenOf(now, settings)}::timestamptz`,
})

/** Failures before it count no more. */
export const forgottenOf = (now: number, settings: LimitSettings): string => iso(now - memory_ms(settings))

/**
 * Until when one has to wait, as a query of one row and column; null: not at all. While the whole installation is over
 * its limit, only those wait who have failed lately, so that an attack does not shut out everybody else.
 */
export const waitOf = ({
  user,
  address,
  minute,
  at,
  forgotten,
}: Waiter): RawBuilder<{ blocked_until: string | null }> => sql`
  SELECT greatest(
    max(blocked_until) FILTER (WHERE scope <> ${minute} AND blocked_until > ${at}),
    max(blocked_until) FILTER (WHERE scope = ${minute} AND EXISTS (
      SELECT FROM cards_guard known WHERE known.scope IN (${user}, ${address})
        AND known.last_failed_at > ${forgotten}))
  ) AS blocked_until
  FROM cards_guard WHERE scope IN (${user}, ${address}, ${minute})`

/**
 * Counts a failure. The first ones are free; then each further one doubles the wait, up to the longest.
 */
export async function countFailure(
  tx: Executor,
  { user, address, minute }: Scopes,
  now: number,
  settings: LimitSettings,
): Promise<void> {
  // All take the rows in the same order, so that nobody waits for each other.
  const scopes = [address, minute, user].sort()
  const forgotten = forgottenOf(now, settings)
  const { rows } = await sql<{ scope: string; failures: number }>`
    INSERT INTO cards_guard AS held (scope, failures, last_failed_at)
    SELECT scope, 1, ${iso(now)} FROM unnest(${scopes}::text[]) AS scope ORDER BY scope
    ON CONFLICT (scope) DO UPDATE SET last_failed_at = excluded.last_failed_at,
      failures = CASE WHEN held.last_failed_at <= ${forgotten}::timestamptz THEN 1 ELSE held.failures + 1 END
    RETURNING scope, failures`.execute(tx)
  const failuresOf = (scope: string) => rows.find(row => row.scope === scope)?.failures ?? 0
  const until = new Map<string, number>()
  for (const [scope, free] of [
    [user, settings.CARDS_FAILURES_PER_USER],
    [address, settings.CARDS_FAILURES_PER_ADDRESS],
  ] as const) {
    const excess = failuresOf(scope) - free
    if (excess > 0)
      until.set(scope, now + Math.min(longestWait_ms(settings), firstWait_ms * 2 ** (excess - 1)))
  }
  if (failuresOf(minute) > settings.CARDS_FAILURES_PER_MINUTE)
    until.set(minute, now - (now % minute_ms) + minute_ms)
  if (until.size === 0) return
  await sql`
    UPDATE cards_guard SET blocked_until = wait.until
    FROM unnest(${[...until.keys()]}::text[], ${[...until.values()].map(iso)}::timestamptz[]) AS wait (scope, until)
    WHERE cards_guard.scope = wait.scope`.execute(tx)
}
