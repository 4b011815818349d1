import type { Kysely } from 'kysely'
import { z } from 'zod'
import { isUniqueViolation } from '#core/db/db.ts'
import { forbidden } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import {
  type Me,
  type Preferences,
  type Profile,
  type User,
  UserCreated,
  UserDeleted,
  UserDisabled,
} from '../contract.ts'
import type { Deps } from '../deps.ts'
import { birthdayInvalid, lastSuperAdmin, nameTaken, preferencesTooLarge, userNotFound } from '../errors.ts'
import { emailChangedMail } from '../mails.ts'
import { parseDisplayName, parseEmail, parsePhone, parseTimeZone, parseUsername } from '../names.ts'
import { organisationsOf } from '../store/organisations.ts'
import { deleteSessions, withdrawEmails } from '../store/sessions.ts'
import {
  anotherSuperAdminRemains,
  avatarUrl,
  eraseUser,
  findUser,
  insertUser,
  listUsers,
  lockUser,
  type UserChanges,
  type UserFilter,
  type UserRow,
  updateUser,
} from '../store/users.ts'
import type { IdentityTables } from '../tables.ts'
import type { EmailLinks } from './email-links.ts'
import type { Organisations } from './organisations.ts'
import { assertGoodPassword } from './passwords.ts'
import type { ResetLinks } from './reset-links.ts'
import { inOneOnly, type Roles } from './roles.ts'
import { assertPerson } from './sessions.ts'
import type { Throttle } from './throttle.ts'

const preferencesBytes = 16 * 1024

/** What a person may change of himself. */
export type OwnChanges = {
  display_name?: string
  email?: string | null
  phone?: string | null
  locale?: 'zh-CN' | 'en'
  time_zone?: string
  profile?: Profile
  preferences?: Preferences
}

/** What an administrator may change besides. */
export type UserPatch = OwnChanges & { is_active?: boolean; is_vip?: boolean; roles?: string[] }

export type NewUserInput = OwnChanges & {
  username: string
  password?: string
  roles?: string[]
  is_vip?: boolean
}

export type Users = ReturnType<typeof createUsers>

type Parts = {
  roles: Roles
  organisations: Organisations
  resetLinks: ResetLinks
  emailLinks: EmailLinks
  throttle: Throttle
}

