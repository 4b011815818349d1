/**
 * What the server sends and takes: the types of the SDK, which come from the server's own schemas, under the names
 * that the app has for them; and what goes over live channels, which the schemas do not tell. Times are ISO 8601
 * strings, ids UUIDs.
 */
import type {
  Conversation,
  Job,
  Me,
  Message,
  Provider,
  Quota,
  RouteBody,
  RouteQuery,
  RouteResponse,
  User,
  UserBilling,
} from '@banyan/sdk'

export type {
  AdminModel,
  ApiToken,
  Attachment,
  Bot,
  ChatModel as Model,
  Conversation,
  Folder,
  Health,
  ImportResult,
  Instructions,
  Invitation,
  Job,
  JobRecord,
  Me,
  Memory,
  MemorySettings,
  Message,
  NotificationChoices,
  Organisation,
  OrganisationMember as Member,
  Plan,
  PlanSubscriber,
  Provider,
  ProviderKind,
  Quota,
  Role,
  SearchHit,
  Session,
  Setup,
  Share,
  SharedConversation,
  SignedIn,
  SignIn,
  SpendCap,
  StoredMail,
  StoredMailBody,
  Turn,
  User,
  UserBilling,
} from '@banyan/sdk'

export type Page<T> = { items: T[]; next_cursor: string | null }
export type Items<T> = { items: T[] }

/* Identity */

export type Profile = User['profile']
export type Membership = Me['organisations'][number]
export type OrganisationRole = Membership['role']
export type AuthPolicy = RouteResponse<'GET /api/v1/auth/policy'>
export type SignUp = AuthPolicy['sign_up']
export type RegisterInput = RouteBody<'POST /api/v1/auth/register'>
export type MeInput = RouteBody<'PATCH /api/v1/users/me'>
export type NewApiToken = RouteResponse<'POST /api/v1/auth/tokens'>
export type ApiTokenInput = RouteBody<'POST /api/v1/auth/tokens'>
export type Permission = RouteResponse<'GET /api/v1/identity/permissions'>['items'][number]
/** `token` makes the link `/sign-up#invitation=…`, shown once. */
export type NewInvitation = RouteResponse<'POST /api/v1/identity/invitations'>
export type InvitationInput = RouteBody<'POST /api/v1/identity/invitations'>
/** `token` makes the link `/settings/organisations/join#token=…`, shown once. */
export type OrganisationInvitation = RouteResponse<'POST /api/v1/identity/organisations/{id}/invitations'>
export type UserInput = RouteBody<'POST /api/v1/users'>
export type UserPatch = RouteBody<'PATCH /api/v1/users/{id}'>

/* Chat */

export type ConversationInput = RouteBody<'POST /api/v1/chat/conversations'>
export type ConversationPatch = RouteBody<'PATCH /api/v1/chat/conversations/{id}'>
export type SendInput = RouteBody<'POST /api/v1/chat/conversations/{id}/messages'>
export type BotInput = RouteBody<'PUT /api/v1/chat/bots/{id}'>
export type QuotaLimit = Quota['limits'][number]

/** On channel `chat.conversation.{id}`. Offsets are absolute and count UTF-16 units. */
export type ConversationEvent =
  | { type: 'message.created'; message: Message }
  | {
      type: 'message.delta'
      message_id: string
      content_offset: number
      content?: string
      reasoning_offset: number
      reasoning?: string
    }
  | { type: 'message.completed'; message: Message }
  | { type: 'conversation.updated'; conversation: Conversation }
/** On channel `chat.user.{user_id}`. */
export type ChatUserEvent =
  | { type: 'conversation.created' | 'conversation.updated'; conversation: Conversation }
  | { type: 'conversation.deleted'; id: string }
  | { type: 'quota.updated'; quota: Quota }

/* Core */

export type JobState = Job['state']
/** On channel `jobs.job.{id}`. */
export type JobEvent = { type: 'job.updated'; job: Job }

/* Administration */

export type ProviderKey = Provider['keys'][number]
export type ProviderInput = RouteBody<'POST /api/v1/admin/providers'>
export type ProviderPatch = RouteBody<'PATCH /api/v1/admin/providers/{id}'>
export type ProviderTestInput = RouteBody<'POST /api/v1/admin/providers/test'>
export type ProviderTest = RouteResponse<'POST /api/v1/admin/providers/test'>
export type AdminModelPatch = RouteBody<'PATCH /api/v1/admin/models/{id}'>
export type AdminModelInput = RouteBody<'POST /api/v1/admin/models'>
export type UsageGroup = NonNullable<RouteQuery<'GET /api/v1/admin/usage'>['group_by']>
export type UsageReport = RouteResponse<'GET /api/v1/admin/usage'>
export type UsageRow = UsageReport['items'][number]
export type SpendCapInput = RouteBody<'PUT /api/v1/admin/spend-cap'>
export type Entitlements = UserBilling['entitlements']
/** How much, or whether at all. Null: without limit. */
export type EntitlementValue = Entitlements[string]
export type PlanInput = RouteBody<'POST /api/v1/billing/plans'>
export type UserBillingInput = RouteBody<'PUT /api/v1/billing/users/{id}'>
