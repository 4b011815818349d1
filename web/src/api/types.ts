/** What the server sends and takes, by hand until the client is generated. Times are ISO 8601 strings, ids UUIDs. */

export type Page<T> = { items: T[]; next_cursor: string | null }
export type Items<T> = { items: T[] }

/* Identity */

/** What people tell about themselves; nothing is required, `null` clears. */
export type Profile = {
  mbti?: string | null
  gender?: 'female' | 'male' | 'other' | null
  /** YYYY-MM-DD */
  birthday?: string | null
  interests?: string[]
  occupation?: string | null
  city?: string | null
  about?: string | null
}
export type Preferences = { theme?: 'light' | 'dark' | 'system' } & Record<string, unknown>

export type User = {
  id: string
  username: string
  email: string | null
  phone: string | null
  display_name: string
  avatar_url: string | null
  locale: string
  time_zone: string
  is_active: boolean
  is_vip: boolean
  roles: string[]
  profile: Profile
  preferences: Preferences
  created_at: string
  last_sign_in_at: string | null
}
export type OrganisationRole = 'owner' | 'admin' | 'member'
export type Membership = { id: string; name: string; role: OrganisationRole }
export type Me = User & { permissions: string[]; organisations: Membership[] }

export type SignUp = 'open' | 'invitation' | 'closed'
export type AuthPolicy = { sign_up: SignUp }
export type RegisterInput = {
  username: string
  password: string
  email?: string
  phone?: string
  display_name?: string
  locale?: string
  time_zone?: string
  invitation?: string
}
export type MeInput = Partial<
  Pick<User, 'display_name' | 'email' | 'phone' | 'locale' | 'time_zone' | 'profile' | 'preferences'>
>
export type Session = {
  id: string
  ip: string
  user_agent: string
  created_at: string
  last_used_at: string
  is_current: boolean
}
export type ApiToken = {
  id: string
  name: string
  scopes: string[]
  last_four: string
  created_at: string
  last_used_at: string | null
  expires_at: string | null
}
export type NewApiToken = ApiToken & { token: string }
export type ApiTokenInput = { name: string; scopes: string[]; expires_at?: string }
export type SignIn = {
  id: string
  user_id: string | null
  method: 'password' | 'link'
  succeeded: boolean
  ip: string
  user_agent: string
  created_at: string
}
export type Role = { name: string; permissions: string[] }
export type Permission = { name: string }
export type Invitation = {
  id: string
  email: string | null
  roles: string[]
  created_by: string
  created_at: string
  expires_at: string
  used_at: string | null
  used_by: string | null
}
/** `token` makes the link `/sign-up#invitation=…`, shown once. */
export type NewInvitation = Invitation & { token: string }
export type InvitationInput = { email?: string; roles?: string[]; expires_in_days?: number }
export type Organisation = {
  id: string
  name: string
  created_by: string
  created_at: string
  updated_at: string
}
export type Member = {
  user_id: string
  username: string
  display_name: string
  avatar_url: string | null
  role: OrganisationRole
  created_at: string
}
/** `token` makes the link `/settings/organisations/join#token=…`, shown once. */
export type OrganisationInvitation = { id: string; role: OrganisationRole; expires_at: string; token: string }
export type UserInput = {
  username: string
  password?: string
  email?: string
  phone?: string
  display_name?: string
  roles?: string[]
  is_vip?: boolean
}
export type UserPatch = Partial<
  Pick<User, 'is_active' | 'roles' | 'is_vip' | 'display_name' | 'email' | 'phone' | 'locale' | 'time_zone'>
>

/* Chat */

export type Conversation = {
  id: string
  title: string | null
  bot_id: string | null
  model: string | null
  folder_id: string | null
  is_archived: boolean
  is_pinned: boolean
  is_temporary: boolean
  current_message_id: string | null
  created_at: string
  updated_at: string
  last_message_at: string
}
export type ConversationInput = Partial<
  Pick<Conversation, 'title' | 'bot_id' | 'model' | 'folder_id' | 'is_temporary'>
>
export type ConversationPatch = Partial<
  Pick<Conversation, 'title' | 'is_archived' | 'is_pinned' | 'folder_id' | 'model' | 'current_message_id'>