/** Accounts: one's own, and everybody's for administrators. */
export function createUsers(deps: Deps, { roles, organisations, resetLinks, emailLinks, throttle }: Parts) {
  const { db, clock, actors, events, mail, passwords, realtime, storage } = deps

  /** The user, if the actor is that user or may read (or manage) all. Else there is no such user. */
  async function visible(actor: Actor, id: string, permission: string): Promise<UserRow> {
    if (actor.user_id !== id && !actor.permissions.has(permission)) throw userNotFound()
    const user = await findUser(db.primary, id)
    if (!user) throw userNotFound()
    return user
  }

  async function assertMayManage(actor: Actor, user: UserRow) {
    if (actor.user_id !== user.id) await roles.assertWithinPower(actor, user.roles)
  }

  /** Reads the row anew under a lock, so that two changes at once do not undo each other. */
  async function change(actor: Actor, id: string, patch: UserPatch, whole: boolean): Promise<UserRow> {
    const result = await db.transaction(async tx => {
      const before = await lockUser(tx, id)
      if (!before) throw userNotFound()
      const losesPower =
        before.is_active &&
        before.roles.includes('super_admin') &&
        (patch.is_active === false || (patch.roles && !patch.roles.includes('super_admin')))
      if (losesPower && !(await anotherSuperAdminRemains(tx, id))) throw lastSuperAdmin()
      const after = await updateUser(tx, id, await columnsOf(tx, actor, before, patch, whole))
      if (!after) throw userNotFound()
      if (before.is_active && !after.is_active) {
        await deleteSessions(tx, id)
        await events.publish(tx, UserDisabled, { user_id: id })
      }
      if (before.email !== null && before.email !== after.email && actor.user_id === id)
        await mail.send(tx, { to: before.email, ...emailChangedMail(before) })
      return { before, after }
    })
    await actors.forget(id)
    if (result.before.is_active && !result.after.is_active) await realtime.disconnectUser(id)
    return result.after
  }

  /** What changes at once. One's own new address waits until its link is opened; administrators give any. */
  async function columnsOf(
    tx: Kysely<IdentityTables>,
    actor: Actor,
    before: UserRow,
    { email, ...patch }: UserPatch,
    whole: boolean,
  ): Promise<UserChanges> {
    const columns = toColumns(before, patch, whole, clock.now())
    if (email === undefined) return columns
    const wanted = email === null ? null : parseEmail(email)
    if (wanted !== null && actor.user_id === before.id) {
      await emailLinks.change(tx, before, wanted)
      return columns
    }
    await withdrawEmails(tx, before.id, null)
    return wanted === before.email ? columns : { ...columns, email: wanted, email_verified_at: null }
  }

  async function update(actor: Actor, id: string, patch: UserPatch, whole: boolean): Promise<User> {
    const user = await visible(actor, id, 'identity.users.manage')
    const { is_active, is_vip, roles: newRoles, ...own } = patch
    if (is_active !== undefined || is_vip !== undefined || newRoles !== undefined) {
      const permission = 'identity.users.manage'
      if (!actor.permissions.has(permission)) throw forbidden({ permission })
    }
    if (own.email !== undefined || own.phone !== undefined) assertPerson(actor)
    await assertMayManage(actor, user)
    // A number cannot be proved without sending to it, so a taken one is told; but not to who tries many.
    if (actor.user_id === id && own.phone && parsePhone(own.phone) !== user.phone)
      await throttle.slow(`phone:${id}`)
    if (newRoles) {
      await roles.assertWithinPower(actor, inOneOnly(user.roles, newRoles))
    }
    try {
      return toUser(await change(actor, id, patch, whole))
    } catch (error) {
      if (isUniqueViolation(error)) throw nameTaken()
      throw error
    }
  }

  async function me(userId: string, permissions?: ReadonlySet<string>): Promise<Me> {
    const user = await findUser(db.primary, userId)
    const granted = permissions ?? (await actors.actorFor(userId))?.permissions
    if (!user || !granted) throw userNotFound()
    return {
      ...toUser(user),
      pending_email: await emailLinks.pending(db.primary, user),
      permissions: [...granted].sort(),
      organisations: await organisationsOf(db.primary, user.id),
    }
  }

  return {
    /** With the permissions given (an API token has fewer), or all that the user has. */
    me,
    update,

    async updateMe(actor: Actor, patch: OwnChanges, whole: boolean): Promise<Me> {
      await update(actor, actor.user_id, patch, whole)
      return me(actor.user_id, actor.permissions)
    },

    get: async (actor: Actor, id: string): Promise<User> =>
      toUser(await visible(actor, id, 'identity.users.read')),

    async list(
      actor: Actor,
      filter: UserFilter,
      limit: number,
      cursor: string | undefined,
    ): Promise<Page<User>> {
      const before = decodeCursor(cursor, z.tuple([z.uuid()]))
      const found = await db.read(actor.user_id, rows =>
        listUsers(rows, filter, before?.[0] ?? null, limit + 1),
      )
      return pageFrom(found.map(toUser), limit, user => [user.id])
    },

    /** @throws AppError `user.*`, `password.*`, `role.unknown`, `auth.beyond_own_power` */
    async create(actor: Actor, input: NewUserInput): Promise<User> {
      assertPerson(actor)
      const { username, key } = parseUsername(input.username)
      const row = {
        id: newId(),
        username,
        username_key: key,
        email: input.email ? parseEmail(input.email) : null,
        phone: input.phone ? parsePhone(input.phone) : null,
        display_name: input.display_name ? parseDisplayName(input.display_name) : username,
        locale: input.locale ?? actor.locale,
        time_zone: input.time_zone ? parseTimeZone(input.time_zone) : actor.time_zone,
        roles: input.roles ?? ['user'],
      }
      await roles.assertWithinPower(actor, row.roles)
      if (input.password !== undefined) assertGoodPassword(input.password, row)
      const password_hash = input.password === undefined ? null : await passwords.hash(input.password)
      return db.transaction(async tx => {
        if (!(await insertUser(tx, { ...row, password_hash }))) throw nameTaken()
        const { is_vip = false, profile, preferences } = input
        const blank = { profile: {}, preferences: {} }
        const user = await updateUser(tx, row.id, {
          ...toColumns(blank, { profile, preferences }, true, clock.now()),
          is_vip,
        })
        if (!user) throw userNotFound()
        await events.publish(tx, UserCreated, { user_id: row.id })
        return toUser(user)
      })
    },

    /** Erases the person and keeps a nameless row. @throws AppError `user.last_super_admin` */
    async delete(actor: Actor, id: string): Promise<void> {
      assertPerson(actor)
      const user = await visible(actor, id, 'identity.users.manage')
      await assertMayManage(actor, user)
      await db.transaction(async tx => {
        const locked = await lockUser(tx, id)
        if (!locked) throw userNotFound()
        if (locked.roles.includes('super_admin') && !(await anotherSuperAdminRemains(tx, id)))
          throw lastSuperAdmin()
        await organisations.removeUser(tx, id)
        await eraseUser(tx, id)
        await events.publish(tx, UserDeleted, { user_id: id })
      })
      if (user.avatar_key) await storage.delete(user.avatar_key)
      await actors.forget(id)
      await realtime.disconnectUser(id)
    },

    /** @throws AppError `user.not_found`, `auth.beyond_own_power` */
    async sendPasswordReset(actor: Actor, id: string) {
      assertPerson(actor)
      const user = await visible(actor, id, 'identity.users.manage')
      await assertMayManage(actor, user)
      return resetLinks.give(user)
    },
  }
}

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    email_verified_at: row.email_verified_at,
    phone: row.phone,
    display_name: row.display_name,
    avatar_url: avatarUrl(row),
    locale: row.locale,
    time_zone: row.time_zone,
    is_active: row.is_active,
    is_vip: row.is_vip,
    roles: row.roles,
    profile: row.profile,
    preferences: row.preferences,
    created_at: row.created_at,
    last_sign_in_at: row.last_sign_in_at,
  }
}

