import type { Transaction } from 'kysely'
import type { Actor } from '#core/http/route.ts'
import { newId, newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { cookieSeconds } from '../cookies.ts'
import { type Deps, day, type Origin, timeOf } from '../deps.ts'
import { apiTokenRefused, refreshReused, sessionNotFound, tokenInvalid } from '../errors.ts'
import {
  deleteSession,
  deleteSessions,
  extendSession,
  findRefreshToken,
  insertRefreshToken,
  insertSession,
  listSessions,
  lockSession,
  markRefreshTokenUsed,
} from '../store/sessions.ts'
import type { IdentityTables } from '../tables.ts'

type Tx = Transaction<IdentityTables>

/** A token session ends when it has not been refreshed for this long. */
const refreshLife = 30 * day
/** Two refreshes with one token this close together are a race (two tabs, a retry), not a theft. */
const raceWindow = 10_000

export type Sessions = ReturnType<typeof createSessions>

/** Browser sessions, token sessions, and the rotation of refresh tokens. */
export function createSessions({ db, clock, tokens, actors, realtime }: Deps) {
  const sessionRow = (user_id: string, origin: Origin, life: number) => ({
    id: newId(),
    user_id,
    token_hash: null,
    ip: origin.ip,
    user_agent: origin.user_agent.slice(0, 400),
    created_at: timeOf(clock),
    last_used_at: timeOf(clock),
    expires_at: timeOf(clock, life),
  })

  /** Out at once, on all processes: what is cached, and the sockets of the sessions that ended. */
  async function dropped(userId: string, sessionIds: readonly string[]) {
    await actors.forget(userId)
    for (const id of sessionIds) await realtime.disconnectUser(userId, id)
  }

  return {
    dropped,

    async openCookie(tx: Tx, userId: string, origin: Origin): Promise<{ cookie: string }> {
      const cookie = newToken()
      const row = sessionRow(userId, origin, cookieSeconds * 1000)
      await insertSession(tx, { ...row, token_hash: hashToken(cookie) })
      return { cookie }
    },

    async openTokens(tx: Tx, userId: string, origin: Origin): Promise<TokenPair> {
      const row = sessionRow(userId, origin, refreshLife)
      const refresh = newToken()
      await insertSession(tx, row)
      await insertRefreshToken(tx, { token_hash: hashToken(refresh), session_id: row.id })
      const { token, expires_in } = await tokens.signAccess({ user_id: userId, session_id: row.id })
      return { access_token: token, refresh_token: refresh, expires_in }
    },

    /**
     * Trades a refresh token for its successor. A token that comes a second time was stolen, from the one side or
     * the other, so the whole session ends; only within the race window, and while the successor is still unused,
     * does the second caller get the same successor as the first.
     * @throws AppError `auth.token_invalid`, `auth.refresh_reused`
     */
    async refresh(refreshToken: string): Promise<TokenPair & { user_id: string }> {
      const hash = hashToken(refreshToken)
      const found = await findRefreshToken(db.primary, hash)
      if (!found) throw tokenInvalid()
      const outcome = await db.transaction(async tx => {
        const session = await lockSession(tx, found.session_id)
        const now = clock.now()
        if (!session || Date.parse(session.expires_at) <= now) return null
        const token = await findRefreshToken(tx, hash)
        const successor = tokens.successor(refreshToken)
        if (!token) return null
        if (token.used_at === null) {
          await markRefreshTokenUsed(tx, hash, timeOf(clock))
          await insertRefreshToken(tx, { token_hash: hashToken(successor), session_id: session.id })
          await extendSession(tx, session.id, {
            last_used_at: timeOf(clock),
            expires_at: timeOf(clock, refreshLife),
          })
          return { session, successor }
        }
        const next = await findRefreshToken(tx, hashToken(successor))
        if (now - Date.parse(token.used_at) <= raceWindow && next?.used_at === null)
          return { session, successor }
        await deleteSession(tx, session.user_id, session.id)
        return { session, successor: null }
      })
      if (!outcome) throw tokenInvalid()
      const { session, successor } = outcome
      if (successor === null) {
        await dropped(session.user_id, [session.id])
        throw refreshReused()
      }
      // A disabled user has no sessions left, so whoever gets here may act.
      const { token, expires_in } = await tokens.signAccess({
        user_id: session.user_id,
        session_id: session.id,
      })
      return { user_id: session.user_id, access_token: token, refresh_token: successor, expires_in }
    },

    async list(actor: Actor) {
      const rows = await listSessions(db.primary, actor.user_id, timeOf(clock))
      return {
        items: rows.map(({ user_id: _, token_hash: __, expires_at: ___, ...row }) => ({
          ...row,
          is_current: row.id === actor.session_id,
        })),
      }
    },

    /** @throws AppError `session.not_found` */
    async revoke(actor: Actor, id: string): Promise<void> {
      assertPerson(actor)
      if (!(await deleteSession(db.primary, actor.user_id, id))) throw sessionNotFound()
      await dropped(actor.user_id, [id])
    },

    /** Ends this session, or all of the user's. API tokens stay: they are revoked one by one. */
    async signOut(actor: Actor, everywhere: boolean): Promise<void> {
      assertPerson(actor)
      if (everywhere) return dropped(actor.user_id, await deleteSessions(db.primary, actor.user_id))
      if (!actor.session_id) return
      await deleteSession(db.primary, actor.user_id, actor.session_id)
      await dropped(actor.user_id, [actor.session_id])
    },
  }
}

export type TokenPair = { access_token: string; refresh_token: string; expires_in: number }

/**
 * Credentials are managed by the person, never by an API token, or a leaked narrow token could make a wide one.
 * @throws AppError `auth.api_token_refused`
 */
export function assertPerson(actor: Actor): void {
  if (actor.via === 'api_token') throw apiTokenRefused()
}