>
export type AttachmentKind = 'image' | 'text' | 'pdf'
export type Attachment = { id: string; name: string; media_type: string; size: number; kind: AttachmentKind }
export type MessageStatus = 'streaming' | 'done' | 'stopped' | 'interrupted' | 'failed'
export type Message = {
  id: string
  conversation_id: string
  parent_id: string | null
  role: 'user' | 'assistant'
  content: string
  reasoning: string | null
  attachments: Attachment[]
  status: MessageStatus
  model: string | null
  finish_reason: string | null
  tokens_used: number | null
  prompt_tokens: number | null
  completion_tokens: number | null
  usage_source: 'upstream' | 'estimated' | 'partial' | null
  cost_micros: number | null
  latency_ms: number | null
  first_token_ms: number | null
  error_code: string | null
  error_detail: string | null
  sibling_ids: string[]
  created_at: string
}
export type SendInput = {
  /** A UUID made by the sender: a resend of it joins the running turn instead of starting another. */
  client_message_id: string
  content: string
  parent_id?: string | null
  attachment_ids?: string[]
  model?: string
}
export type Turn = { user_message: Message; assistant_message: Message }
/** `highlight`: text with U+0001 and U+0002 around each hit; see `#ui/highlight.tsx`. */
export type SearchHit = {
  conversation: Conversation
  message: Message | null
  title_highlight: string | null
  highlight: string | null
  rank: number
}
export type Bot = {
  id: string
  name: string
  description: string
  avatar_emoji: string
  system_prompt: string
  model: string | null
  temperature: number | null
  memory: 'none' | 'conversation' | 'facts'
  opening_line: string | null
  example_questions: string[]
  is_public: boolean
  owner_id: string
}
export type BotInput = Omit<Bot, 'id' | 'owner_id'>
export type Folder = { id: string; name: string; position: number }
/** A fact that a bot keeps about the person, and the message that it came from. */
export type Memory = {
  id: string
  bot_id: string | null
  conversation_id: string
  message_id: string
  content: string
  superseded_by: string | null
  superseded_at: string | null
  created_at: string
}

export type MemorySettings = { is_enabled: boolean }

export type Instructions = { about_user: string; answer_style: string; is_enabled: boolean }
export type Model = {
  id: string
  name: string
  provider: string
  context_window: number
  capabilities: { vision: boolean; tools: boolean; reasoning: boolean; json: boolean }
  is_default: boolean
}
export type Share = { id: string; url_path: string; created_at: string }
export type SharedConversation = { title: string | null; created_at: string; messages: Message[] }
export type ImportResult = {
  conversations: number
  messages: number
  skipped: { title: string; reason: string }[]
}
export type QuotaLimit = {
  metric: 'requests' | 'tokens' | 'cost_micros'
  period: 'day' | 'month'
  max: number | null
  used: number
  held: number
  remaining: number | null
  resets_at: string
}
export type Quota = { limits: QuotaLimit[]; plan: string }

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

/* Core and notifications */

/** `failed` waits for its next attempt; `dead` has none left. */
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'dead'
export type Job = {
  id: string
  name: string
  owner_id: string | null
  state: JobState
  /** From 0 to 1. */
  progress: number
  message: string | null
  attempts: number
  max_attempts: number
  error_code: string | null
  /** For administrators only. */
  error_detail?: string | null
  run_at: string
  created_at: string
  started_at: string | null
  finished_at: string | null
}
/** On channel `jobs.job.{id}`. */
export type JobEvent = { type: 'job.updated'; job: Job }
export type Notification = {
  id: string
  kind: string
  data: Record<string, unknown>
  read_at: string | null
  created_at: string
}

/* Administration */

export type ProviderKind = {
  id: string
  name: string
  /** Null: the operator must give one. */
  base_url: string | null
  takes_key: boolean
  models: string[]
}
export type ProviderKey = { id: string; last_four: string; weight: number }
export type Provider = {
  id: string
  kind: string
  name: string
  base_url: string
  /** `env`: set up by environment variables, cannot be changed here. */
  source: 'env' | 'admin'
  is_enabled: boolean
  keys: ProviderKey[]
  /** `open`: it failed several times and is left alone for a while. */
  circuit: 'closed' | 'open'
  /** Ids of keys that were refused or used too often. */
  resting_keys: string[]
}
export type ProviderInput = { kind: string; name?: string; base_url?: string; api_key?: string }
export type ProviderPatch = { name?: string; base_url?: string; is_enabled?: boolean; api_key?: string }
export type ProviderTestInput = { id: string } | { kind: string; base_url?: string; api_key?: string }
export type ProviderTest = {
  ok: boolean
  latency_ms: number
  models: string[]
  error: string | null
  error_code: string | null
}

