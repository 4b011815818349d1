import { z } from 'zod'
import type { Executor } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import type { Actor, Gate } from '#core/http/route.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

const mbtiTypes = [
  'INTJ',
  'INTP',
  'ENTJ',
  'ENTP',
  'INFJ',
  'INFP',
  'ENFJ',
  'ENFP',
  'ISTJ',
  'ISFJ',
  'ESTJ',
  'ESFJ',
  'ISTP',
  'ISFP',
  'ESTP',
  'ESFP',
] as const

/** What people tell about themselves. All of it is their own choice; nothing is required. */
export const Profile = z.object({
  mbti: z.enum(mbtiTypes).nullable().optional(),
  gender: z.enum(['female', 'male', 'other']).nullable().optional(),
  birthday: z.iso.date().nullable().optional(),
  interests: z.array(z.string().min(1).max(40)).max(50).optional(),
  occupation: z.string().max(100).nullable().optional(),
  city: z.string().max(100).nullable().optional(),
  about: z.string().max(1000).nullable().optional(),
})
export type Profile = z.infer<typeof Profile>

/** The client's own settings, as JSON that the server only keeps: at most 16 KiB. */
export const Preferences = z.record(z.string().max(100), z.unknown())
export type Preferences = z.infer<typeof Preferences>

export const User = z
  .object({
    id: z.uuid(),
    username: z.string(),
    email: z.string().nullable(),
    email_verified_at: z.iso.datetime().nullable().describe('When its owner proved to have the mailbox.'),
    phone: z.string().nullable().describe('E.164, such as +8613800138000.'),
    display_name: z.string(),
    avatar_url: z.string().nullable(),
    locale: z.enum(['zh-CN', 'en']),
    time_zone: z.string(),
    is_active: z.boolean(),
    is_vip: z.boolean(),
    roles: z.array(z.string()),
    profile: Profile,
    preferences: Preferences,
    created_at: z.iso.datetime(),
    last_sign_in_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

export const organisationRoles = ['owner', 'admin', 'member'] as const
export type OrganisationRole = (typeof organisationRoles)[number]

/** The signed-in user, with what it may do and where it belongs. */
export const Me = User.extend({
  pending_email: z.string().nullable().describe('Takes the place of `email` once its link is opened.'),
  permissions: z.array(z.string()),
  organisations: z.array(z.object({ id: z.uuid(), name: z.string(), role: z.enum(organisationRoles) })),
}).meta({ id: 'Me' })
export type Me = z.infer<typeof Me>

/** What other users and modules may show of a user. A deleted one has no name left. */
export type UserCard = {
  id: string
  username: string
  display_name: string
  avatar_url: string | null
  is_active: boolean
  is_vip: boolean
  locale: Locale
  time_zone: string
  email: string | null
  /** As the user wrote it. */
  city: string | null
}

/**
 * As the gate: `authenticate` takes a bearer access token, a bearer `bnt_…` API token, or the session cookie (with the
 * CSRF check); `authenticateUpgrade` takes `?token=` too, and a cookie from our own pages only.
 */
export type Identity = Gate & {
  /** The system acting for a user, with the user's permissions; null when it is disabled or gone. */
  actorFor(user_id: string): Promise<Actor | null>
  /** By id; ids without a user are left out. */
  usersByIds(ids: readonly string[]): Promise<Map<string, UserCard>>
  /** By username, in any case of its letters; null for none and for a disabled one. */
  userByName(username: string): Promise<UserCard | null>
  timeZoneOf(user_id: string): Promise<string>
  localeOf(user_id: string): Promise<Locale>
  /** Whether the user can sign in with a password. */
  hasPassword(user_id: string): Promise<boolean>
  /** The user's role in an organisation, or null. */
  memberRole(user_id: string, organisation_id: string): Promise<OrganisationRole | null>
  isMember(user_id: string, organisation_id: string): Promise<boolean>
  /** The users who have a platform role, at most 1000: whom to tell what administrators should know. */
  userIdsWithRole(role: string): Promise<string[]>
  /** The active users who may do something, at most 1000: whom to tell of what is theirs to look after. */
  userIdsWithPermission(permission: string): Promise<string[]>
  /** Users with the VIP mark whose ids come after `afterId`, in order of their ids. */
  vipUserIds(afterId: string | null, limit: number): Promise<string[]>
  /**
   * On an empty database makes the first administrator: from ADMIN_EMAIL and ADMIN_PASSWORD, or `admin` without a
   * password and with a one-time sign-in link. The link comes again at each start until somebody has used one.
   * @throws {Error} when ADMIN_PASSWORD or ADMIN_EMAIL is not acceptable.
   */
  bootstrap(): Promise<{ sign_in_link_token: string } | null>
  /**
   * A one-time link (24 h) that signs a user in, at `/sign-in/link#token=…`. Without a name: the first super_admin.
   * @throws AppError `user.not_found`
   */
  createSignInLink(name?: string): Promise<{ token: string; username: string; expires_at: string }>
  /** The VIP mark, as the caller's transaction sees it. */
  isVip(executor: Executor, user_id: string): Promise<boolean>
  /** Sets or ends the VIP mark, as part of the caller's transaction. */
  setVip(executor: Executor, user_id: string, is_vip: boolean): Promise<void>
}

export const identityKey = contractKey<Identity>('identity')

export const UserCreated = defineEvent('identity.user.created', z.object({ user_id: z.uuid() }))
/** An administrator switched the account off. Its sessions and sockets are gone already. */
export const UserDisabled = defineEvent('identity.user.disabled', z.object({ user_id: z.uuid() }))
/** Personal fields are erased; every module now erases what it holds of the user. */
export const UserDeleted = defineEvent('identity.user.deleted', z.object({ user_id: z.uuid() }))
export const OrganisationDeleted = defineEvent(
  'identity.organisation.deleted',
  z.object({ organisation_id: z.uuid() }),
)
export const MemberRemoved = defineEvent(
  'identity.member.removed',
  z.object({ organisation_id: z.uuid(), user_id: z.uuid() }),
)

const everyone = ['admin', 'agency_admin', 'streamer', 'assistant', 'user']

export const identityPermissions = [
  { name: 'identity.users.read', roles: ['admin'] },
  { name: 'identity.users.manage', roles: ['admin'] },
  { name: 'identity.roles.read', roles: ['admin'] },
  { name: 'identity.roles.manage', roles: [] },
  { name: 'identity.invitations.manage', roles: ['admin'] },
  { name: 'identity.sign_ins.read', roles: ['admin'] },
  { name: 'identity.sign_up.manage', roles: ['admin'] },
  { name: 'identity.organisations.create', roles: everyone },
  { name: 'identity.organisations.manage', roles: ['admin'] },
] as const satisfies PermissionDefinition[]
