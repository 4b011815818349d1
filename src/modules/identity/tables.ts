import type { Generated, JSONColumnType } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { OrganisationRole, Preferences, Profile } from './contract.ts'

/** The module's tables, as Kysely sees them. Times are ISO 8601 texts both ways. */
export type IdentityTables = {
  identity_user: UserTable
  identity_session: SessionTable
  identity_refresh_token: RefreshTokenTable
  identity_api_token: ApiTokenTable
  identity_one_time_token: OneTimeTokenTable
  identity_throttle: ThrottleTable
  identity_role: RoleTable
  identity_permission: { name: string }
  identity_setting: SettingTable
  identity_invitation: InvitationTable
  identity_organisation: OrganisationTable
  identity_member: MemberTable
  identity_organisation_invitation: OrganisationInvitationTable
  identity_sign_in: SignInTable
}

type UserTable = {
  id: string
  /** As it was typed; `username_key` is what makes it unique. */
  username: string
  username_key: string
  email: string | null
  /** When its owner proved to have the mailbox. */
  email_verified_at: string | null
  phone: string | null
  password_hash: string | null
  display_name: string
  avatar_key: string | null
  locale: Generated<Locale>
  time_zone: Generated<string>
  is_active: Generated<boolean>
  is_vip: Generated<boolean>
  roles: Generated<string[]>
  profile: JSONColumnType<Profile>
  preferences: JSONColumnType<Preferences>
  created_at: Generated<string>
  updated_at: Generated<string>
  last_sign_in_at: string | null
  deleted_at: string | null
}

type SessionTable = {
  id: string
  user_id: string
  token_hash: string | null
  ip: string
  user_agent: string
  created_at: string
  last_used_at: string
  expires_at: string
}

type RefreshTokenTable = { token_hash: string; session_id: string; used_at: string | null }

type ApiTokenTable = {
  id: string
  user_id: string
  name: string
  token_hash: string
  last_four: string
  scopes: string[]
  created_at: string
  last_used_at: string | null
  expires_at: string | null
}

export type OneTimePurpose = 'sign_in' | 'password_reset' | 'email'

type OneTimeTokenTable = {
  token_hash: string
  user_id: string
  purpose: OneTimePurpose
  /** What a link of purpose `email` confirms; null once withdrawn. */
  email: string | null
  expires_at: string
}

type ThrottleTable = { key: string; failures: number; last_failed_at: string; locked_until: string | null }

type RoleTable = { name: string; position: number; permissions: Generated<string[]> }

type SettingTable = { name: string; value: string; updated_by: string; updated_at: Generated<string> }

type InvitationTable = {
  id: string
  token_hash: string
  email: string | null
  roles: string[]
  created_by: string
  created_at: string
  expires_at: string
  used_at: string | null
  used_by: string | null
}

type OrganisationTable = {
  id: string
  name: string
  created_by: string
  created_at: Generated<string>
  updated_at: Generated<string>
}

type MemberTable = {
  organisation_id: string
  user_id: string
  role: OrganisationRole
  created_at: Generated<string>
}

type OrganisationInvitationTable = {
  id: string
  organisation_id: string
  token_hash: string
  email: string | null
  role: OrganisationRole
  created_by: string
  created_at: string
  expires_at: string
}

export type SignInMethod = 'password' | 'link'

type SignInTable = {
  id: string
  user_id: string | null
  method: SignInMethod
  succeeded: boolean
  ip: string
  user_agent: string
  created_at: Generated<string>
}
