import type { Actor } from '#core/http/route.ts'
import type { JobDefinition } from '#core/jobs/jobs.ts'
import { passwordProblem } from '#core/security/passwords.ts'
import { hashToken } from '#core/security/tokens.ts'
import { type Deps, timeOf } from '../deps.ts'
import { linkInvalid, passwordErrors, userNotFound, wrongPassword } from '../errors.ts'
import { parseSignInName } from '../names.ts'
import { deleteOneTimeTokens, deleteSessions, takeOneTimeToken } from '../store/sessions.ts'
import { findUser, findUserBy, updateUser } from '../store/users.ts'
import { assertPerson, type Sessions } from './sessions.ts'
import { accountKey, type Throttle } from './throttle.ts'

export type PasswordService = ReturnType<typeof createPasswordService>

/** Changing a password, and getting back in without it. */
export function createPasswordService(
  deps: Deps,
  sessions: Sessions,
  throttle: Throttle,
  forgotten: JobDefinition<{ user_id: string | null }>,
) {
  const { db, clock, jobs, passwords } = deps

  return {
    /**
     * Every other session ends. `current` may be null only while the account has no password.
     * @throws AppError `password.wrong`, `password.*`, `auth.too_many_attempts`
     */
    async change(actor: Actor, current: string | null, next: string, ip: string): Promise<void> {
      assertPerson(actor)
      const user = await findUser(db.primary, actor.user_id)
      if (!user) throw userNotFound()
      const key = `password:${user.id}`
      if (user.password_hash !== null) {
        await throttle.begin(key, ip)
        const { ok } = await passwords.verify(current ?? '', user.password_hash)
        if (!ok) throw wrongPassword()
        await throttle.succeed(key, ip)
      }
      assertGoodPassword(next, user)
      const password_hash = await passwords.hash(next)
      const ended = await db.transaction(async tx => {
        await updateUser(tx, user.id, { password_hash })
        await deleteOneTimeTokens(tx, user.id)
        return deleteSessions(tx, user.id, actor.session_id)
      })
      await sessions.dropped(user.id, ended)
    },

    /** A known and an unknown address give the same answer after the same work: the rest is done by a job. */
    async forgot(email: string): Promise<void> {
      const parsed = parseSignInName(email)
      const user =
        parsed?.column === 'email' ? await findUserBy(db.primary, 'email', parsed.value) : undefined
      const user_id = user?.is_active ? user.id : null
      await jobs.add(db.primary, forgotten, { user_id })
    },

    /**
     * Sets the password that a reset link allows, ends every session, and lets the person in at once even when
     * somebody else had the account locked.
     * @throws AppError `auth.link_invalid`, `password.*`
     */
    async reset(token: string, next: string): Promise<void> {
      const { user, ended } = await db.transaction(async tx => {
        const taken = await takeOneTimeToken(tx, hashToken(token), 'password_reset', timeOf(clock))
        const found = taken && (await findUser(tx, taken.user_id))
        if (!found?.is_active) throw linkInvalid()
        // Thrown inside, so that the link can be used again with a better password.
        assertGoodPassword(next, found)
        await updateUser(tx, found.id, { password_hash: await passwords.hash(next) })
        await deleteOneTimeTokens(tx, found.id)
        return { user: found, ended: await deleteSessions(tx, found.id) }
      })
      await throttle.clear(
        [user.username, user.email, user.phone].flatMap(name => (name ? accountKey(name) : [])),
      )
      await sessions.dropped(user.id, ended)
    },
  }
}

/** @throws AppError `password.*` */
export function assertGoodPassword(
  password: string,
  { username, email }: { username: string; email: string | null },
): void {
  const problem = passwordProblem(password, [username, email])
  if (problem) throw passwordErrors[problem]()
}
