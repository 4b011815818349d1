import { type Kysely, sql } from 'kysely'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import { defaultTimeZone } from '#core/clock.ts'
import { userTag } from './actors.ts'
import type { Identity } from './contract.ts'
import type { Deps } from './deps.ts'
import { createJobsOfIdentity } from './jobs.ts'
import { createApiTokens } from './service/api-tokens.ts'
import { createAvatars } from './service/avatars.ts'
import { createBootstrap } from './service/bootstrap.ts'
import { createEmailLinks } from './service/email-links.ts'
import { createOrganisations } from './service/organisations.ts'
import { createPasswordService } from './service/passwords.ts'
import { createResetLinks } from './service/reset-links.ts'
import { createRoles } from './service/roles.ts'
import { createSessions } from './service/sessions.ts'
import { createSignIn } from './service/sign-in.ts'
import { createSignInLog } from './service/sign-in-log.ts'
import { createSignUp } from './service/sign-up.ts'
import { createThrottle } from './service/throttle.ts'
import { createUsers } from './service/users.ts'
import { memberRole } from './store/organisations.ts'
import { findUserBy, userCards, userIdsWithPermission, userIdsWithRole, vipUserIds } from './store/users.ts'
import type { IdentityTables } from './tables.ts'

export type IdentityService = ReturnType<typeof createIdentityService>

/** Every part of the module, made from the core. Each part keeps one kind of rule. */
export function createIdentityService(deps: Deps) {
  const throttle = createThrottle(deps)
  const sessions = createSessions(deps)
  const roles = createRoles(deps)
  const organisations = createOrganisations(deps)
  const resetLinks = createResetLinks(deps)
  const emailLinks = createEmailLinks(deps)
  const background = createJobsOfIdentity(deps, resetLinks)
  return {
    sessions,
    roles,
    organisations,
    emailLinks,
    background,
    signIn: createSignIn(deps, sessions, throttle),
    signUp: createSignUp(deps, roles, emailLinks),
    signInLog: createSignInLog(deps),
    passwords: createPasswordService(deps, sessions, throttle, background.sendPasswordReset),
    users: createUsers(deps, { roles, organisations, resetLinks, emailLinks, throttle }),
    apiTokens: createApiTokens(deps),
    avatars: createAvatars(deps),
    bootstrap: createBootstrap(deps),
  }
}

type Doors = Pick<Identity, 'authenticate' | 'authenticateUpgrade'>

/** What other modules may ask. */
export function createContract(
  { db, actors }: Pick<Deps, 'db' | 'actors'>,
  cache: Cache,
  { roles, bootstrap }: IdentityService,
  doors: Doors,
): Identity {
  const customs = (userId: string) =>
    cache.get(policies.l1, `identity.customs.${userId}`, () => customsOf(db.primary, userId), {
      tags: [userTag(userId)],
    })
  return {
    ...doors,
    ...bootstrap,
    actorFor: actors.actorFor,
    syncPermissions: roles.sync,
    async usersByIds(ids) {
      return new Map((await userCards(db.primary, ids)).map(card => [card.id, card]))
    },
    async userByName(username) {
      const user = await findUserBy(
        db.primary,
        'username_key',
        username.normalize('NFKC').trim().toLowerCase(),
      )
      if (!user?.is_active) return null
      return (await userCards(db.primary, [user.id]))[0] ?? null
    },
    timeZoneOf: async userId => (await customs(userId))?.time_zone ?? defaultTimeZone,
    localeOf: async userId => (await customs(userId))?.locale ?? 'zh-CN',
    async hasPassword(userId) {
      const row = await db.primary
        .selectFrom('identity_user')
        .select('password_hash')
        .where('id', '=', userId)
        .executeTakeFirst()
      return Boolean(row?.password_hash)
    },
    memberRole: (userId, organisationId) => memberRole(db.primary, organisationId, userId),
    isMember: async (userId, organisationId) =>
      (await memberRole(db.primary, organisationId, userId)) !== null,
    userIdsWithRole: role => userIdsWithRole(db.primary, role, 1000),
    userIdsWithPermission: permission => userIdsWithPermission(db.primary, permission, 1000),
    vipUserIds: (afterId, limit) => vipUserIds(db.primary, afterId, limit),
    async isVip(executor, userId) {
      const { rows } = await sql<{ is_vip: boolean }>`
        SELECT is_vip FROM identity_user WHERE id = ${userId}`.execute(executor)
      return rows[0]?.is_vip ?? false
    },
    async setVip(executor, userId, isVip) {
      await sql`UPDATE identity_user SET is_vip = ${isVip}, updated_at = now() WHERE id = ${userId}`.execute(
        executor,
      )
    },
  }
}

async function customsOf(db: Kysely<IdentityTables>, userId: string) {
  const row = await db
    .selectFrom('identity_user')
    .select(['time_zone', 'locale'])
    .where('id', '=', userId)
    .executeTakeFirst()
  return row ?? null
}