/** A whole profile or preferences replaces the old one; a part is laid over it, and null takes a key away. */
function toColumns(
  before: Pick<UserRow, 'profile' | 'preferences'>,
  { display_name, phone, time_zone, profile, preferences, ...rest }: Omit<UserPatch, 'email'>,
  whole: boolean,
  now: number,
): UserChanges {
  const columns: UserChanges = { ...rest }
  if (display_name !== undefined) columns.display_name = parseDisplayName(display_name)
  if (phone !== undefined) columns.phone = phone === null ? null : parsePhone(phone)
  if (time_zone !== undefined) columns.time_zone = parseTimeZone(time_zone)
  if (profile) {
    assertBirthday(profile.birthday, now)
    columns.profile = JSON.stringify(withoutNulls(whole ? profile : { ...before.profile, ...profile }))
  }
  if (preferences) {
    const next = withoutNulls(whole ? preferences : { ...before.preferences, ...preferences })
    columns.preferences = JSON.stringify(next)
    if (Buffer.byteLength(columns.preferences) > preferencesBytes)
      throw preferencesTooLarge({ limit: preferencesBytes })
  }
  return columns
}

const withoutNulls = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null))

function assertBirthday(birthday: string | null | undefined, now: number) {
  // A day ahead of UTC is today somewhere.
  const tomorrow = new Date(now + 86_400_000).toISOString().slice(0, 10)
  if (birthday && (birthday < '1900-01-01' || birthday > tomorrow)) throw birthdayInvalid()
}
