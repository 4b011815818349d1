import { sql } from 'kysely'
import { defaultTimeZone } from '#core/clock.ts'
import { AppError, StartError } from '#core/errors.ts'
import { newId, newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { UserCreated } from '../contract.ts'
import { type Deps, day, timeOf } from '../deps.ts'
import { userNotFound } from '../errors.ts'
import { parseEmail, parseSignInName } from '../names.ts'
import { insertOneTimeToken } from '../store/sessions.ts'
import { anyUserExists, findUserBy, firstSuperAdmin, insertUser, type UserRow } from '../store/users.ts'
import { assertGoodPassword } from './passwords.ts'

/** Any fixed number: it names the lock under which one of several starting processes makes the administrator. */
const bootstrapLock = 7_226_931

/** The first administrator, and links that let one in without a password. */
export function createBootstrap({ db, clock, events, passwords, settings }: Deps) {
  async function linkFor(user: UserRow) {
    const token = newToken()
    const expires_at = timeOf(clock, day)
    await insertOneTimeToken(db.primary, {
      token_hash: hashToken(token),
      user_id: user.id,
      purpose: 'sign_in',
      expires_at,
    })
    return { token, username: user.username, expires_at }
  }

  function givenAdministrator() {
    const { ADMIN_EMAIL, ADMIN_PASSWORD } = settings
    try {
      const email = ADMIN_EMAIL ? parseEmail(ADMIN_EMAIL) : null
      if (ADMIN_PASSWORD) assertGoodPassword(ADMIN_PASSWORD, { username: 'admin', email })
      return { email, password: ADMIN_PASSWORD || null }
    } catch (error) {
      if (error instanceof AppError)
        throw new StartError(`ADMIN_EMAIL or ADMIN_PASSWORD is not acceptable: ${error.message}`)
      throw error
    }
  }

  async function makeFirst() {
    await db.transaction(async tx => {
      await sql`SELECT pg_advisory_xact_lock(${bootstrapLock})`.execute(tx)
      if (await anyUserExists(tx)) return
      const { email, password } = givenAdministrator()
      const id = newId()
      await insertUser(tx, {
        id,
        username: 'admin',
        username_key: 'admin',
        email,
        phone: null,
        password_hash: password === null ? null : await passwords.hash(password),
        display_name: 'Admin',
        locale: 'zh-CN',
        time_zone: defaultTimeZone,
        roles: ['super_admin'],
      })
      await events.publish(tx, UserCreated, { user_id: id })
    })
  }

  return {
    async bootstrap(): Promise<{ sign_in_link_token: string } | null> {
      await makeFirst()
      const admin = await firstSuperAdmin(db.primary)
      if (!admin || admin.password_hash !== null || admin.last_sign_in_at !== null) return null
      return { sign_in_link_token: (await linkFor(admin)).token }
    },

    async createSignInLink(name?: string) {
      const parsed = name === undefined ? null : parseSignInName(name)
      const user =
        name === undefined
          ? await firstSuperAdmin(db.primary)
          : parsed && (await findUserBy(db.primary, parsed.column, parsed.value))
      if (!user?.is_active) throw userNotFound()
      return linkFor(user)
    },
  }
}
