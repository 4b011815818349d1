import { defaultTimeZone } from '#core/clock.ts'
import type { Locale } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { TestApp } from '#core/testing/app.ts'
import { identityKey, UserCreated } from './contract.ts'
import { insertSession } from './store/sessions.ts'
import { insertUser } from './store/users.ts'
import type { IdentityTables } from './tables.ts'

export type TestUser = {
  user: { id: string; username: string; email: string | null }
  /** For `fetch`: a bearer access token that holds for 15 minutes. */
  headers: { authorization: string }
  access_token: string
  actor: Actor
}

type Options = {
  username?: string
  email?: string
  /** Without one the account has no password, which is faster. */
  password?: string
  roles?: string[]
  locale?: Locale
  time_zone?: string
}

let count = 0

/** A new account, signed in, without the detour over HTTP. `identity.user.created` is published as usual. */
export async function signUp({ app, core }: TestApp, options: Options = {}): Promise<TestUser> {
  const db = core.db.withTables<IdentityTables>()
  const username = options.username ?? `user-${++count}-${newId().slice(-6)}`
  const { email = null, roles = ['user'], locale = 'en', time_zone = defaultTimeZone } = options
  const id = newId()
  const password_hash = options.password === undefined ? null : await core.passwords.hash(options.password)
  const session_id = newId()
  const now = core.clock.now()
  await db.transaction(async tx => {
    const user = { id, username, username_key: username.toLowerCase(), email, phone: null, password_hash }
    const isNew = await insertUser(tx, { ...user, display_name: username, locale, time_zone, roles })
    if (!isNew) throw new Error(`The test user “${username}” exists already`)
    await insertSession(tx, {
      id: session_id,
      user_id: id,
      token_hash: null,
      ip: '127.0.0.1',
      user_agent: 'test',
      created_at: new Date(now).toISOString(),
      last_used_at: new Date(now).toISOString(),
      expires_at: new Date(now + 86_400_000).toISOString(),
    })
    await core.events.publish(tx, UserCreated, { user_id: id })
  })
  const { token } = await core.tokens.signAccess({ user_id: id, session_id })
  const standing = await app.use(identityKey).actorFor(id)
  if (!standing) throw new Error('The test user cannot act')
  return {
    user: { id, username, email },
    headers: { authorization: `Bearer ${token}` },
    access_token: token,
    actor: { ...standing, via: 'access', session_id },
  }
}

/** A new super_admin, signed in. */
export const signInAdmin = (app: TestApp, options: Options = {}): Promise<TestUser> =>
  signUp(app, { ...options, roles: ['super_admin'] })

/* For `src/access-matrix.test.ts`, which asks every route and channel by five kinds of caller. */

export const callers = ['anonymous', 'other', 'outsider', 'admin', 'owner'] as const
export type Caller = (typeof callers)[number]

/** 401, 403 or 404: turned away. `ok`: let in, be it to hear that the body is wrong. */
export type AccessOutcome = 'ok' | 401 | 403 | 404
export type AccessRow = Record<Caller, AccessOutcome>

export const anyone: AccessRow = { anonymous: 'ok', other: 'ok', outsider: 'ok', admin: 'ok', owner: 'ok' }
export const signedIn: AccessRow = { ...anyone, anonymous: 401 }
export const admins: AccessRow = { anonymous: 401, other: 403, outsider: 403, admin: 'ok', owner: 403 }
export const own: AccessRow = { anonymous: 401, other: 404, outsider: 404, admin: 404, owner: 'ok' }
export const ownOrAdmin: AccessRow = { ...own, admin: 'ok' }

export type AccessContext = {
  app: TestApp
  admin: TestUser
  ask(method: string, path: string, who: TestUser | null, body?: object): Promise<Response>
  /** Makes a thing by `POST /api/v1<path>`; its id. */
  post(path: string, user: TestUser, body: object): Promise<string>
}

/** Makes what stands in a path, for its owner; returns what fills `:id`. */
export type Thing = (owner: TestUser, context: AccessContext) => Promise<string>
export type AccessEntry = AccessRow & { thing?: Thing; body?: object; query?: string }

/** What a module adds to the table, by `METHOD /path` and by channel pattern. */
export type ModuleAccess = {
  routes: Record<string, AccessEntry>
  channels: Record<string, AccessEntry>
}

/** A row about a thing in the path, which is made anew for each caller. */
export const of = (row: AccessRow, thing: Thing, body?: object): AccessEntry => ({
  ...row,
  thing,
  ...(body ? { body } : {}),
})
