import type { Transaction } from 'kysely'
import type { Locale } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { type Deps, type Origin, timeOf } from '../deps.ts'
import { invalidCredentials, linkInvalid } from '../errors.ts'
import { parseSignInName } from '../names.ts'
import { takeOneTimeToken } from '../store/sessions.ts'
import { recordSignIn } from '../store/sign-ins.ts'
import { findUser, findUserBy, updateUser } from '../store/users.ts'
import type { IdentityTables, SignInMethod } from '../tables.ts'
import type { Sessions } from './sessions.ts'
import { accountKey, type Throttle } from './throttle.ts'

type Tx = Transaction<IdentityTables>

export type SignInInput = { name: string; password: string; mode: 'token' | 'cookie' }

/** Passwords and one-time links, turned into sessions. */
export function createSignIn(deps: Deps, sessions: Sessions, throttle: Throttle) {
  const { db, clock, passwords } = deps

  const record = (tx: Tx | Deps['db']['primary'], attempt: Attempt, origin: Origin) =>
    recordSignIn(tx, { id: newId(), ...attempt, ip: origin.ip, user_agent: origin.user_agent.slice(0, 400) })

  async function findByName(name: string) {
    const parsed = parseSignInName(name)
    // Asked for even when the name can be nobody's, so that every answer has made the same way.
    const { column, value } = parsed ?? { column: 'username_key' as const, value: '' }
    return findUserBy(db.primary, column, value)
  }

  return {
    /**
     * Unknown name, wrong password, disabled account and account without a password all give the same answer after
     * the same work.
     * @throws AppError `auth.invalid_credentials`, `auth.too_many_attempts`, `auth.busy`
     */
    async withPassword({ name, password, mode }: SignInInput, origin: Origin) {
      const account = accountKey(name)
      await throttle.begin(account, origin.ip)
      const user = await findByName(name)
      const { ok, rehash } = await passwords.verify(password, user?.is_active ? user.password_hash : null)
      if (!user || !ok) {
        await record(db.primary, { user_id: user?.id ?? null, method: 'password', succeeded: false }, origin)
        throw invalidCredentials()
      }
      const password_hash = rehash ? await passwords.hash(password) : user.password_hash
      await throttle.succeed(account, origin.ip)
      return db.transaction(async tx => {
        // Locked until the session stands, so that disabling the account at this moment waits, and then ends it.
        const fresh = await updateUser(tx, user.id, { last_sign_in_at: timeOf(clock) })
        if (!fresh?.is_active || fresh.password_hash !== user.password_hash) throw invalidCredentials()
        if (rehash) await updateUser(tx, user.id, { password_hash })
        await record(tx, { user_id: user.id, method: 'password', succeeded: true }, origin)
        const opened =
          mode === 'cookie'
            ? { ...noTokens, ...(await sessions.openCookie(tx, user.id, origin)) }
            : { cookie: null, ...(await sessions.openTokens(tx, user.id, origin)) }
        return { user_id: user.id, ...opened }
      })
    },

    /**
     * Whoever signs in for the very first time by a link, as the first administrator does, gets the language of the
     * browser: nobody has asked for it before.
     * @throws AppError `auth.link_invalid`
     */
    async withLink(token: string, origin: Origin, locale: Locale) {
      return db.transaction(async tx => {
        const taken = await takeOneTimeToken(tx, hashToken(token), 'sign_in', timeOf(clock))
        const user = taken && (await findUser(tx, taken.user_id))
        if (!user?.is_active) throw linkInvalid()
        const isFirst = user.last_sign_in_at === null
        await updateUser(tx, user.id, { last_sign_in_at: timeOf(clock), ...(isFirst ? { locale } : {}) })
        await record(tx, { user_id: user.id, method: 'link', succeeded: true }, origin)
        return { user_id: user.id, ...noTokens, ...(await sessions.openCookie(tx, user.id, origin)) }
      })
    },
  }
}

type Attempt = { user_id: string | null; method: SignInMethod; succeeded: boolean }

const noTokens = { access_token: null, refresh_token: null, expires_in: null }
