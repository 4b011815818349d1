import type { Transaction } from 'kysely'
import { z } from 'zod'
import { CursorTime, decodeCursor, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId, newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { MemberRemoved, OrganisationDeleted, type OrganisationRole } from '../contract.ts'
import { type Deps, day, timeOf } from '../deps.ts'
import {
  invitationInvalid,
  invitationNotFound,
  lastOwner,
  memberNotFound,
  organisationLimit,
  organisationNotFound,
  organisationRoleNeeded,
} from '../errors.ts'
import { organisationMail } from '../mails.ts'
import { parseDisplayName, parseEmail } from '../names.ts'
import * as store from '../store/organisations.ts'
import { avatarUrl, findUser } from '../store/users.ts'
import type { IdentityTables } from '../tables.ts'

type Tx = Transaction<IdentityTables>

const rank: Record<OrganisationRole, number> = { owner: 3, admin: 2, member: 1 }
const maxOrganisations = 100

export type Organisations = ReturnType<typeof createOrganisations>

/**
 * Organisations and their members. An owner may do everything; an admin manages members and other admins; there is
 * always an owner. To others than its members an organisation does not exist.
 */
export function createOrganisations({ db, clock, events, mail, publicUrl }: Omit<Deps, 'passwords'>) {
  /** @throws AppError `organisation.not_found`, `organisation.role_needed` */
  async function roleIn(tx: Tx | Deps['db']['primary'], actor: Actor, id: string, needed: OrganisationRole) {
    const role = actor.permissions.has('identity.organisations.manage')
      ? 'owner'
      : await store.memberRole(tx, id, actor.user_id)
    if (role === null) throw organisationNotFound()
    if (rank[role] < rank[needed]) throw organisationRoleNeeded({ role: needed })
    return role
  }

  async function lock(tx: Tx, id: string) {
    const organisation = await store.lockOrganisation(tx, id)
    if (!organisation) throw organisationNotFound()
    return organisation
  }

  async function assertMayJoinMore(tx: Tx, userId: string) {
    if ((await store.organisationsOf(tx, userId)).length >= maxOrganisations)
      throw organisationLimit({ max: maxOrganisations })
  }

  async function remove(tx: Tx, organisation_id: string, user_id: string) {
    await store.deleteMember(tx, organisation_id, user_id)
    await events.publish(tx, MemberRemoved, { organisation_id, user_id })
  }

  return {
    async create(actor: Actor, name: string) {
      return db.transaction(async tx => {
        await assertMayJoinMore(tx, actor.user_id)
        const row = await store.insertOrganisation(tx, {
          id: newId(),
          name: parseDisplayName(name),
          created_by: actor.user_id,
        })
        await store.addMember(tx, row.id, actor.user_id, 'owner')
        return row
      })
    },

    /** One's own; with `all`, for those who may manage all, everybody's. */
    async list(actor: Actor, all: boolean, limit: number, cursor: string | undefined) {
      const before = decodeCursor(cursor, z.tuple([z.uuid()]))
      const userId = all && actor.permissions.has('identity.organisations.manage') ? null : actor.user_id
      const rows = await store.listOrganisations(db.primary, userId, before?.[0] ?? null, limit + 1)
      return pageFrom(rows, limit, row => [row.id])
    },

    async get(actor: Actor, id: string) {
      await roleIn(db.primary, actor, id, 'member')
      const organisation = await store.findOrganisation(db.primary, id)
      if (!organisation) throw organisationNotFound()
      return organisation
    },

    async rename(actor: Actor, id: string, name: string) {
      return db.transaction(async tx => {
        await lock(tx, id)
        await roleIn(tx, actor, id, 'admin')
        await store.renameOrganisation(tx, id, parseDisplayName(name))
        return lock(tx, id)
      })
    },

    async delete(actor: Actor, id: string) {
      await db.transaction(async tx => {
        await roleIn(tx, actor, id, 'owner')
        await lock(tx, id)
        await store.deleteOrganisation(tx, id)
        await events.publish(tx, OrganisationDeleted, { organisation_id: id })
      })
    },

    async members(actor: Actor, id: string, limit: number, cursor: string | undefined) {
      await roleIn(db.primary, actor, id, 'member')
      const after = decodeCursor(cursor, z.tuple([z.int32(), CursorTime, z.uuid()]))
      const rows = await store.listMembers(db.primary, id, after, limit + 1)
      const page = pageFrom(rows, limit, row => [row.rank, row.created_at, row.user_id])
      const items = page.items.map(({ user_id, avatar_key, username, display_name, role, created_at }) => ({
        user_id,
        username,
        display_name,
        avatar_url: avatarUrl({ id: user_id, avatar_key }),
        role,
        created_at,
      }))
      return { ...page, items }
    },

    /** Only an owner makes or unmakes owners. @throws AppError `organisation.last_owner`, `member.not_found` */
    async setRole(actor: Actor, id: string, userId: string, role: OrganisationRole) {
      await db.transaction(async tx => {
        await lock(tx, id)
        const own = await roleIn(tx, actor, id, 'admin')
        const before = await store.memberRole(tx, id, userId)
        if (before === null) throw memberNotFound()
        if ((before === 'owner' || role === 'owner') && own !== 'owner')
          throw organisationRoleNeeded({ role: 'owner' })
        if (before === 'owner' && role !== 'owner' && (await store.ownerCount(tx, id)) === 1)
          throw lastOwner()
        await store.setMemberRole(tx, id, userId, role)
      })
    },

    /** Leaving, when it is oneself. @throws AppError `organisation.last_owner`, `member.not_found` */
    async removeMember(actor: Actor, id: string, userId: string) {
      await db.transaction(async tx => {
        await lock(tx, id)
        const isSelf = userId === actor.user_id
        const own = await roleIn(tx, actor, id, isSelf ? 'member' : 'admin')
        const role = await store.memberRole(tx, id, userId)
        if (role === null) throw memberNotFound()
        if (role === 'owner' && !isSelf && own !== 'owner') throw organisationRoleNeeded({ role: 'owner' })
        if (role === 'owner' && (await store.ownerCount(tx, id)) === 1) throw lastOwner()
        await remove(tx, id, userId)
      })
    },

    /** The token is shown this once; whoever has it may join. */
    async invite(actor: Actor, id: string, input: { email?: string; role: OrganisationRole }) {
      const token = newToken()
      const email = input.email ? parseEmail(input.email) : null
      const invitation = {
        id: newId(),
        organisation_id: id,
        token_hash: hashToken(token),
        email,
        role: input.role,
        created_by: actor.user_id,
        created_at: timeOf(clock),
        expires_at: timeOf(clock, 7 * day),
      }
      await db.transaction(async tx => {
        const organisation = await lock(tx, id)
        const own = await roleIn(tx, actor, id, 'admin')
        if (rank[input.role] > rank[own]) throw organisationRoleNeeded({ role: input.role })
        await store.insertOrganisationInvitation(tx, invitation)
        if (email === null) return
        const inviter = await findUser(tx, actor.user_id)
        const link = `${publicUrl}/settings/organisations/join#token=${token}`
        const text = organisationMail(actor.locale, inviter?.display_name ?? '', organisation.name, link)
        await mail.send(tx, { to: email, ...text })
      })
      return { ...view(invitation), token }
    },

    async invitations(actor: Actor, id: string) {
      await roleIn(db.primary, actor, id, 'admin')
      const rows = await store.listOrganisationInvitations(db.primary, id, timeOf(clock))
      return { items: rows.map(view) }
    },

    /** @throws AppError `invitation.not_found` */
    async revokeInvitation(actor: Actor, id: string, invitationId: string) {
      await roleIn(db.primary, actor, id, 'admin')
      if (!(await store.deleteOrganisationInvitation(db.primary, id, invitationId)))
        throw invitationNotFound()
    },

    /** Someone who is a member already keeps the role he has. @throws AppError `invitation.invalid` */
    async join(actor: Actor, token: string) {
      return db.transaction(async tx => {
        await assertMayJoinMore(tx, actor.user_id)
        const taken = await store.takeOrganisationInvitation(tx, hashToken(token), timeOf(clock))
        if (!taken) throw invitationInvalid()
        const organisation = await lock(tx, taken.organisation_id)
        await store.addMember(tx, organisation.id, actor.user_id, taken.role)
        return organisation
      })
    },

    /** A user is being deleted: what it alone owned goes to the next in line, or ends with it. */
    async removeUser(tx: Tx, userId: string) {
      for (const { id, role } of await store.organisationsOf(tx, userId)) {
        await lock(tx, id)
        const heir = await store.heirOf(tx, id, userId)
        if (!heir) {
          await store.deleteOrganisation(tx, id)
          await events.publish(tx, OrganisationDeleted, { organisation_id: id })
          continue
        }
        if (role === 'owner' && heir.role !== 'owner')
          await store.setMemberRole(tx, id, heir.user_id, 'owner')
        await remove(tx, id, userId)
      }
    },
  }
}

const view = ({ id, email, role, created_at, expires_at }: store.OrganisationInvitationRow) => ({
  id,
  email,
  role,
  created_at,
  expires_at,
})
