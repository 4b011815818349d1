import { type Kysely, sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import { hashToken, isApiToken, type Tokens } from '#core/security/tokens.ts'
import type { IdentityTables } from './tables.ts'

/** What a credential says by itself, for ever: whose it is and until when. Whether it still holds is asked each time. */
type Claims = Holder & { expires_at: number }

type Holder = {
  via: Actor['via']
  user_id: string
  /** Of the session, the API token, or, for the system, of the user. */
  id: string
  scopes: readonly string[] | null
}

/** A user who may act, through a session or token that still holds. */
type Standing = { roles: string[]; permissions: string[]; locale: Locale; time_zone: string }

export type Credential = { kind: 'bearer' | 'cookie'; token: string }

/** An actor, and the scopes that narrow it when an API token brought it. */
export type Grant = { actor: Actor; scopes: readonly string[] | null }

export type Actors = {
  /** Null for a credential that is forged, unknown, expired or revoked, or whose user is disabled. */
  fromCredential(credential: Credential): Promise<Grant | null>
  /** The system acting for a user; null when the user is disabled or gone. */
  actorFor(userId: string): Promise<Actor | null>
  /** Everything known of these users is asked for again, on all processes. Call it after the commit. */
  forget(...userIds: string[]): Promise<void>
  /** The same for everybody: a role has changed. */
  forgetRoles(): Promise<void>
}

const rolesTag = 'identity.roles'
export const userTag = (userId: string) => `identity.user.${userId}`

/** A session's or token's `last_used_at` is written at most this often, in milliseconds. */
const touchEvery = 60_000

type Dependencies = { db: Db<IdentityTables>; cache: Cache; tokens: Tokens; clock: Clock; log: Log }

/**
 * Turns credentials into actors. When warm, a request costs one hash and a few look-ups in memory, none in the
 * database: the claims never change, and what does change is dropped from `core.cache` the moment it does. That
 * cache copies what it gives, so it holds only a stamp, and the actor of a stamp stays here, ready made.
 */
export function createActors({ db, cache, tokens, clock, log }: Dependencies): Actors {
  const known = new LRUCache<string, Claims>({ max: 20_000 })
  const made = new LRUCache<string, Actor>({ max: 20_000 })
  const permissionSets = new LRUCache<string, ReadonlySet<string>>({ max: 500 })
  const touched = new LRUCache<string, number>({ max: 20_000 })

  async function claimsOf({ kind, token }: Credential): Promise<Claims | null> {
    if (kind === 'cookie') return cookieClaims(db.primary, hashToken(token))
    if (isApiToken(token)) return apiTokenClaims(db.primary, hashToken(token))
    const access = await tokens.verifyAccess(token)
    if (!access) return null
    const { user_id, session_id, expires_at } = access
    return { via: 'access', user_id, id: session_id, scopes: null, expires_at }
  }

  async function makeActor({ via, user_id, id, scopes }: Holder): Promise<Actor | null> {
    const standing = await loaders[via](db.primary, id)
    if (!standing) return null
    const { roles, permissions, locale, time_zone } = standing
    const granted = scopes
      ? permissions.filter(name => scopes.some(scope => scopeCovers(scope, name)))
      : permissions
    // Most people have the same ones: they share a set.
    const key = granted.sort().join()
    const set = permissionSets.get(key) ?? new Set(granted)
    permissionSets.set(key, set)
    const session_id = via === 'access' || via === 'session' ? id : null
    return { user_id, via, session_id, roles, permissions: set, locale, time_zone }
  }

  async function actorOf(holder: Holder): Promise<Actor | null> {
    const stamp = await cache.get(
      policies.session,
      holder.id,
      async () => {
        const actor = await makeActor(holder)
        if (!actor) return null
        const fresh = newId()
        made.set(fresh, actor)
        return fresh
      },
      { tags: [userTag(holder.user_id), rolesTag] },
    )
    if (stamp === null) return null
    const ready = made.get(stamp)
    if (ready) return ready
    // Another process gave out the stamp.
    const actor = await makeActor(holder)
    if (actor) made.set(stamp, actor)
    return actor
  }

  function touch({ via, id }: Claims, now: number) {
    if (now - (touched.get(id) ?? 0) < touchEvery) return
    touched.set(id, now)
    const table = via === 'api_token' ? 'identity_api_token' : 'identity_session'
    const before = new Date(now - touchEvery).toISOString()
    db.primary
      .updateTable(table)
      .set({ last_used_at: new Date(now).toISOString() })
      .where('id', '=', id)
      .where(eb => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', before)]))
      .execute()
      .catch(error => log.warn({ error }, 'the last use of a session could not be written'))
  }

  return {
    async fromCredential(credential) {
      const key = `${credential.kind} ${hashToken(credential.token)}`
      let claims = known.get(key)
      if (!claims) {
        const found = await claimsOf(credential)
        if (!found) return null
        known.set(key, found)
        claims = found
      }
      const now = clock.now()
      if (claims.expires_at <= now) return null
      const actor = await actorOf(claims)
      if (!actor) return null
      touch(claims, now)
      return { actor, scopes: claims.scopes }
    },
    actorFor: userId => actorOf({ via: 'system', user_id: userId, id: userId, scopes: null }),
    forget: (...userIds) => cache.invalidate(...userIds.map(userTag)),
    forgetRoles: () => cache.invalidate(rolesTag),
  }
}

/** `read` covers every permission, but only safe methods: see `scopesAllow`. */
const scopeCovers = (scope: string, permission: string) =>
  scope === 'all' ||
  scope === 'read' ||
  scope === permission ||
  (scope === 'chat' && permission.startsWith('chat.'))

async function cookieClaims(db: Kysely<IdentityTables>, hash: string): Promise<Claims | null> {
  const row = await db
    .selectFrom('identity_session')
    .select(['id', 'user_id', 'expires_at'])
    .where('token_hash', '=', hash)
    .executeTakeFirst()
  if (!row) return null
  return {
    via: 'session',
    user_id: row.user_id,
    id: row.id,
    scopes: null,
    expires_at: Date.parse(row.expires_at),
  }
}

async function apiTokenClaims(db: Kysely<IdentityTables>, hash: string): Promise<Claims | null> {
  const row = await db
    .selectFrom('identity_api_token')
    .select(['id', 'user_id', 'scopes', 'expires_at'])
    .where('token_hash', '=', hash)
    .executeTakeFirst()
  if (!row) return null
  return {
    via: 'api_token',
    user_id: row.user_id,
    id: row.id,
    scopes: row.scopes,
    expires_at: row.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.expires_at),
  }
}

const standingColumns = sql`
  u.roles, u.locale, u.time_zone,
  CASE WHEN 'super_admin' = ANY (u.roles)
    THEN ARRAY(SELECT p.name FROM identity_permission p)
    ELSE ARRAY(SELECT DISTINCT unnest(r.permissions) FROM identity_role r WHERE r.name = ANY (u.roles))
  END AS permissions`

const mayAct = sql`u.is_active AND u.deleted_at IS NULL`

async function sessionStanding(db: Kysely<IdentityTables>, id: string): Promise<Standing | null> {
  const { rows } = await sql<Standing>`
    SELECT ${standingColumns} FROM identity_session s JOIN identity_user u ON u.id = s.user_id
    WHERE s.id = ${id} AND ${mayAct}`.execute(db)
  return rows[0] ?? null
}

async function tokenStanding(db: Kysely<IdentityTables>, id: string): Promise<Standing | null> {
  const { rows } = await sql<Standing>`
    SELECT ${standingColumns} FROM identity_api_token t JOIN identity_user u ON u.id = t.user_id
    WHERE t.id = ${id} AND ${mayAct}`.execute(db)
  return rows[0] ?? null
}

async function userStanding(db: Kysely<IdentityTables>, id: string): Promise<Standing | null> {
  const { rows } = await sql<Standing>`
    SELECT ${standingColumns} FROM identity_user u WHERE u.id = ${id} AND ${mayAct}`.execute(db)
  return rows[0] ?? null
}

const loaders = {
  access: sessionStanding,
  session: sessionStanding,
  api_token: tokenStanding,
  system: userStanding,
}
