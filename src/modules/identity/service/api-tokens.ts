import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { hashToken, newApiToken } from '#core/security/tokens.ts'
import { type Deps, timeOf } from '../deps.ts'
import { apiTokenLimit, apiTokenNotFound, expiryPassed, scopeUnknown } from '../errors.ts'
import { type ApiTokenRow, deleteApiToken, insertApiToken, listApiTokens } from '../store/sessions.ts'
import { assertPerson } from './sessions.ts'

/** Scopes that stand for many permissions. Any other scope is the name of one permission. */
const scopeSets = new Set(['all', 'read', 'chat'])
const maxTokens = 100

/** `bnt_…` tokens for programs: shown once, narrowed by scopes, valid until they expire or are revoked. */
export function createApiTokens({ db, clock, actors }: Pick<Deps, 'db' | 'clock' | 'actors'>) {
  return {
    async list(actor: Actor) {
      return { items: (await listApiTokens(db.primary, actor.user_id, maxTokens)).map(view) }
    },

    /** @throws AppError `scope.unknown`, `api_token.too_many`, `api_token.expiry_passed`, `auth.api_token_refused` */
    async create(actor: Actor, input: { name: string; scopes: string[]; expires_at?: string | null }) {
      assertPerson(actor)
      for (const scope of input.scopes)
        if (!scopeSets.has(scope) && !actor.permissions.has(scope)) throw scopeUnknown({ scope })
      if (input.expires_at && Date.parse(input.expires_at) <= clock.now()) throw expiryPassed()
      if ((await listApiTokens(db.primary, actor.user_id, maxTokens)).length >= maxTokens)
        throw apiTokenLimit({ max: maxTokens })
      const token = newApiToken()
      const row: ApiTokenRow = {
        id: newId(),
        user_id: actor.user_id,
        name: input.name,
        token_hash: hashToken(token),
        last_four: token.slice(-4),
        scopes: [...new Set(input.scopes)],
        created_at: timeOf(clock),
        last_used_at: null,
        expires_at: input.expires_at ?? null,
      }
      await insertApiToken(db.primary, row)
      return { ...view(row), token }
    },

    /** Holds at once, on all processes. @throws AppError `api_token.not_found` */
    async revoke(actor: Actor, id: string) {
      assertPerson(actor)
      if (!(await deleteApiToken(db.primary, actor.user_id, id))) throw apiTokenNotFound()
      await actors.forget(actor.user_id)
    },
  }
}

const view = ({ user_id: _, token_hash: __, ...token }: ApiTokenRow) => token