/** Prices: hundredths of the currency per million tokens; null: not known. */
export type AdminModel = {
  id: string
  provider_id: string
  provider: string
  upstream_model: string
  name: string
  kind: 'chat' | 'embedding'
  context_window: number
  max_output: number
  input_price: number | null
  output_price: number | null
  cached_price: number | null
  currency: string
  capabilities: Model['capabilities']
  audience: string[]
  fallbacks: string[]
  is_enabled: boolean
  is_default: boolean
  source: 'env' | 'admin'
  is_self_hosted: boolean
}
export type AdminModelPatch = Partial<
  Omit<AdminModel, 'id' | 'provider' | 'source' | 'is_self_hosted' | 'capabilities'> & {
    capabilities: Partial<Model['capabilities']>
  }
>
export type AdminModelInput = AdminModelPatch & Pick<AdminModel, 'id' | 'provider_id' | 'upstream_model'>

export type UsageGroup = 'day' | 'model' | 'user'
export type UsageRow = {
  /** A day in Asia/Shanghai, a model id or a user id. */
  key: string
  /** The user's name. */
  label: string | null
  requests: number
  prompt_tokens: number
  completion_tokens: number
  cached_tokens: number
  cost_micros: number
}
export type UsageReport = { from: string; to: string; currency: string; items: UsageRow[] }
export type SpendCapInput = { day_micros: number | null; month_micros: number | null }
export type SpendCap = SpendCapInput & {
  currency: string
  spent_day_micros: number
  spent_month_micros: number
}
export type Setup = {
  has_provider: boolean
  has_password: boolean
  has_spend_cap: boolean
  delivers_mail: boolean
  has_recognizer: boolean
  has_voice: boolean
  default_model: string | null
}

/** How much, or whether at all. Null: without limit. */
export type EntitlementValue = number | boolean | null
export type Entitlements = Record<string, EntitlementValue>
export type Plan = {
  id: string
  names: { 'zh-CN': string; en: string }
  /** What administrators set. */
  entitlements: Entitlements
  /** What it gives where they set nothing. */
  declared: Entitlements
  retired_at: string | null
  updated_at: string
}
export type PlanInput = Pick<Plan, 'id' | 'names' | 'entitlements'>
export type PlanSubscriber = {
  user_id: string
  username: string
  display_name: string
  avatar_url: string | null
  until: string | null
}
export type UserBilling = {
  user_id: string
  plan: string
  until: string | null
  overrides: Entitlements
  entitlements: Entitlements
  upcoming: { plan_id: string; from_at: string; until_at: string | null }[]
  grants: {
    plan_id: string
    days: number
    reason: string
    granted_by_name: string | null
    until_at: string | null
    created_at: string
  }[]
}
export type UserBillingInput = { plan: string; until: string | null; overrides: Entitlements }

export type Health = {
  version: string
  node_version: string
  uptime_seconds: number
  memory_bytes: number
  /** Latencies in milliseconds; null: no answer. */
  database: { kind: 'embedded' | 'external'; latency_ms: number | null }
  cache: { kind: 'memory' | 'redis'; latency_ms: number | null }
  mail: { delivers: boolean }
  speech: {
    recognizer: string | null
    is_scripted: boolean
    synthesizer: string | null
    is_preview: boolean
  }
  providers: {
    id: string
    name: string
    is_enabled: boolean
    circuit: 'closed' | 'open'
    resting_keys: number
    keys: number
  }[]
  jobs: Record<'queued' | 'running' | 'failed' | 'dead', number> | null
}

export type StoredMail = {
  id: string
  to: string
  subject: string
  /** `stored`: no mail server is set. */
  state: 'stored' | 'queued' | 'failed'
  error_code: string | null
  created_at: string
}
export type StoredMailBody = StoredMail & { text: string; html: string | null }
