import { hashToken } from '#core/security/tokens.ts'
import type { Deps } from '../deps.ts'
import { tooManyAttempts } from '../errors.ts'
import { networkOf } from '../names.ts'
import { clearAttempts, giveBackAttempt, takeAttempt } from '../store/sign-ins.ts'

/** An account waits up to a quarter of an hour; an address is shared by many people, so it waits later and less. */
const accountRule = { free: 5, cap: 900 }
const addressRule = { free: 30, cap: 300 }

export type Throttle = ReturnType<typeof createThrottle>

/**
 * The lock-out. It lives in the database, so that it holds across processes and restarts, and counts names whether or
 * not they exist, so that it tells nothing about them.
 */
export function createThrottle({ db, clock }: Pick<Deps, 'db' | 'clock'>) {
  const addressKey = (ip: string) => `ip:${networkOf(ip)}`
  return {
    /**
     * Counts an attempt before the password is looked at.
     * @throws AppError `auth.too_many_attempts` while the account or the address must wait; that is not counted.
     */
    async begin(account: string, ip: string): Promise<void> {
      const now = new Date(clock.now())
      await db.transaction(async tx => {
        const until =
          (await takeAttempt(tx, account, accountRule, now)) ??
          (await takeAttempt(tx, addressKey(ip), addressRule, now))
        if (until !== null) throw tooSoon(until, now)
      })
    },
    /**
     * Slows down what cannot be told from guessing: whoever asks again and again waits longer and longer.
     * @throws AppError `auth.too_many_attempts`
     */
    async slow(key: string): Promise<void> {
      const now = new Date(clock.now())
      const until = await takeAttempt(db.primary, key, accountRule, now)
      if (until !== null) throw tooSoon(until, now)
    },
    /** The attempt was the right person's. */
    async succeed(account: string, ip: string): Promise<void> {
      await clearAttempts(db.primary, [account])
      await giveBackAttempt(db.primary, addressKey(ip), addressRule)
    },
    /** After a password reset, the person is not made to wait for what somebody else tried. */
    async clear(accounts: readonly string[]): Promise<void> {
      await clearAttempts(db.primary, accounts)
    },
  }
}

function tooSoon(until: string, now: Date) {
  const seconds = Math.max(1, Math.ceil((Date.parse(until) - now.getTime()) / 1000))
  return tooManyAttempts({ seconds }, { retryAfter: seconds })
}

/** The key of a sign-in name. Hashed, because people type passwords into the wrong field. */
export const accountKey = (name: string) => `name:${hashToken(name.normalize('NFKC').trim().toLowerCase())}`
