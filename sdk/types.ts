/* Written by `npm run sdk` from the OpenAPI document: do not edit. */

export type AchievementBoardEntry = {
  /** Equals share a rank. */
  rank: number
  display_name: string
  points: number
  is_own: boolean
}

export type AchievementCondition = {
  type: 'count'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilter[]
  window: AchievementWindow
} | {
  type: 'sum'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilter[]
  field: string
  window: AchievementWindow
} | {
  type: 'distinct'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilter[]
  field: string
  window: AchievementWindow
} | {
  type: 'streak'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilter[]
  /** How many events make a day count. */
  per_day: number
} | {
  type: 'set'
  /** Of cards; null: all together. Goals are percent. */
  category: string | null
} | {
  type: 'first'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilter[]
} | {
  type: 'top'
} | {
  type: 'prerequisite'
  achievement_id: string
  /** Null: any tier. */
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond' | null
}

export type AchievementConditionInput = {
  type: 'count'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilterInput[]
  window: AchievementWindowInput
} | {
  type: 'sum'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilterInput[]
  field: string
  window: AchievementWindowInput
} | {
  type: 'distinct'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilterInput[]
  field: string
  window: AchievementWindowInput
} | {
  type: 'streak'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilterInput[]
  /** How many events make a day count. */
  per_day: number
} | {
  type: 'set'
  /** Of cards; null: all together. Goals are percent. */
  category: string | null
} | {
  type: 'first'
  /** The name of an event that achievements know. */
  event: string
  filters: AchievementFilterInput[]
} | {
  type: 'top'
} | {
  type: 'prerequisite'
  achievement_id: string
  /** Null: any tier. */
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond' | null
}

export type AchievementDefinition = {
  id: string
  names: {
    'zh-CN': string
    en: string
  }
  descriptions: {
    'zh-CN': string
    en: string
  }
  icon: string
  is_hidden: boolean
  is_enabled: boolean
  /** One of those that Banyan brings. */
  is_starter: boolean
  position: number
  version: number
  rule: AchievementRule
  /** Whether history has been counted by this version. */
  replay: {
    state: 'waiting' | 'running' | 'done' | 'stopped'
    job_id: string | null
    users_done: number
  }
  holders: {
    tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
    users: number
  }[]
  created_at: string
  updated_at: string
}

export type AchievementEvent = {
  name: string
  names: {
    'zh-CN': string
    en: string
  }
  fields: {
    name: string
    names: {
      'zh-CN': string
      en: string
    }
    kind: 'text' | 'number'
    /** All that it may be; null: anything. */
    values: string[] | null
  }[]
}

export type AchievementFilter = {
  field: string
  op: 'is' | 'is_not' | 'at_least' | 'at_most'
  /** `is`: any of them; `is_not`: none of them; `at_least` and `at_most`: one number. */
  values: (string | number | boolean)[]
}

export type AchievementFilterInput = {
  field: string
  op: 'is' | 'is_not' | 'at_least' | 'at_most'
  /** `is`: any of them; `is_not`: none of them; `at_least` and `at_most`: one number. */
  values: (string | number | boolean)[]
}

export type AchievementPoints = {
  id: string
  at: string
  points: number
  source: 'achievement' | 'card'
  /** Of the achievement or the card, in the language of the request; null when it is gone. */
  name: string | null
  /** Of the achievement. */
  icon: string | null
  /** Of the achievement. */
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond' | null
  /** When the redemption of the card was undone. */
  taken_back_at: string | null
}

export type AchievementPreview = {
  id: string
  job_id: string | null
  state: 'running' | 'done' | 'failed'
  result: AchievementPreviewResult
}

export type AchievementPreviewResult = {
  users_scanned: number
  users_total: number
  /** False while it runs, and for good when its time ran out. */
  is_complete: boolean
  tiers: {
    tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
    users: number
  }[]
  /** Up to ten people who would have it. */
  sample: {
    user_id: string
    display_name: string | null
    tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
    reached_at: string
  }[]
  /** Days on which tiers would have been reached, oldest first; at most the last 366. */
  timeline: {
    day: string
    reached: number
  }[]
}

export type AchievementProgress = {
  achievement_id: string
  is_hidden: boolean
  /** Hidden, and nothing of it is unlocked yet. */
  is_secret: boolean
  /** In the language of the request. */
  name: string | null
  description: string | null
  icon: string | null
  match: 'all' | 'any'
  conditions: {
    condition: AchievementCondition
    /** Now: in the running window, in the streak that goes on, percent, a place. */
    value: number
  }[]
  tiers: {
    tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
    goals: number[]
    points: number
    rewards: AchievementRewards
    /** From 0 to 1. */
    fraction: number
    unlocked_at: string | null
    /** Of all who play, as of last night. */
    holders_percent: number | null
  }[]
}

export type AchievementRewards = {
  /** Days of a plan. */
  membership: {
    plan: string
    days: number
  } | null
}

export type AchievementRewardsInput = {
  /** Days of a plan. */
  membership: {
    plan: string
    days: number
  } | null
}

export type AchievementRule = {
  /** Whether all conditions have to be met or one is enough. */
  match: 'all' | 'any'
  conditions: AchievementCondition[]
  /** From the easiest to the hardest. */
  tiers: AchievementTier[]
}

export type AchievementRuleInput = {
  /** Whether all conditions have to be met or one is enough. */
  match: 'all' | 'any'
  conditions: AchievementConditionInput[]
  /** From the easiest to the hardest. */
  tiers: AchievementTierInput[]
}

export type AchievementStanding = {
  points: number
  /** Whether others see one on the leaderboard. */
  is_listed: boolean
  /** Null: not listed, or no points yet. */
  rank: number | null
}

export type AchievementStatistic = {
  day: string
  achievement_id: string
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
  /** On that day. */
  unlocked: number
  /** At the end of that day. */
  holders: number
  /** Who had done anything that counts by then. */
  users: number
}

export type AchievementTier = {
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
  /** One for each condition, in their order. */
  goals: number[]
  points: number
  rewards: AchievementRewards
}

export type AchievementTierInput = {
  tier: 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond'
  /** One for each condition, in their order. */
  goals: number[]
  points: number
  rewards: AchievementRewardsInput
}

/** Calendar days, weeks from Monday and months are those of the user’s own time zone. */
export type AchievementWindow = {
  unit: 'all' | 'day' | 'week' | 'month' | 'rolling'
  /** Of a rolling window. */
  days?: number
}

/** Calendar days, weeks from Monday and months are those of the user’s own time zone. */
export type AchievementWindowInput = {
  unit: 'all' | 'day' | 'week' | 'month' | 'rolling'
  /** Of a rolling window. */
  days?: number
}

export type AdminModel = {
  id: string
  provider_id: string
  /** The provider’s own name of it. */
  upstream_model: string
  name: string
  kind: 'chat' | 'embedding'
  /** Tokens. */
  context_window: number
  /** Tokens. */
  max_output: number
  /** Hundredths of the currency per million tokens. Null: not known. */
  input_price: number | null
  output_price: number | null
  /** Of prompt tokens that the provider had cached. Null: as input_price. */
  cached_price: number | null
  currency: string
  capabilities: {
    vision: boolean
    tools: boolean
    reasoning: boolean
    json: boolean
  }
  /** `everyone`, or roles and plans such as `vip`. */
  audience: string[]
  /** Models that stand in when the provider fails, in this order. */
  fallbacks: string[]
  is_enabled: boolean
  /** For those who chose none; one of each kind. */
  is_default: boolean
  /** The provider’s name. */
  provider: string
  /** `env`: as its provider comes; `admin`: added or changed here. */
  source: 'env' | 'admin'
  is_self_hosted: boolean
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

export type Attachment = {
  id: string
  name: string
  media_type: string
  /** Bytes. */
  size: number
  kind: 'image' | 'text' | 'pdf'
}

export type Bot = {
  name: string
  description: string
  avatar_emoji: string
  system_prompt: string
  /** Null: the default model. */
  model: string | null
  /** Null: the model’s own. */
  temperature: number | null
  /** `none`: each question stands alone, and the model sees nothing that was said before. `facts`: beyond the conversation, the bot keeps what the user says about themselves. */
  memory: 'none' | 'conversation' | 'facts'
  /** What the bot says first. It is shown, and the model knows that it was said. */
  opening_line: string | null
  example_questions: string[]
  /** For everybody. Needs the permission chat.bots.publish. */
  is_public: boolean
  id: string
  owner_id: string
}

export type CardsBatch = {
  id: string
  template_id: string
  template_version: number
  template_name: string
  name: string
  quantity: number
  /** Its cards can be redeemed while it is “released”. */
  state: 'draft' | 'generating' | 'ready' | 'released' | 'frozen' | 'void'
  /** How many of its cards are stored already. */
  generated: number
  valid_until: string | null
  /** Days after the release. */
  valid_days: number | null
  /** When its cards end. Null: never, or not known before the release. */
  expires_at: string | null
  channel: string | null
  notes: string
  /** Whether its codes can be exported (again). */
  has_secret: boolean
  secret_destroyed_at: string | null
  /** The job that generates its cards. */
  job_id: string | null
  created_at: string
  updated_at: string
  released_at: string | null
}

export type CardsByDay = {
  from: string
  to: string
  /** Cards released before the first day. */
  issued_before: number
  /** Of these and before: redeemed, less undone. */
  redeemed_before: number
  /** How many of the refused had codes that no card has; only without filter. */
  unknown_codes: number | null
  days: {
    day: string
    issued: number
    redeemed: number
    /** Redemptions that were undone, by the day of that. */
    undone: number
    /** Attempts that failed. */
    refused: number
    expired: number
  }[]
}

export type CardsByGroup = {
  items: {
    /** Id of the batch or template, or the channel or region; empty: not known. */
    key: string
    name: string
    /** Cards released until the last day. Null: regions have none. */
    issued: number | null
    /** Until the last day, less undone. */
    redeemed_in_all: number
    redeemed: number
    /** Redemptions that were undone, by the day of that. */
    undone: number
    /** Attempts that failed. */
    refused: number
    expired: number
  }[]
}

export type CardsCategory = {
  name: string
  titles: {
    'zh-CN': string
    en: string
  }
  /** JSON Schema of the attributes. */
  schema: Record<string, unknown>
  is_builtin: boolean
  created_at: string
  updated_at: string
}

export type CardsCollection = {
  /** Cards, doubles included. */
  items: number
  /** How many different cards one has. */
  owned: number
  /** How many there are: published, or owned. */
  total: number
  categories: {
    category: string
    titles: {
      'zh-CN': string
      en: string
    }
    /** How many different cards one has. */
    owned: number
    /** How many there are: published, or owned. */
    total: number
  }[]
  rarities: {
    rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
    /** How many different cards one has. */
    owned: number
    /** How many there are: published, or owned. */
    total: number
  }[]
  /** Those begun, at most 100. */
  sets: {
    set_name: string
    /** How many different cards one has. */
    owned: number
    /** How many there are: published, or owned. */
    total: number
  }[]
}

export type CardsExpiry = {
  items: {
    batch_id: string
    name: string
    template_name: string
    expires_at: string
    /** Cards that nobody has redeemed yet. */
    remaining: number
    /** Less undone; on average of the last 28 days, or since the release. */
    redeemed_per_day: number
    /** What will be left then if that goes on. */
    expected_to_expire: number
  }[]
}

export type CardsExport = {
  id: string
  format: 'csv' | 'svg' | 'pdf' | 'png'
  /** Numbers of the first and the last card, and how they were laid out. */
  options: {
    from: number
    to: number
  } & Record<string, unknown>
  /** “cut”: the reader went away, or the server stopped. */
  state: 'running' | 'finished' | 'cut'
  /** How many were written. */
  cards: number
  requested_by: {
    id: string
    name: string | null
  }
  created_at: string
  finished_at: string | null
}

export type CardsFile = {
  id: string
  kind: 'image' | 'audio'
  name: string
  media_type: string
  /** Bytes. */
  size: number
  created_at: string
}

export type CardsItem = {
  /** Of the redemption. */
  id: string
  template_id: string
  template_version: number
  category: string
  rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
  name: string
  description: string
  /** The first is the cover; at /api/v1/cards/files/{id}/content. */
  images: string[]
  attributes: Record<string, unknown>
  rewards: CardsRewards
  set_name: string | null
  acquired_at: string
}

export type CardsRedemption = {
  item: CardsItem
  /** You had redeemed it before; nothing happened now. */
  already_owned: boolean
}

export type CardsRewards = {
  membership?: {
    plan: string
    days: number
  }
  points?: number
}

export type CardsRewardsInput = {
  membership?: {
    plan: string
    days: number
  }
  points?: number
}

export type CardsSheetPlan = {
  columns: number
  rows: number
  sheets: number
  /** Largest number of cards in one PDF; more come as a ZIP. */
  most_cards: number
  /** Largest number of cards in each PDF of a ZIP. */
  part_cards: number
  /** False: a PDF leaves the name out, for want of a font with its letters. */
  is_name_printable: boolean
  /** Where the QR codes lead, without the code. */
  redeem_url: string
  /** The first sheet as SVG, with a code that is none. */
  preview: string
}

export type CardsTemplate = {
  name: string
  description: string
  /** Ids of uploaded pictures; the first is the cover. */
  images: string[]
  /** What the JSON Schema of the category asks for. */
  attributes: Record<string, unknown>
  rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
  rewards: CardsRewards
  /** The set that a collector completes. */
  set_name: string | null
  id: string
  category: string
  state: 'draft' | 'published' | 'archived'
  version: number
  created_at: string
  updated_at: string
}

export type CardsTemplateVersion = {
  name: string
  description: string
  /** Ids of uploaded pictures; the first is the cover. */
  images: string[]
  /** What the JSON Schema of the category asks for. */
  attributes: Record<string, unknown>
  rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
  rewards: CardsRewards
  /** The set that a collector completes. */
  set_name: string | null
  version: number
  created_at: string
}

export type CardsUndone = {
  id: string
  /** What the card is now. */
  card_state: 'issued' | 'expired' | 'void'
  /** What was left of the days that the card had brought, now taken back. */
  membership: {
    plan: string
    days: number
  } | null
}

export type CardsUsageChain = {
  batch: {
    id: string
    name: string
  } | null
  batch_id: string
  last_seq: number
  /** Hash of the last row: note it elsewhere, and what is cut off later shows. */
  hash: string
  sealed_at: string
}

export type CardsUsageVerification = {
  batch_id: string
  /** Rows looked at in this call. */
  checked: number
  last_seq: number
  /** Call again from here; null when all is checked. */
  next_seq: number | null
  findings: {
    kind: 'row_changed' | 'row_missing' | 'row_added' | 'row_unproven' | 'person_changed' | 'cut_off' | 'head_changed' | 'head_missing' | 'key_missing' | 'chain_missing'
    batch_id: string
    first_seq: number
    last_seq: number
    id: string | null
  }[]
}

export type CardsUse = {
  id: string
  /** Place in the chain of its batch. */
  seq: number
  at: string
  action: 'redeemed' | 'undone' | 'refused' | 'expired'
  /** Null: no card has the code. */
  batch: {
    id: string
    name: string
  } | null
  template_name: string | null
  /** Of the card in its batch. */
  number: number | null
  /** Last characters of the code. */
  last4: string | null
  /** How many cards it is about. */
  cards: number
  redemption_id: string | null
  /** The redemption has been undone since. */
  is_undone: boolean
  /** Of a refusal: unknown, redeemed, expired, void, frozen or not_released. Of an undone redemption: what the card is now. */
  reason: string | null
  user: {
    id: string
    name: string
  } | null
  /** Who undid it. */
  acting_user: {
    id: string
    name: string
  } | null
  ip: string | null
  region: string | null
  /** Why it was undone. */
  note: string | null
}

export type ChatModel = {
  id: string
  name: string
  provider: string
  /** Tokens. */
  context_window: number
  capabilities: {
    vision: boolean
    tools: boolean
    reasoning: boolean
    json: boolean
  }
  is_default: boolean
}

export type Conversation = {
  id: string
  /** Null until the user or the background makes one. */
  title: string | null
  bot_id: string | null
  /** Null: the default model. */
  model: string | null
  folder_id: string | null
  is_archived: boolean
  is_pinned: boolean
  /** Not listed, not searched, and gone after a day. */
  is_temporary: boolean
  /** The leaf of the branch that is shown. */
  current_message_id: string | null
  created_at: string
  updated_at: string
  last_message_at: string
}

export type Device = {
  id: string
  name: string
  role: 'owner' | 'member'
  owner: {
    id: string
    username: string
    display_name: string
  } | null
  /** Items of redeemed cards go to the owner’s primary device. */
  is_primary: boolean
  /** Who answers; null: just the assistant. */
  bot_id: string | null
  type: {
    id: string
    key: string
    name: string
    category: string
    capabilities: string[]
    properties_schema: Record<string, unknown>
  }
  mac: string
  serial: string | null
  board: string | null
  presence: {
    /** Its connection is open: somebody talks to it, or just did. */
    is_online: boolean
    last_seen_at: string | null
    /** Percent. */
    battery: number | null
    network: {
      type?: string
      ssid?: string
      rssi?: number
      ip?: string
    } | null
    firmware_version: string | null
  }
  bound_at: string
}

export type DeviceBatch = {
  id: string
  type_id: string
  type_name: string
  name: string
  factory: string
  produced_on: string | null
  serial_from: string | null
  serial_to: string | null
  /** Its devices can be claimed only after they have proved that they hold their factory key. */
  requires_proof: boolean
  notes: string
  devices: number
  /** Of these, how many were ever switched on. */
  activated: number
  created_at: string
}

export type DeviceBroadcast = {
  id: string
  type_id: string | null
  type_name: string | null
  group_id: string | null
  group_name: string | null
  command: DeviceCommand
  /** Devices that it is for; null until they are counted. */
  total: number | null
  /** Devices for which it is queued. */
  sent: number
  is_done: boolean
  /** Devices that have carried it out. */
  done: number
  failed: number
  job_id: string | null
  created_at: string
  expires_at: string
}

export type DeviceCommand = {
  kind: 'tool'
  /** A tool of the device: self.audio_speaker.set_volume. */
  tool: string
  arguments: Record<string, string | number | boolean>
} | {
  kind: 'say'
  text: string
} | {
  kind: 'alert'
  status: string
  message: string
  /** Default: neutral. */
  emotion?: string
} | {
  kind: 'music'
  track_id: string
} | {
  kind: 'dance'
  dance_id: string
} | {
  kind: 'reboot'
} | {
  kind: 'custom'
  payload: Record<string, unknown>
}

export type DeviceCommandInput = {
  kind: 'tool'
  /** A tool of the device: self.audio_speaker.set_volume. */
  tool: string
  arguments: Record<string, string | number | boolean>
} | {
  kind: 'say'
  text: string
} | {
  kind: 'alert'
  status: string
  message: string
  /** Default: neutral. */
  emotion?: string
} | {
  kind: 'music'
  track_id: string
} | {
  kind: 'dance'
  dance_id: string
} | {
  kind: 'reboot'
} | {
  kind: 'custom'
  payload: Record<string, unknown>
}

export type DeviceCommandView = {
  id: string
  device_id: string
  command: DeviceCommand
  /** queued: waits for the next conversation. sent: not acknowledged yet. */
  state: 'queued' | 'sent' | 'done' | 'failed' | 'expired' | 'cancelled'
  result: Record<string, unknown> | null
  created_by: string | null
  created_at: string
  expires_at: string
  sent_at: string | null
  finished_at: string | null
}

export type DeviceFirmware = {
  id: string
  type_id: string
  type_name: string
  version: string
  /** Only devices that have at least this version get it. */
  min_version: string | null
  notes: string
  file_name: string
  /** Bytes. */
  size: number
  sha256: string
  state: 'draft' | 'rolling' | 'paused' | 'withdrawn'
  /** Of the devices, those that get it. The same ones as it grows. */
  percent: number
  /** Only devices of this group get it. */
  group_id: string | null
  group_name: string | null
  /** Installed over newer versions as well. */
  is_forced: boolean
  /** Devices that say they run it. */
  installed: number
  /** Devices of the type. */
  eligible: number
  created_at: string
  updated_at: string
}

export type DeviceGroup = {
  id: string
  name: string
  description: string
  devices: number
  created_at: string
}

export type DeviceHistoryEntry = {
  id: string
  kind: 'claimed' | 'paired_again' | 'released' | 'transferred' | 'member_joined' | 'member_left' | 'approved' | 'refused' | 'retired' | 'reinstated'
  user: {
    id: string
    username: string
    display_name: string
  } | null
  other_user: {
    id: string
    username: string
    display_name: string
  } | null
  created_at: string
}

export type DeviceImport = {
  id: string
  batch_id: string
  file_name: string
  /** Bytes. */
  size: number
  encoding: string | null
  state: 'queued' | 'running' | 'done' | 'failed'
  lines_done: number
  added: number
  refused: number
  /** The first 1000 lines that were not taken, and why. */
  problems: {
    line: number
    value: string
    code: string
    detail: string
  }[]
  /** Why the whole file was refused. */
  error: string | null
  job_id: string | null
  created_at: string
  finished_at: string | null
}

export type DeviceMediaItem = {
  id: string
  kind: 'music' | 'dance'
  title: string
  artist: string
  style: string
  description: string
  /** Null: not known. */
  duration_ms: number | null
  /** The card that unlocks it. Null: it is for everybody. */
  template_id: string | null
  media_type: string
  /** Bytes. */
  size: number
  /** Whether it is for everybody, or for the caller by a card. */
  is_unlocked: boolean
  created_at: string
}

export type DeviceMember = {
  user_id: string
  role: 'owner' | 'member'
  user: {
    id: string
    username: string
    display_name: string
  } | null
  since: string
}

export type DeviceOffer = {
  id: string
  /** To join the family, or to take the device over. */
  kind: 'member' | 'transfer'
  device: {
    id: string
    name: string
  }
  from: {
    id: string
    username: string
    display_name: string
  } | null
  /** Null: whoever has the link. */
  to: {
    id: string
    username: string
    display_name: string
  } | null
  /** The link’s path; told once, to whom makes it. */
  url_path: string | null
  created_at: string
  expires_at: string
}

export type DeviceRegistration = {
  id: string
  mac: string
  serial: string | null
  state: 'produced' | 'activated' | 'bound' | 'retired'
  approval: 'approved' | 'pending' | 'refused'
  type_id: string
  type_name: string
  batch_id: string | null
  batch_name: string | null
  board: string | null
  has_proof_key: boolean
  owner: {
    id: string
    username: string
    display_name: string
  } | null
  presence: {
    /** Its connection is open: somebody talks to it, or just did. */
    is_online: boolean
    last_seen_at: string | null
    /** Percent. */
    battery: number | null
    network: {
      type?: string
      ssid?: string
      rssi?: number
      ip?: string
    } | null
    firmware_version: string | null
  }
  first_online_at: string | null
  created_at: string
}

export type DeviceStartUpAnswer = {
  server_time: {
    timestamp: number
    timezone_offset: number
  }
  firmware: {
    /** Digits and dots. The device’s own when there is nothing newer. */
    version: string
    url: string
    force?: 1
  }
  websocket: {
    url: string
    token: string
    version: number
  }
  /** Only while the device has no owner. */
  activation?: {
    message: string
    code?: string
    challenge: string
    timeout_ms: number
  }
}

export type DeviceStartUpBodyInput = Record<string, unknown> | null

export type DeviceStateView = {
  /** What the device should be. */
  desired: Record<string, unknown>
  desired_version: number
  desired_at: string | null
  /** What the device says it is. */
  reported: Record<string, unknown>
  /** The desired version that the device has taken over. */
  reported_version: number
  reported_at: string | null
}

export type DeviceTurn = {
  id: string
  source: 'voice' | 'text'
  outcome: 'done' | 'aborted' | 'failed'
  error_code: string | null
  bot_id: string | null
  conversation_id: string | null
  /** When the speech was over. */
  started_at: string
  /** Silence that it took to know so. All that follows counts from there. */
  silence_ms: number | null
  /** The recognised text. */
  text_ms: number | null
  first_token_ms: number | null
  first_sentence_ms: number | null
  first_audio_ms: number | null
  abort_ms: number | null
  end_ms: number
  /** Sound of the answer that was heard. */
  spoken_ms: number
}

export type DeviceTurnStatistics = {
  days: {
    turns: number
    aborted: number
    failed: number
    stages: {
      silence_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      text_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_token_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_sentence_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_audio_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      end_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
    }
    /** 2026-11-21, in the reader’s time zone. */
    day: string
  }[]
  total: {
    turns: number
    aborted: number
    failed: number
    stages: {
      silence_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      text_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_token_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_sentence_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      first_audio_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
      end_ms: {
        p50_ms: number | null
        p95_ms: number | null
      }
    }
  }
}

export type DeviceType = {
  id: string
  key: string
  name: string
  category: string
  description: string
  /** JSON Schema of what can be set on such a device. */
  properties_schema: Record<string, unknown>
  capabilities: string[]
  /** What a device is that no batch lists. */
  is_default: boolean
  devices?: number
  created_at: string
  updated_at: string
}

export type DeviceVisionAnswer = {
  success: boolean
  /** RESPONSE, with a response. */
  action?: string
  response?: string
  /** Why there is no response. */
  message?: string
}

export type DeviceWeather = {
  city: string
  region: string | null
  country: string | null
  observed_at: string | null
  temperature: number
  feels_like: number | null
  humidity: number | null
  wind_speed: number | null
  condition: 'clear' | 'partly_cloudy' | 'cloudy' | 'fog' | 'drizzle' | 'rain' | 'showers' | 'sleet' | 'snow' | 'thunderstorm' | 'dust' | 'unknown'
  /** The condition in words. */
  text: string
  days: {
    date: string
    min: number
    max: number
    condition: 'clear' | 'partly_cloudy' | 'cloudy' | 'fog' | 'drizzle' | 'rain' | 'showers' | 'sleet' | 'snow' | 'thunderstorm' | 'dust' | 'unknown'
    text: string
  }[]
  source: string
}

export type Folder = {
  id: string
  name: string
  /** Lower ones come first. */
  position: number
}

export type Health = {
  version: string
  node_version: string
  /** Of the process that answers. */
  uptime_seconds: number
  /** Held by the process that answers. */
  memory_bytes: number
  database: {
    kind: 'embedded' | 'external'
    /** Milliseconds of one round trip. Null: no answer. */
    latency_ms: number | null
  }
  cache: {
    kind: 'memory' | 'redis'
    /** Null: no answer, or nothing to ask since it is in memory. */
    latency_ms: number | null
  }
  mail: {
    delivers: boolean
  }
  speech: {
    /** What listens; null: nothing is set up. */
    recognizer: string | null
    /** It hears nothing: for tests and demonstrations. */
    is_scripted: boolean
    /** What speaks; null: what is chosen lacks its keys. */
    synthesizer: string | null
    /** The built-in engine, which sounds like a machine. */
    is_preview: boolean
    /** Settings that connect a service, one group each. */
    services: string[]
  }
  providers: {
    id: string
    name: string
    is_enabled: boolean
    circuit: 'closed' | 'open'
    resting_keys: number
    keys: number
  }[]
  /** Null: the database does not answer. */
  jobs: {
    queued: number
    running: number
    failed: number
    dead: number
  } | null
}

export type ImportResult = {
  conversations: number
  messages: number
  /** What was not taken in, and why; the first 1000. */
  skipped: {
    title: string
    reason: string
  }[]
}

export type Instructions = {
  about_user: string
  answer_style: string
  is_enabled: boolean
}

export type InstructionsInput = {
  about_user: string
  answer_style: string
  is_enabled: boolean
}

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

export type Job = {
  id: string
  name: string
  owner_id: string | null
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'dead'
  /** From 0 to 1. */
  progress: number
  message: string | null
  attempts: number
  max_attempts: number
  error_code: string | null
  /** When it is due, or was. */
  run_at: string
  created_at: string
  started_at: string | null
  finished_at: string | null
}

export type JobRecord = {
  id: string
  name: string
  owner_id: string | null
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'dead'
  /** From 0 to 1. */
  progress: number
  message: string | null
  attempts: number
  max_attempts: number
  error_code: string | null
  /** When it is due, or was. */
  run_at: string
  created_at: string
  started_at: string | null
  finished_at: string | null
  error_detail: string | null
}

export type Me = {
  id: string
  username: string
  email: string | null
  /** When its owner proved to have the mailbox. */
  email_verified_at: string | null
  /** E.164, such as +8613800138000. */
  phone: string | null
  display_name: string
  avatar_url: string | null
  locale: 'zh-CN' | 'en'
  time_zone: string
  is_active: boolean
  is_vip: boolean
  roles: string[]
  profile: {
    mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
    gender?: 'female' | 'male' | 'other' | null
    birthday?: string | null
    interests?: string[]
    occupation?: string | null
    city?: string | null
    about?: string | null
  }
  preferences: Record<string, unknown>
  created_at: string
  last_sign_in_at: string | null
  /** Takes the place of `email` once its link is opened. */
  pending_email: string | null
  permissions: string[]
  organisations: {
    id: string
    name: string
    role: 'owner' | 'admin' | 'member'
  }[]
}

export type Memory = {
  id: string
  /** Null: said without a bot. */
  bot_id: string | null
  conversation_id: string
  /** The user’s message that said so. */
  message_id: string
  content: string
  /** What took its place. */
  superseded_by: string | null
  /** Null: it holds. */
  superseded_at: string | null
  created_at: string
}

export type MemorySettings = {
  is_enabled: boolean
}

export type MemorySettingsInput = {
  is_enabled: boolean
}

export type Message = {
  id: string
  conversation_id: string
  parent_id: string | null
  role: 'user' | 'assistant'
  content: string
  reasoning: string | null
  attachments: Attachment[]
  status: 'streaming' | 'done' | 'stopped' | 'interrupted' | 'failed'
  model: string | null
  finish_reason: string | null
  tokens_used: number | null
  prompt_tokens: number | null
  completion_tokens: number | null
  /** Who counted: upstream, estimated or partial. */
  usage_source: string | null
  /** Millionths of the currency unit. */
  cost_micros: number | null
  latency_ms: number | null
  first_token_ms: number | null
  error_code: string | null
  error_detail: string | null
  /** All answers to the same message, or all versions of a question, oldest first. */
  sibling_ids: string[]
  created_at: string
}

export type MyBilling = {
  plan: string
  /** When it ends. Null: never. */
  until: string | null
  names: {
    'zh-CN': string
    en: string
  }
  entitlements: Record<string, number | boolean | null>
}

export type Notification = {
  id: string
  kind: string
  /** In the language of the request. */
  title: string
  body: string
  /** Where in the app it leads. */
  path: string | null
  data: Record<string, string | number | boolean | null>
  read_at: string | null
  created_at: string
}

export type NotificationChoices = {
  /** Of the kinds that are sent as e-mails. */
  by_email: boolean
}

export type NotificationChoicesInput = {
  /** Of the kinds that are sent as e-mails. */
  by_email: boolean
}

export type Organisation = {
  id: string
  name: string
  created_by: string
  created_at: string
  updated_at: string
}

export type OrganisationInvitation = {
  id: string
  email: string | null
  role: 'owner' | 'admin' | 'member'
  created_at: string
  expires_at: string
}

export type OrganisationMember = {
  user_id: string
  username: string
  display_name: string
  avatar_url: string | null
  role: 'owner' | 'admin' | 'member'
  created_at: string
}

export type Plan = {
  id: string
  names: {
    'zh-CN': string
    en: string
  }
  /** What administrators set. */
  entitlements: Record<string, number | boolean | null>
  /** What it gives where they set nothing. */
  declared: Record<string, number | boolean | null>
  /** From then on nobody new comes onto it. */
  retired_at: string | null
  created_at: string
  updated_at: string
}

export type PlanSubscriber = {
  user_id: string
  username: string
  display_name: string
  avatar_url: string | null
  /** When it ends. Null: never. */
  until: string | null
}

export type Problem = {
  type: string
  title: string
  status: number
  /** noun.problem; stable, made for programs. */
  code: string
  /** What happened and what to do, in the language of the caller. */
  detail: string
  request_id: string
  details?: Record<string, unknown>
  errors?: {
    pointer: string
    detail: string
  }[]
}

export type Provider = {
  id: string
  /** Id of a kind, see /admin/providers/kinds. */
  kind: string
  name: string
  base_url: string
  /** `env`: set up by environment variables, cannot be changed here. */
  source: 'env' | 'admin'
  is_enabled: boolean
  /** Keys are write-only. */
  keys: {
    id: string
    last_four: string
    weight: number
  }[]
  /** `open`: it failed several times and is left alone for a while. */
  circuit: 'closed' | 'open'
  /** Ids of keys that were refused or used too often. */
  resting_keys: string[]
}

export type ProviderKind = {
  id: string
  name: string
  /** Null: the operator must give one. */
  base_url: string | null
  takes_key: boolean
  /** Empty: whatever the server lists. */
  models: string[]
}

export type Quota = {
  plan: string
  limits: {
    metric: 'requests' | 'tokens' | 'cost_micros'
    period: 'day' | 'month'
    max: number | null
    used: number
    /** By answers that are being written. */
    held: number
    remaining: number | null
    resets_at: string
  }[]
}

export type Role = {
  name: string
  permissions: string[]
}

export type SearchHit = {
  conversation: Conversation
  /** Null: the title was hit. */
  message: Message | null
  /** Hits stand between U+0001 and U+0002. */
  title_highlight: string | null
  /** A piece of the message, marked in the same way. */
  highlight: string | null
  rank: number
}

export type Session = {
  id: string
  ip: string
  user_agent: string
  created_at: string
  last_used_at: string
  is_current: boolean
}

export type Setup = {
  /** A model answers that is more than the offline engine. */
  has_provider: boolean
  /** The administrator who asks can sign in without a link. */
  has_password: boolean
  has_spend_cap: boolean
  /** False: mail lands on the mailbox page. */
  delivers_mail: boolean
  /** Speech is recognised, by more than a script. */
  has_recognizer: boolean
  /** Texts are spoken by more than the preview engine. */
  has_voice: boolean
  default_model: string | null
}

export type Share = {
  id: string
  /** `/share/TOKEN` in the web app. */
  url_path: string
  created_at: string
}

export type SharedConversation = {
  title: string | null
  /** When it was shared. */
  created_at: string
  /** Oldest first, at most the latest 1000. */
  messages: Message[]
}

export type SignIn = {
  id: string
  /** Null for a name that nobody has. */
  user_id: string | null
  method: 'password' | 'link'
  succeeded: boolean
  ip: string
  user_agent: string
  created_at: string
}

export type SignedIn = {
  /** JWT, null for a browser session. */
  access_token: string | null
  /** Good for one refresh. */
  refresh_token: string | null
  /** Seconds until the access token expires. */
  expires_in: number | null
  user: Me
}

export type SpeechStatus = {
  /** What listens; null when nothing is set up. */
  recognizer: string | null
  /** It hears nothing and answers from a script: for tests and demonstrations. */
  is_scripted: boolean
  /** What speaks. */
  synthesizer: string | null
  /** It speaks, but like a machine. */
  is_preview: boolean
  voices: {
    id: string
    name: string
    language: string
  }[]
}

export type SpendCap = {
  /** Millionths of the currency, for all users together. Null: no cap. */
  day_micros: number | null
  /** Millionths of the currency, for all users together. Null: no cap. */
  month_micros: number | null
  currency: string
  /** Today in Asia/Shanghai, running calls included. */
  spent_day_micros: number
  spent_month_micros: number
}

export type StoredMail = {
  id: string
  to: string
  subject: string
  /** `stored`: no mail server is set. `queued`: about to be sent. `failed`: tried, and maybe again. */
  state: 'stored' | 'queued' | 'failed'
  error_code: string | null
  created_at: string
}

export type StoredMailBody = {
  id: string
  to: string
  subject: string
  /** `stored`: no mail server is set. `queued`: about to be sent. `failed`: tried, and maybe again. */
  state: 'stored' | 'queued' | 'failed'
  error_code: string | null
  created_at: string
  text: string
  html: string | null
}

export type Transcription = {
  /** Null for short audio: its text is here and kept nowhere. */
  id: string | null
  state: 'queued' | 'done' | 'failed'
  /** Empty when nothing was said. */
  text: string | null
  /** How long the audio is. */
  seconds: number
  engine: string
  /** Where long audio shows its progress: `/api/v1/jobs/{id}`. */
  job_id: string | null
  error_code: string | null
  /** When it will be gone. */
  expires_at: string | null
}

export type Turn = {
  user_message: Message
  assistant_message: Message
}

export type User = {
  id: string
  username: string
  email: string | null
  /** When its owner proved to have the mailbox. */
  email_verified_at: string | null
  /** E.164, such as +8613800138000. */
  phone: string | null
  display_name: string
  avatar_url: string | null
  locale: 'zh-CN' | 'en'
  time_zone: string
  is_active: boolean
  is_vip: boolean
  roles: string[]
  profile: {
    mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
    gender?: 'female' | 'male' | 'other' | null
    birthday?: string | null
    interests?: string[]
    occupation?: string | null
    city?: string | null
    about?: string | null
  }
  preferences: Record<string, unknown>
  created_at: string
  last_sign_in_at: string | null
}

export type UserBilling = {
  plan: string
  /** When it ends. Null: never. */
  until: string | null
  user_id: string
  overrides: Record<string, number | boolean | null>
  /** What plan and overrides come to. */
  entitlements: Record<string, number | boolean | null>
  upcoming: {
    plan_id: string
    from_at: string
    until_at: string | null
  }[]
  /** The latest 20. */
  grants: {
    plan_id: string
    days: number
    reason: string
    /** The administrator who gave them, if one did. */
    granted_by_name: string | null
    until_at: string | null
    /** When what was left of them was taken back. */
    taken_back_at: string | null
    created_at: string
  }[]
}

/** What each route takes and answers. One without `response` answers with something else than JSON. */
export type Routes = {
  /** All achievements with their rules */
  'GET /api/v1/achievements/definitions': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: AchievementDefinition[]
      next_cursor: string | null
    }
  }
  /** Make an achievement; history is counted in the background */
  'POST /api/v1/achievements/definitions': {
    body: {
      names: {
        'zh-CN': string
        en: string
      }
      descriptions: {
        'zh-CN': string
        en: string
      }
      /** An emoji. */
      icon: string
      /** Not shown to people before they have it. */
      is_hidden?: boolean
      is_enabled?: boolean
      /** Its place in the list. */
      position?: number
      rule: AchievementRuleInput
    }
    response: AchievementDefinition
  }
  /** An achievement with its rule */
  'GET /api/v1/achievements/definitions/{id}': {
    params: {
      id: string
    }
    response: AchievementDefinition
  }
  /** Change an achievement; a changed rule is a new version */
  'PATCH /api/v1/achievements/definitions/{id}': {
    params: {
      id: string
    }
    body: {
      names?: {
        'zh-CN': string
        en: string
      }
      descriptions?: {
        'zh-CN': string
        en: string
      }
      icon?: string
      is_hidden?: boolean
      is_enabled?: boolean
      position?: number
      rule?: AchievementRuleInput
    }
    response: AchievementDefinition
  }
  /** Delete an achievement that nobody has */
  'DELETE /api/v1/achievements/definitions/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Go on counting history after it was stopped */
  'POST /api/v1/achievements/definitions/{id}/replays': {
    params: {
      id: string
    }
    response: AchievementDefinition
  }
  /** The events that rules may count, with their fields */
  'GET /api/v1/achievements/events': {
    response: {
      items: AchievementEvent[]
    }
  }
  /** Those who want to be seen, most points first */
  'GET /api/v1/achievements/leaderboard': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: AchievementBoardEntry[]
      next_cursor: string | null
      own: AchievementStanding
    }
  }
  /** Be seen on the leaderboard, or not */
  'PUT /api/v1/achievements/leaderboard/listing': {
    body: {
      is_listed: boolean
    }
    response: AchievementStanding
  }
  /** Where one’s points come from, newest first */
  'GET /api/v1/achievements/points': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: AchievementPoints[]
      next_cursor: string | null
    }
  }
  /** Try a rule on the history so far */
  'POST /api/v1/achievements/previews': {
    body: {
      rule: AchievementRuleInput
      /** Whose rule it shall be, if it is there already. */
      achievement_id?: string | null
    }
    response: AchievementPreview
  }
  /** What a rule would have come to, as far as is known */
  'GET /api/v1/achievements/previews/{id}': {
    params: {
      id: string
    }
    response: AchievementPreview
  }
  /** How far one is with every achievement */
  'GET /api/v1/achievements/progress': {
    response: {
      points: number
      /** Achievements of which at least one tier is unlocked. */
      unlocked: number
      items: AchievementProgress[]
    }
  }
  /** Unlocks by day, as counted every night */
  'GET /api/v1/achievements/statistics': {
    query?: {
      days?: number
    }
    response: {
      items: AchievementStatistic[]
    }
  }
  /** Database, cache, providers and queue, as this process sees them now */
  'GET /api/v1/admin/health': {
    response: Health
  }
  /** Background jobs, newest first */
  'GET /api/v1/admin/jobs': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      state?: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'dead'
      name?: string
      owner_id?: string
    }
    response: {
      items: JobRecord[]
      next_cursor: string | null
    }
  }
  /** Cancel a job */
  'POST /api/v1/admin/jobs/{id}/cancel': {
    params: {
      id: string
    }
    response: Job
  }
  /** Put a dead, failed or cancelled job back in the queue */
  'POST /api/v1/admin/jobs/{id}/retry': {
    params: {
      id: string
    }
    response: Job
  }
  /** Mails that were not delivered, newest first */
  'GET /api/v1/admin/mailbox': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: StoredMail[]
      next_cursor: string | null
    }
  }
  /** A mail with its text */
  'GET /api/v1/admin/mailbox/{id}': {
    params: {
      id: string
    }
    response: StoredMailBody
  }
  /** All models, switched off ones too */
  'GET /api/v1/admin/models': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      kind?: 'chat' | 'embedding'
      provider_id?: string
    }
    response: {
      items: AdminModel[]
      next_cursor: string | null
    }
  }
  /** Add a model of a provider */
  'POST /api/v1/admin/models': {
    body: {
      provider_id: string
      /** The provider’s own name of it. */
      upstream_model: string
      name?: string
      kind?: 'chat' | 'embedding'
      /** Tokens. */
      context_window?: number
      /** Tokens. */
      max_output?: number
      /** Hundredths of the currency per million tokens. Null: not known. */
      input_price?: number | null
      output_price?: number | null
      /** Of prompt tokens that the provider had cached. Null: as input_price. */
      cached_price?: number | null
      currency?: string
      capabilities?: {
        vision?: boolean
        tools?: boolean
        reasoning?: boolean
        json?: boolean
      }
      /** `everyone`, or roles and plans such as `vip`. */
      audience?: string[]
      /** Models that stand in when the provider fails, in this order. */
      fallbacks?: string[]
      is_enabled?: boolean
      /** For those who chose none; one of each kind. */
      is_default?: boolean
      /** The public id, by which users ask for it. */
      id: string
    }
    response: AdminModel
  }
  /** Change a model, also one that came with its provider */
  'PATCH /api/v1/admin/models/{id}': {
    params: {
      id: string
    }
    body: {
      provider_id?: string
      /** The provider’s own name of it. */
      upstream_model?: string
      name?: string
      kind?: 'chat' | 'embedding'
      /** Tokens. */
      context_window?: number
      /** Tokens. */
      max_output?: number
      /** Hundredths of the currency per million tokens. Null: not known. */
      input_price?: number | null
      output_price?: number | null
      /** Of prompt tokens that the provider had cached. Null: as input_price. */
      cached_price?: number | null
      currency?: string
      capabilities?: {
        vision?: boolean
        tools?: boolean
        reasoning?: boolean
        json?: boolean
      }
      /** `everyone`, or roles and plans such as `vip`. */
      audience?: string[]
      /** Models that stand in when the provider fails, in this order. */
      fallbacks?: string[]
      is_enabled?: boolean
      /** For those who chose none; one of each kind. */
      is_default?: boolean
    }
    response: AdminModel
  }
  /** Remove a model, or what was changed of one that came with its provider */
  'DELETE /api/v1/admin/models/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Providers that are set up, by environment or here */
  'GET /api/v1/admin/providers': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: Provider[]
      next_cursor: string | null
    }
  }
  /** Set up a provider; its models are there at once */
  'POST /api/v1/admin/providers': {
    body: {
      kind: string
      name?: string
      base_url?: string
      api_key?: string
    }
    response: Provider
  }
  /** Kinds of providers that can be set up */
  'GET /api/v1/admin/providers/kinds': {
    response: {
      items: ProviderKind[]
    }
  }
  /** Whether a provider answers: one that is set up (`id`), or settings that are not yet (`kind` …) */
  'POST /api/v1/admin/providers/test': {
    body: {
      id: string
    } | {
      kind: string
      base_url?: string
      api_key?: string
    }
    response: {
      ok: boolean
      latency_ms: number
      models: string[]
      error: string | null
      error_code: string | null
    }
  }
  /** One provider */
  'GET /api/v1/admin/providers/{id}': {
    params: {
      id: string
    }
    response: Provider
  }
  /** Change a provider. A new address needs the key again; `api_key` replaces all keys. */
  'PATCH /api/v1/admin/providers/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      base_url?: string
      is_enabled?: boolean
      api_key?: string
    }
    response: Provider
  }
  /** Remove a provider, its keys and its models */
  'DELETE /api/v1/admin/providers/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Add a key: a provider’s keys take turns by weight */
  'POST /api/v1/admin/providers/{id}/keys': {
    params: {
      id: string
    }
    body: {
      api_key: string
      weight?: number
    }
    response: Provider
  }
  /** Remove a key */
  'DELETE /api/v1/admin/providers/{id}/keys/{key_id}': {
    params: {
      id: string
      key_id: string
    }
    response: Provider
  }
  /** How far the first-run set-up is */
  'GET /api/v1/admin/setup': {
    response: Setup
  }
  /** The spend cap, and what is spent */
  'GET /api/v1/admin/spend-cap': {
    response: SpendCap
  }
  /** Set the spend cap; from now on it holds instead of AI_SPEND_CAP_DAY and AI_SPEND_CAP_MONTH */
  'PUT /api/v1/admin/spend-cap': {
    body: {
      /** Millionths of the currency, for all users together. Null: no cap. */
      day_micros: number | null
      /** Millionths of the currency, for all users together. Null: no cap. */
      month_micros: number | null
    }
    response: SpendCap
  }
  /** Requests, tokens and cost by day, model or user. Default: the last 30 days by day. */
  'GET /api/v1/admin/usage': {
    query?: {
      from?: string
      /** Not included. */
      to?: string
      group_by?: 'day' | 'model' | 'user'
    }
    response: {
      from: string
      to: string
      currency: string
      items: {
        /** A day in Asia/Shanghai (2026-11-21), a model id or a user id. */
        key: string
        /** The user’s name. */
        label: string | null
        requests: number
        prompt_tokens: number
        completion_tokens: number
        cached_tokens: number
        cost_micros: number
      }[]
    }
  }
  /** Send the mail again that confirms one’s e-mail address, or the one that takes its place */
  'POST /api/v1/auth/email/verification': {
    response: Record<string, never>
  }
  /** Confirm an e-mail address with the link that was mailed to it */
  'POST /api/v1/auth/email/verify': {
    body: {
      token: string
    }
    response: undefined
  }
  /** Sign a browser in with a one-time link */
  'POST /api/v1/auth/link': {
    body: {
      token: string
    }
    response: SignedIn
  }
  /** Sign in with a username, e-mail address or phone number */
  'POST /api/v1/auth/login': {
    body: {
      name: string
      password: string
      mode?: 'token' | 'cookie'
    }
    response: SignedIn
  }
  /** Sign out here, or everywhere */
  'POST /api/v1/auth/logout': {
    body: {
      everywhere?: boolean
    } | null
    response: undefined
  }
  /** Change the password; every other session ends. `current_password` is null when none is set yet. */
  'PUT /api/v1/auth/password': {
    body: {
      current_password: string | null
      new_password: string
    }
    response: undefined
  }
  /** Ask for a reset link by e-mail. The answer is the same for known and unknown addresses. */
  'POST /api/v1/auth/password/forgot': {
    body: {
      email: string
    }
    response: Record<string, never>
  }
  /** Set a new password with a reset link; every session ends */
  'POST /api/v1/auth/password/reset': {
    body: {
      token: string
      new_password: string
    }
    response: undefined
  }
  /** Who may make an account, and whether a forgotten password can be reset by e-mail */
  'GET /api/v1/auth/policy': {
    response: {
      sign_up: 'open' | 'invitation' | 'closed'
    }
  }
  /** Trade a refresh token for a new pair. A second use of an old one ends the session. */
  'POST /api/v1/auth/refresh': {
    body: {
      refresh_token: string
    }
    response: SignedIn
  }
  /** Make an account. The answer is the same whether or not the name is taken; sign in to find out. */
  'POST /api/v1/auth/register': {
    body: {
      username: string
      password: string
      email?: string
      phone?: string
      display_name?: string
      locale?: 'zh-CN' | 'en'
      time_zone?: string
      invitation?: string
    }
    response: Record<string, never>
  }
  /** Where one is signed in, last used first */
  'GET /api/v1/auth/sessions': {
    response: {
      items: Session[]
    }
  }
  /** End one of one’s own sessions */
  'DELETE /api/v1/auth/sessions/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Attempts to sign in to one’s own account, newest first */
  'GET /api/v1/auth/sign-ins': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: SignIn[]
      next_cursor: string | null
    }
  }
  /** One’s own API tokens, newest first */
  'GET /api/v1/auth/tokens': {
    response: {
      items: ApiToken[]
    }
  }
  /** Make an API token. Scopes are permissions, or `all`, `read`, `chat`. It is shown this once. */
  'POST /api/v1/auth/tokens': {
    body: {
      name: string
      scopes: string[]
      /** Default: until it is revoked. */
      expires_at?: string | null
    }
    response: {
      id: string
      name: string
      scopes: string[]
      last_four: string
      created_at: string
      last_used_at: string | null
      expires_at: string | null
      token: string
    }
  }
  /** Revoke an API token */
  'DELETE /api/v1/auth/tokens/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Own plan and what it allows */
  'GET /api/v1/billing/me': {
    response: MyBilling
  }
  /** All plans */
  'GET /api/v1/billing/plans': {
    response: {
      items: Plan[]
    }
  }
  /** Make a plan */
  'POST /api/v1/billing/plans': {
    body: {
      id: string
      names: {
        'zh-CN': string
        en: string
      }
      entitlements: Record<string, number | boolean | null>
    }
    response: Plan
  }
  /** A plan as administrators set it */
  'GET /api/v1/billing/plans/{id}': {
    params: {
      id: string
    }
    response: Plan
  }
  /** Make or replace a plan. Entitlements left out are as the products declare them */
  'PUT /api/v1/billing/plans/{id}': {
    params: {
      id: string
    }
    body: {
      names: {
        'zh-CN': string
        en: string
      }
      entitlements: Record<string, number | boolean | null>
      is_retired?: boolean
    }
    response: Plan
  }
  /** Who is on a plan now. Nobody is listed for `free`, which is everyone else’s */
  'GET /api/v1/billing/plans/{id}/subscribers': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: PlanSubscriber[]
      next_cursor: string | null
    }
  }
  /** A user’s plan, overrides and grants */
  'GET /api/v1/billing/users/{id}': {
    params: {
      id: string
    }
    response: UserBilling
  }
  /** Set a user’s plan, its end and the overrides */
  'PUT /api/v1/billing/users/{id}': {
    params: {
      id: string
    }
    body: {
      plan: string
      until: string | null
      overrides: Record<string, number | boolean | null>
    }
    response: UserBilling
  }
  /** Give a user days of a plan, after those that are given already */
  'POST /api/v1/billing/users/{id}/grants': {
    params: {
      id: string
    }
    body: {
      plan: string
      days: number
      reason?: string
    }
    response: UserBilling
  }
  /** Cards issued, redeemed, refused and expired by day */
  'GET /api/v1/cards/analytics/days': {
    query?: {
      from?: string
      to?: string
      batch_id?: string
      template_id?: string
      channel?: string
    }
    response: CardsByDay
  }
  /** Batches that end next, and how many of their cards will probably be left */
  'GET /api/v1/cards/analytics/expiry': {
    response: CardsExpiry
  }
  /** The same by batch, template, channel or region */
  'GET /api/v1/cards/analytics/groups': {
    query: {
      from?: string
      to?: string
      batch_id?: string
      template_id?: string
      channel?: string
      by: 'batch' | 'template' | 'channel' | 'region'
    }
    response: CardsByGroup
  }
  /** Make a batch for each template of a set, the quantity split by the weights of their rarities */
  'POST /api/v1/cards/batch-sets': {
    body: {
      name: string
      quantity: number
      valid_until?: string | null
      /** Days after the release. */
      valid_days?: number | null
      /** Where its cards are sold or given away. */
      channel?: string | null
      notes?: string
      set_name: string
    }
    response: {
      items: CardsBatch[]
    }
  }
  /** Batches, newest first */
  'GET /api/v1/cards/batches': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      template_id?: string
      state?: 'draft' | 'generating' | 'ready' | 'released' | 'frozen' | 'void'
    }
    response: {
      items: CardsBatch[]
      next_cursor: string | null
    }
  }
  /** Make a batch of a published template, as a draft */
  'POST /api/v1/cards/batches': {
    body: {
      name: string
      quantity: number
      valid_until?: string | null
      /** Days after the release. */
      valid_days?: number | null
      /** Where its cards are sold or given away. */
      channel?: string | null
      notes?: string
      template_id: string
      /** The newest by default. */
      template_version?: number
    }
    response: CardsBatch
  }
  /** A batch */
  'GET /api/v1/cards/batches/{id}': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** Change the name, channel or notes of a batch */
  'PATCH /api/v1/cards/batches/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      /** Where its cards are sold or given away. */
      channel?: string | null
      notes?: string
    }
    response: CardsBatch
  }
  /** Delete a draft */
  'DELETE /api/v1/cards/batches/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** The QR code of one card as PNG; noted in the record of exports */
  'GET /api/v1/cards/batches/{id}/cards/{number}/qr.png': {
    params: {
      id: string
      number: number
    }
    query?: {
      /** Pixels of a module. */
      scale?: number
    }
  }
  /** The codes of a batch as CSV; noted in the record of exports */
  'GET /api/v1/cards/batches/{id}/codes.csv': {
    params: {
      id: string
    }
    query?: {
      /** Number of the first card. */
      from?: number
      /** Number of the last card. */
      to?: number
      /** Lets Excel know that it is UTF-8. */
      bom?: boolean
    }
  }
  /** Who exported codes of a batch, newest first */
  'GET /api/v1/cards/batches/{id}/exports': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: CardsExport[]
      next_cursor: string | null
    }
  }
  /** Let no card be redeemed until the batch is released again */
  'POST /api/v1/cards/batches/{id}/freeze': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** Make the cards in the background, or go on after a job that stopped */
  'POST /api/v1/cards/batches/{id}/generate': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** Let the cards be redeemed from now on */
  'POST /api/v1/cards/batches/{id}/release': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** Destroy what the codes are made from; cards that are out stay valid */
  'DELETE /api/v1/cards/batches/{id}/secret': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** What print sheets will look like, without any code */
  'GET /api/v1/cards/batches/{id}/sheet-plan': {
    params: {
      id: string
    }
    query?: {
      page?: 'a4' | 'letter' | 'custom'
      /** Of a custom page. */
      page_width?: number
      /** Of a custom page. */
      page_height?: number
      card_width?: number
      card_height?: number
      /** Kept free at the edges of the page; crop marks stand in it. */
      margin?: number
      /** Between cards, beside their bleed. */
      gap?: number
      /** How far the background goes beyond the cut. */
      bleed?: number
      crop_marks?: boolean
      /** Colour as six hexadecimal digits. */
      background?: string
      show_name?: boolean
      show_number?: boolean
      /** Number of the first card. */
      from?: number
      /** Number of the last card. */
      to?: number
    }
    response: CardsSheetPlan
  }
  /** Print sheets with QR codes as PDF; noted in the record of exports */
  'GET /api/v1/cards/batches/{id}/sheets.pdf': {
    params: {
      id: string
    }
    query?: {
      page?: 'a4' | 'letter' | 'custom'
      /** Of a custom page. */
      page_width?: number
      /** Of a custom page. */
      page_height?: number
      card_width?: number
      card_height?: number
      /** Kept free at the edges of the page; crop marks stand in it. */
      margin?: number
      /** Between cards, beside their bleed. */
      gap?: number
      /** How far the background goes beyond the cut. */
      bleed?: number
      crop_marks?: boolean
      /** Colour as six hexadecimal digits. */
      background?: string
      show_name?: boolean
      show_number?: boolean
      /** Number of the first card. */
      from?: number
      /** Number of the last card. */
      to?: number
    }
  }
  /** Print sheets with QR codes as a ZIP of SVG or PDF files; noted in the record of exports */
  'GET /api/v1/cards/batches/{id}/sheets.zip': {
    params: {
      id: string
    }
    query?: {
      page?: 'a4' | 'letter' | 'custom'
      /** Of a custom page. */
      page_width?: number
      /** Of a custom page. */
      page_height?: number
      card_width?: number
      card_height?: number
      /** Kept free at the edges of the page; crop marks stand in it. */
      margin?: number
      /** Between cards, beside their bleed. */
      gap?: number
      /** How far the background goes beyond the cut. */
      bleed?: number
      crop_marks?: boolean
      /** Colour as six hexadecimal digits. */
      background?: string
      show_name?: boolean
      show_number?: boolean
      /** Number of the first card. */
      from?: number
      /** Number of the last card. */
      to?: number
      /** An SVG for each sheet, or PDFs of many sheets, which are named by the numbers of their cards. */
      format?: 'svg' | 'pdf'
    }
  }
  /** End a batch for good: none of its cards can be redeemed any more */
  'POST /api/v1/cards/batches/{id}/void': {
    params: {
      id: string
    }
    response: CardsBatch
  }
  /** All categories of cards, with the JSON Schema of their attributes */
  'GET /api/v1/cards/categories': {
    response: {
      items: CardsCategory[]
    }
  }
  /** Make a category */
  'POST /api/v1/cards/categories': {
    body: {
      titles: {
        'zh-CN': string
        en: string
      }
      /** A closed JSON Schema of type “object”, without references and combinators. */
      schema: Record<string, unknown>
      name: string
    }
    response: CardsCategory
  }
  /** Change a category; templates that exist keep what they say */
  'PUT /api/v1/cards/categories/{name}': {
    params: {
      name: string
    }
    body: {
      titles: {
        'zh-CN': string
        en: string
      }
      /** A closed JSON Schema of type “object”, without references and combinators. */
      schema: Record<string, unknown>
    }
    response: CardsCategory
  }
  /** Delete a category that no template belongs to */
  'DELETE /api/v1/cards/categories/{name}': {
    params: {
      name: string
    }
    response: undefined
  }
  /** How far your collection has come, by category, rarity and set */
  'GET /api/v1/cards/collection': {
    response: CardsCollection
  }
  /** Upload a picture or audio (multipart), to be named by a template within a day */
  'POST /api/v1/cards/files': {
    file: Blob
    response: CardsFile
  }
  /** A picture of a template that was published, or the audio of an own item */
  'GET /api/v1/cards/files/{id}/content': {
    params: {
      id: string
    }
  }
  /** Own cards, newest first */
  'GET /api/v1/cards/items': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      category?: string
      rarity?: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
      set_name?: string
    }
    response: {
      items: CardsItem[]
      next_cursor: string | null
    }
  }
  /** One of your cards */
  'GET /api/v1/cards/items/{id}': {
    params: {
      id: string
    }
    response: CardsItem
  }
  /** Plans of which a card may give days */
  'GET /api/v1/cards/memberships': {
    response: {
      items: {
        id: string
        names: {
          'zh-CN': string
          en: string
        }
      }[]
    }
  }
  /** Rarities, from the most common on, with their weights */
  'GET /api/v1/cards/rarities': {
    response: {
      items: {
        name: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
        weight: number
        /** Its part of all weights, from 0 to 1. */
        share: number
      }[]
    }
  }
  /** Redeem the code of a card; again by the same user, it answers with the same item */
  'POST /api/v1/cards/redemptions': {
    body: {
      /** As printed; separators and lower case do not matter. */
      code: string
    }
    response: CardsRedemption
  }
  /** Take a redemption back: the item leaves the collection, and what is left of its days of membership goes */
  'POST /api/v1/cards/redemptions/{id}/undo': {
    params: {
      id: string
    }
    body: {
      reason: string
      /** The card cannot be redeemed again. */
      void_card?: boolean
    }
    response: CardsUndone
  }
  /** Templates in their newest version, newest first */
  'GET /api/v1/cards/templates': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      category?: string
      rarity?: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
      state?: 'draft' | 'published' | 'archived'
      /** Part of the name. */
      q?: string
    }
    response: {
      items: CardsTemplate[]
      next_cursor: string | null
    }
  }
  /** Make a template, as a draft */
  'POST /api/v1/cards/templates': {
    body: {
      name: string
      description?: string
      /** Ids of uploaded pictures; the first is the cover. */
      images?: string[]
      /** What the JSON Schema of the category asks for. */
      attributes: Record<string, unknown>
      rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
      rewards?: CardsRewardsInput
      /** The set that a collector completes. */
      set_name?: string | null
      category: string
    }
    response: CardsTemplate
  }
  /** A template in its newest version */
  'GET /api/v1/cards/templates/{id}': {
    params: {
      id: string
    }
    response: CardsTemplate
  }
  /** Store a new version; cards of earlier ones keep what they say */
  'PUT /api/v1/cards/templates/{id}': {
    params: {
      id: string
    }
    body: {
      name: string
      description?: string
      /** Ids of uploaded pictures; the first is the cover. */
      images?: string[]
      /** What the JSON Schema of the category asks for. */
      attributes: Record<string, unknown>
      rarity: 'common' | 'uncommon' | 'rare' | 'epic' | 'legendary'
      rewards?: CardsRewardsInput
      /** The set that a collector completes. */
      set_name?: string | null
      /** The version that was changed: refused when there is a newer one. */
      base_version: number
    }
    response: CardsTemplate
  }
  /** Publish a template, archive it, or make it a draft again */
  'PATCH /api/v1/cards/templates/{id}': {
    params: {
      id: string
    }
    body: {
      state: 'draft' | 'published' | 'archived'
    }
    response: CardsTemplate
  }
  /** All versions of a template, newest first */
  'GET /api/v1/cards/templates/{id}/versions': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: CardsTemplateVersion[]
      next_cursor: string | null
    }
  }
  /** What has happened to cards, newest first */
  'GET /api/v1/cards/usage': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      batch_id?: string
      user_id?: string
      action?: 'redeemed' | 'undone' | 'refused' | 'expired'
    }
    response: {
      items: CardsUse[]
      next_cursor: string | null
    }
  }
  /** Where the sealed log of each batch ends now */
  'GET /api/v1/cards/usage-chains': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: CardsUsageChain[]
      next_cursor: string | null
    }
  }
  /** Look for rows of the log that were changed, added or removed, 50,000 a call */
  'GET /api/v1/cards/usage-chains/{id}/verification': {
    params: {
      id: string
    }
    query?: {
      from_seq?: number
    }
    response: CardsUsageVerification
  }
  /** Upload a picture, a PDF or a text (multipart), to be sent with a message within a day */
  'POST /api/v1/chat/attachments': {
    file: Blob
    response: Attachment
  }
  /** An own file */
  'GET /api/v1/chat/attachments/{id}/content': {
    params: {
      id: string
    }
  }
  /** Own bots, then public ones */
  'GET /api/v1/chat/bots': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: Bot[]
      next_cursor: string | null
    }
  }
  /** Make a bot */
  'POST /api/v1/chat/bots': {
    body: {
      name: string
      description?: string
      avatar_emoji?: string
      system_prompt: string
      /** Null: the default model. */
      model?: string | null
      /** Null: the model’s own. */
      temperature?: number | null
      /** `none`: each question stands alone, and the model sees nothing that was said before. `facts`: beyond the conversation, the bot keeps what the user says about themselves. */
      memory?: 'none' | 'conversation' | 'facts'
      /** What the bot says first. It is shown, and the model knows that it was said. */
      opening_line?: string | null
      example_questions?: string[]
      /** For everybody. Needs the permission chat.bots.publish. */
      is_public?: boolean
    }
    response: Bot
  }
  /** One bot */
  'GET /api/v1/chat/bots/{id}': {
    params: {
      id: string
    }
    response: Bot
  }
  /** Change an own bot; conversations with it follow from their next answer on */
  'PUT /api/v1/chat/bots/{id}': {
    params: {
      id: string
    }
    body: {
      name: string
      description?: string
      avatar_emoji?: string
      system_prompt: string
      /** Null: the default model. */
      model?: string | null
      /** Null: the model’s own. */
      temperature?: number | null
      /** `none`: each question stands alone, and the model sees nothing that was said before. `facts`: beyond the conversation, the bot keeps what the user says about themselves. */
      memory?: 'none' | 'conversation' | 'facts'
      /** What the bot says first. It is shown, and the model knows that it was said. */
      opening_line?: string | null
      example_questions?: string[]
      /** For everybody. Needs the permission chat.bots.publish. */
      is_public?: boolean
    }
    response: Bot
  }
  /** Delete an own bot; conversations with it stay, without a bot */
  'DELETE /api/v1/chat/bots/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** One question without a conversation; streamed with Accept: text/event-stream */
  'POST /api/v1/chat/bots/{id}/ask': {
    params: {
      id: string
    }
    body: {
      content: string
    }
  }
  /** Own conversations: pinned first, then the latest */
  'GET /api/v1/chat/conversations': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      archived?: boolean
      folder_id?: string
    }
    response: {
      items: Conversation[]
      next_cursor: string | null
    }
  }
  /** Begin a conversation */
  'POST /api/v1/chat/conversations': {
    body: {
      title?: string
      bot_id?: string | null
      model?: string | null
      folder_id?: string | null
      is_temporary?: boolean
    }
    response: Conversation
  }
  /** One conversation */
  'GET /api/v1/chat/conversations/{id}': {
    params: {
      id: string
    }
    response: Conversation
  }
  /** Rename, archive, pin, move, choose a model, or switch the branch */
  'PATCH /api/v1/chat/conversations/{id}': {
    params: {
      id: string
    }
    body: {
      title?: string
      is_archived?: boolean
      is_pinned?: boolean
      folder_id?: string | null
      model?: string | null
      /** Any message: the newest leaf below it is shown. */
      current_message_id?: string
    }
    response: Conversation
  }
  /** Delete; it can be restored for a while */
  'DELETE /api/v1/chat/conversations/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** A conversation as a file: the branch that is shown as Markdown, or everything as JSON */
  'GET /api/v1/chat/conversations/{id}/export': {
    params: {
      id: string
    }
    query?: {
      format?: 'markdown' | 'json'
    }
  }
  /** The branch that is shown, newest first */
  'GET /api/v1/chat/conversations/{id}/messages': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: Message[]
      next_cursor: string | null
    }
  }
  /** Ask; the answer is written in the background, or streamed with Accept: text/event-stream */
  'POST /api/v1/chat/conversations/{id}/messages': {
    params: {
      id: string
    }
    body: {
      /** Chosen by the client. Sent again, it joins the turn that it began, and nothing is charged twice. */
      client_message_id: string
      content: string
      /** Absent: under the leaf that is shown. Null: a new first question. */
      parent_id?: string | null
      attachment_ids?: string[]
      model?: string
    }
    response: Turn
  }
  /** Undo a deletion */
  'POST /api/v1/chat/conversations/{id}/restore': {
    params: {
      id: string
    }
    response: Conversation
  }
  /** The links to a conversation, newest first */
  'GET /api/v1/chat/conversations/{id}/shares': {
    params: {
      id: string
    }
    response: {
      items: Share[]
      next_cursor: string | null
    }
  }
  /** Share the branch that is shown, as it is now, by a link */
  'POST /api/v1/chat/conversations/{id}/shares': {
    params: {
      id: string
    }
    response: Share
  }
  /** All own conversations and bots as one JSON file */
  'GET /api/v1/chat/export': {}
  /** All own folders, in their order */
  'GET /api/v1/chat/folders': {
    response: {
      items: Folder[]
      next_cursor: string | null
    }
  }
  /** Make a folder */
  'POST /api/v1/chat/folders': {
    body: {
      name: string
      position?: number
    }
    response: Folder
  }
  /** Rename or move a folder */
  'PATCH /api/v1/chat/folders/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      position?: number
    }
    response: Folder
  }
  /** Delete a folder; the conversations in it stay */
  'DELETE /api/v1/chat/folders/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Take conversations in: our own JSON, or ChatGPT’s conversations.json (multipart, or as the body) */
  'POST /api/v1/chat/imports': {
    file: Blob
    response: ImportResult
  }
  /** What every model is told about oneself */
  'GET /api/v1/chat/instructions': {
    response: Instructions
  }
  /** Say what every model shall know, and how it shall answer */
  'PUT /api/v1/chat/instructions': {
    body: InstructionsInput
    response: Instructions
  }
  /** What bots remember of oneself, the newest first */
  'GET /api/v1/chat/memories': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      /** Of one bot; `none`: of talks without one. */
      bot_id?: string | 'none'
      q?: string
      /** False: with what has been superseded. */
      is_current?: boolean
    }
    response: {
      items: Memory[]
      next_cursor: string | null
    }
  }
  /** Have everything forgotten, or everything that one bot remembers */
  'DELETE /api/v1/chat/memories': {
    query?: {
      /** Of one bot; `none`: of talks without one. */
      bot_id?: string | 'none'
    }
    response: undefined
  }
  /** All that is remembered, with its history, as one JSON file */
  'GET /api/v1/chat/memories/export': {}
  /** Whether bots may remember */
  'GET /api/v1/chat/memories/settings': {
    response: MemorySettings
  }
  /** Let bots remember, or stop them; what they know stays until it is deleted, unused */
  'PUT /api/v1/chat/memories/settings': {
    body: MemorySettingsInput
    response: MemorySettings
  }
  /** Have one fact forgotten, and what it took the place of */
  'DELETE /api/v1/chat/memories/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** One message */
  'GET /api/v1/chat/messages/{id}': {
    params: {
      id: string
    }
    response: Message
  }
  /** Go on with an answer that was cut off */
  'POST /api/v1/chat/messages/{id}/continue': {
    params: {
      id: string
    }
    body: {
      /** Chosen by the client. Sent again, it joins the turn that it began, and nothing is charged twice. */
      client_message_id: string
    }
    response: Turn
  }
  /** Another answer to the same question */
  'POST /api/v1/chat/messages/{id}/regenerate': {
    params: {
      id: string
    }
    body: {
      /** Chosen by the client. Sent again, it joins the turn that it began, and nothing is charged twice. */
      client_message_id: string
      model?: string
    }
    response: Turn
  }
  /** Stop an answer; what is written stays */
  'POST /api/v1/chat/messages/{id}/stop': {
    params: {
      id: string
    }
    response: Record<string, never>
  }
  /** A message from a position on, to its end, as server-sent events */
  'GET /api/v1/chat/messages/{id}/stream': {
    params: {
      id: string
    }
    query?: {
      /** c<content>.r<reasoning>, in UTF-16 units. */
      from?: string
    }
  }
  /** The models to choose among */
  'GET /api/v1/chat/models': {
    response: {
      items: ChatModel[]
    }
  }
  /** What is left of each limit */
  'GET /api/v1/chat/quota': {
    response: Quota
  }
  /** Search own titles and messages, best first */
  'GET /api/v1/chat/search': {
    query: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      q: string
    }
    response: {
      items: SearchHit[]
      next_cursor: string | null
    }
  }
  /** Read a shared conversation */
  'GET /api/v1/chat/shared/{token}': {
    params: {
      token: string
    }
    response: SharedConversation
  }
  /** Revoke a link */
  'DELETE /api/v1/chat/shares/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Production batches, newest first */
  'GET /api/v1/devices/batches': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceBatch[]
      next_cursor: string | null
    }
  }
  /** Make a production batch */
  'POST /api/v1/devices/batches': {
    body: {
      name: string
      factory?: string
      produced_on?: string | null
      serial_from?: string | null
      serial_to?: string | null
      requires_proof?: boolean
      notes?: string
      type_id: string
    }
    response: DeviceBatch
  }
  /** A production batch */
  'GET /api/v1/devices/batches/{id}': {
    params: {
      id: string
    }
    response: DeviceBatch
  }
  /** Change a production batch */
  'PATCH /api/v1/devices/batches/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      factory?: string
      produced_on?: string | null
      serial_from?: string | null
      serial_to?: string | null
      requires_proof?: boolean
      notes?: string
    }
    response: DeviceBatch
  }
  /** Lists of devices that were imported into a batch */
  'GET /api/v1/devices/batches/{id}/imports': {
    params: {
      id: string
    }
    response: {
      items: DeviceImport[]
      next_cursor: string | null
    }
  }
  /** Import a list of devices (multipart CSV: mac, serial, hmac_key) */
  'POST /api/v1/devices/batches/{id}/imports': {
    params: {
      id: string
    }
    file: Blob
    response: DeviceImport
  }
  /** Commands to many devices, newest first */
  'GET /api/v1/devices/broadcasts': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceBroadcast[]
      next_cursor: string | null
    }
  }
  /** Send a command to all devices, to those of a type, or to a group */
  'POST /api/v1/devices/broadcasts': {
    body: {
      command: DeviceCommandInput
      type_id?: string
      group_id?: string
      expires_in_s?: number
    }
    response: DeviceBroadcast
  }
  /** How far a broadcast is */
  'GET /api/v1/devices/broadcasts/{id}': {
    params: {
      id: string
    }
    response: DeviceBroadcast
  }
  /** Stop a broadcast, and take back what was not fetched yet */
  'POST /api/v1/devices/broadcasts/{id}/cancel': {
    params: {
      id: string
    }
    response: DeviceBroadcast
  }
  /** Make a device one’s own, by the six digits that it shows */
  'POST /api/v1/devices/claims': {
    body: {
      code: string
    }
    response: Device
  }
  /** Take back a command that the device has not fetched yet */
  'DELETE /api/v1/devices/commands/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Own devices and those of the family, the primary one first */
  'GET /api/v1/devices/devices': {
    response: {
      items: Device[]
      next_cursor: string | null
    }
  }
  /** A device */
  'GET /api/v1/devices/devices/{id}': {
    params: {
      id: string
    }
    response: Device
  }
  /** Rename a device, choose its bot, make it the primary one */
  'PATCH /api/v1/devices/devices/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      bot_id?: string | null
      is_primary?: true
    }
    response: Device
  }
  /** Give a device up; it can then be claimed again by anybody who holds it */
  'DELETE /api/v1/devices/devices/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Commands to a device, newest first */
  'GET /api/v1/devices/devices/{id}/commands': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceCommandView[]
      next_cursor: string | null
    }
  }
  /** Tell a device to do something, now or at its next conversation */
  'POST /api/v1/devices/devices/{id}/commands': {
    params: {
      id: string
    }
    body: {
      command: DeviceCommandInput
      /** Default: seven days. */
      expires_in_s?: number
    }
    response: DeviceCommandView
  }
  /** Who joined, left and took over, newest first */
  'GET /api/v1/devices/devices/{id}/history': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceHistoryEntry[]
      next_cursor: string | null
    }
  }
  /** Who uses the device: its owner and the family */
  'GET /api/v1/devices/devices/{id}/members': {
    params: {
      id: string
    }
    response: {
      items: DeviceMember[]
      next_cursor: string | null
    }
  }
  /** Send a member away, or leave */
  'DELETE /api/v1/devices/devices/{id}/members/{user_id}': {
    params: {
      id: string
      user_id: string
    }
    response: undefined
  }
  /** Open invitations and transfers of an own device */
  'GET /api/v1/devices/devices/{id}/offers': {
    params: {
      id: string
    }
    response: {
      items: DeviceOffer[]
      next_cursor: string | null
    }
  }
  /** Invite to the family, or offer the device: to a user by name, else to whoever has the link */
  'POST /api/v1/devices/devices/{id}/offers': {
    params: {
      id: string
    }
    body: {
      kind: 'member' | 'transfer'
      username?: string
    }
    response: DeviceOffer
  }
  /** What the device should be, and what it says it is */
  'GET /api/v1/devices/devices/{id}/state': {
    params: {
      id: string
    }
    response: DeviceStateView
  }
  /** Change what the device should be, by a JSON merge patch */
  'PATCH /api/v1/devices/devices/{id}/state': {
    params: {
      id: string
    }
    body: {
      desired: Record<string, unknown>
      /** Refuse when the state has moved on from it. */
      expected_version?: number
    }
    response: DeviceStateView
  }
  /** How fast a device answers: median and 95th percentile of each stage, by day */
  'GET /api/v1/devices/devices/{id}/turn-statistics': {
    params: {
      id: string
    }
    query?: {
      days?: number
    }
    response: DeviceTurnStatistics
  }
  /** The exchanges with a device, newest first, and what took how long */
  'GET /api/v1/devices/devices/{id}/turns': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceTurn[]
      next_cursor: string | null
    }
  }
  /** A firmware file, at the address that start-up gave to a device; ranges are served */
  'GET /api/v1/devices/firmware-files/{token}': {
    params: {
      token: string
    }
  }
  /** Firmware, newest first */
  'GET /api/v1/devices/firmware-releases': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      type_id?: string
    }
    response: {
      items: DeviceFirmware[]
      next_cursor: string | null
    }
  }
  /** Upload firmware (multipart), as a draft that no device gets yet */
  'POST /api/v1/devices/firmware-releases': {
    query: {
      type_id: string
      version: string
    }
    file: Blob
    response: DeviceFirmware
  }
  /** Firmware, and how many devices run it */
  'GET /api/v1/devices/firmware-releases/{id}': {
    params: {
      id: string
    }
    response: DeviceFirmware
  }
  /** Roll firmware out, further or less far, pause it, or withdraw it */
  'PATCH /api/v1/devices/firmware-releases/{id}': {
    params: {
      id: string
    }
    body: {
      state?: 'rolling' | 'paused' | 'withdrawn'
      percent?: number
      group_id?: string | null
      is_forced?: boolean
      min_version?: string | null
      notes?: string
    }
    response: DeviceFirmware
  }
  /** Delete a draft, or firmware that was withdrawn */
  'DELETE /api/v1/devices/firmware-releases/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Groups of devices */
  'GET /api/v1/devices/groups': {
    response: {
      items: DeviceGroup[]
      next_cursor: string | null
    }
  }
  /** Make a group */
  'POST /api/v1/devices/groups': {
    body: {
      name: string
      description?: string
    }
    response: DeviceGroup
  }
  /** Rename a group */
  'PATCH /api/v1/devices/groups/{id}': {
    params: {
      id: string
    }
    body: {
      name?: string
      description?: string
    }
    response: DeviceGroup
  }
  /** Delete a group; its devices stay */
  'DELETE /api/v1/devices/groups/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Put devices into a group, and take others out */
  'PATCH /api/v1/devices/groups/{id}/devices': {
    params: {
      id: string
    }
    body: {
      add?: string[]
      remove?: string[]
    }
    response: DeviceGroup
  }
  /** How an import went, with the lines that were not taken */
  'GET /api/v1/devices/imports/{id}': {
    params: {
      id: string
    }
    response: DeviceImport
  }
  /** Music and dances of the library, newest first, or those that fit some words */
  'GET /api/v1/devices/media': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      kind?: 'music' | 'dance'
      q?: string
    }
    response: {
      items: DeviceMediaItem[]
      next_cursor: string | null
    }
  }
  /** Put a file into the library (multipart): music as WAV, MP3, Ogg or FLAC, a dance as JSON */
  'POST /api/v1/devices/media': {
    query: {
      kind: 'music' | 'dance'
      title: string
      artist?: string
      style?: string
      description?: string
      /** Of a WAV file it is read from the file. */
      duration_ms?: number
      /** The card that unlocks it. */
      template_id?: string
    }
    file: Blob
    response: DeviceMediaItem
  }
  /** The file of a piece, at the address that a device was given; ranges are served */
  'GET /api/v1/devices/media-files/{token}': {
    params: {
      token: string
    }
  }
  /** A piece of the library */
  'GET /api/v1/devices/media/{id}': {
    params: {
      id: string
    }
    response: DeviceMediaItem
  }
  /** Change what is said of a piece, or which card unlocks it */
  'PATCH /api/v1/devices/media/{id}': {
    params: {
      id: string
    }
    body: {
      artist?: string
      style?: string
      description?: string
      duration_ms?: number | null
      template_id?: string | null
      title?: string
    }
    response: DeviceMediaItem
  }
  /** Take a piece out of the library */
  'DELETE /api/v1/devices/media/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** The file of a piece, for those who may play it or keep the library; ranges are served */
  'GET /api/v1/devices/media/{id}/content': {
    params: {
      id: string
    }
  }
  /** What a link offers */
  'GET /api/v1/devices/offer-links/{token}': {
    params: {
      token: string
    }
    response: DeviceOffer
  }
  /** Accept what a link offers */
  'POST /api/v1/devices/offer-links/{token}/accept': {
    params: {
      token: string
    }
    response: Device
  }
  /** What others offer me */
  'GET /api/v1/devices/offers': {
    response: {
      items: DeviceOffer[]
      next_cursor: string | null
    }
  }
  /** Decline an offer, or withdraw an own one */
  'DELETE /api/v1/devices/offers/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Accept what somebody offers me */
  'POST /api/v1/devices/offers/{id}/accept': {
    params: {
      id: string
    }
    response: Device
  }
  /** A device starts up: the time, its firmware, where to connect, and its code while it has no owner */
  'GET /api/v1/devices/ota': {
    response: DeviceStartUpAnswer
  }
  /** A device starts up: the time, its firmware, where to connect, and its code while it has no owner */
  'POST /api/v1/devices/ota': {
    body: DeviceStartUpBodyInput
    response: DeviceStartUpAnswer
  }
  /** A device asks whether it has an owner: 200 when it has, 202 while it waits */
  'POST /api/v1/devices/ota/activate': {
    body: DeviceStartUpBodyInput
  }
  /** How many devices there are in each state */
  'GET /api/v1/devices/registration-counts': {
    response: {
      total: number
      produced: number
      activated: number
      bound: number
      retired: number
      pending: number
      online: number
    }
  }
  /** All devices, newest first */
  'GET /api/v1/devices/registrations': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      /** The beginning of a MAC or serial number, or an id. */
      q?: string
      state?: 'produced' | 'activated' | 'bound' | 'retired'
      approval?: 'approved' | 'pending' | 'refused'
      type_id?: string
      batch_id?: string
      group_id?: string
      is_online?: boolean
    }
    response: {
      items: DeviceRegistration[]
      next_cursor: string | null
    }
  }
  /** Enter one device by hand */
  'POST /api/v1/devices/registrations': {
    body: {
      mac: string
      serial?: string
      type_id: string
    }
    response: DeviceRegistration
  }
  /** A device, as operators see it */
  'GET /api/v1/devices/registrations/{id}': {
    params: {
      id: string
    }
    response: DeviceRegistration
  }
  /** Let a device in or not, take it out of service or back, change its type */
  'PATCH /api/v1/devices/registrations/{id}': {
    params: {
      id: string
    }
    body: {
      approval?: 'approved' | 'refused'
      is_retired?: boolean
      type_id?: string
    }
    response: DeviceRegistration
  }
  /** What operators sent to a device, newest first */
  'GET /api/v1/devices/registrations/{id}/commands': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceCommandView[]
      next_cursor: string | null
    }
  }
  /** Send a device a command */
  'POST /api/v1/devices/registrations/{id}/commands': {
    params: {
      id: string
    }
    body: {
      command: DeviceCommandInput
    }
    response: DeviceCommandView
  }
  /** Whose a device was, newest first */
  'GET /api/v1/devices/registrations/{id}/history': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: DeviceHistoryEntry[]
      next_cursor: string | null
    }
  }
  /** Take a device from its owner, as for one that was returned */
  'POST /api/v1/devices/registrations/{id}/release': {
    params: {
      id: string
    }
    response: DeviceRegistration
  }
  /** How fast all devices answer: median and 95th percentile of each stage, by day */
  'GET /api/v1/devices/turn-statistics': {
    query?: {
      days?: number
    }
    response: DeviceTurnStatistics
  }
  /** Types of devices */
  'GET /api/v1/devices/types': {
    response: {
      items: DeviceType[]
      next_cursor: string | null
    }
  }
  /** Make a type of devices */
  'POST /api/v1/devices/types': {
    body: {
      key: string
      name: string
      category: string
      description?: string
      properties_schema?: Record<string, unknown>
      capabilities?: string[]
    }
    response: DeviceType
  }
  /** Change a type of devices */
  'PATCH /api/v1/devices/types/{id}': {
    params: {
      id: string
    }
    body: {
      key?: string
      name?: string
      category?: string
      description?: string
      properties_schema?: Record<string, unknown>
      capabilities?: string[]
      is_default?: true
    }
    response: DeviceType
  }
  /** Delete a type that nothing is of */
  'DELETE /api/v1/devices/types/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** A device asks about a picture (multipart: question, file), signed in by Device-Id, Client-Id and Authorization */
  'POST /api/v1/devices/vision': {
    file: Blob
    response: DeviceVisionAnswer
  }
  /** The weather in a city, or in that of one’s profile */
  'GET /api/v1/devices/weather': {
    query?: {
      city?: string
    }
    response: DeviceWeather
  }
  /** The socket of devices and apps: a WebSocket. Its messages are described at /api/v1/devices/ws/schema */
  'GET /api/v1/devices/ws': {
    query?: {
      /** Of the device or of a user; or the Authorization header. */
      token?: string
      /** As the header of that name. */
      authorization?: string
      /** MAC; or the header of that name. */
      'device-id'?: string
      /** Or the header of that name. */
      'client-id'?: string
    }
  }
  /** The messages of the device socket in both directions, as JSON Schema */
  'GET /api/v1/devices/ws/schema': {
    response: {
      up: Record<string, unknown>
      down: Record<string, unknown>
    }
  }
  /** Invitations to sign up, newest first */
  'GET /api/v1/identity/invitations': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: Invitation[]
      next_cursor: string | null
    }
  }
  /** Invite somebody to sign up. The token is shown this once, and mailed where an address is given. */
  'POST /api/v1/identity/invitations': {
    body: {
      email?: string
      roles?: string[]
      expires_in_days?: number
    }
    response: {
      id: string
      email: string | null
      roles: string[]
      created_by: string
      created_at: string
      expires_at: string
      used_at: string | null
      used_by: string | null
      token: string
    }
  }
  /** Take an invitation back */
  'DELETE /api/v1/identity/invitations/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** One’s own organisations; with `all`, everybody’s, for those who manage them */
  'GET /api/v1/identity/organisations': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      all?: boolean
    }
    response: {
      items: Organisation[]
      next_cursor: string | null
    }
  }
  /** Make an organisation, as its owner */
  'POST /api/v1/identity/organisations': {
    body: {
      name: string
    }
    response: Organisation
  }
  /** Join with an invitation */
  'POST /api/v1/identity/organisations/join': {
    body: {
      token: string
    }
    response: Organisation
  }
  /** An organisation that one belongs to */
  'GET /api/v1/identity/organisations/{id}': {
    params: {
      id: string
    }
    response: Organisation
  }
  /** Rename an organisation (its admins) */
  'PATCH /api/v1/identity/organisations/{id}': {
    params: {
      id: string
    }
    body: {
      name: string
    }
    response: Organisation
  }
  /** Delete an organisation (its owners) */
  'DELETE /api/v1/identity/organisations/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Open invitations (its admins) */
  'GET /api/v1/identity/organisations/{id}/invitations': {
    params: {
      id: string
    }
    response: {
      items: OrganisationInvitation[]
    }
  }
  /** Invite somebody. The token is shown this once, and mailed where an address is given. */
  'POST /api/v1/identity/organisations/{id}/invitations': {
    params: {
      id: string
    }
    body: {
      email?: string
      role?: 'owner' | 'admin' | 'member'
    }
    response: {
      id: string
      email: string | null
      role: 'owner' | 'admin' | 'member'
      created_at: string
      expires_at: string
      token: string
    }
  }
  /** Take an invitation back (its admins) */
  'DELETE /api/v1/identity/organisations/{id}/invitations/{invitation_id}': {
    params: {
      id: string
      invitation_id: string
    }
    response: undefined
  }
  /** The members, owners first */
  'GET /api/v1/identity/organisations/{id}/members': {
    params: {
      id: string
    }
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
    }
    response: {
      items: OrganisationMember[]
      next_cursor: string | null
    }
  }
  /** Change a member’s role. Owners are made and unmade by owners. */
  'PATCH /api/v1/identity/organisations/{id}/members/{user_id}': {
    params: {
      id: string
      user_id: string
    }
    body: {
      role: 'owner' | 'admin' | 'member'
    }
    response: undefined
  }
  /** Remove a member, or leave. The last owner cannot. */
  'DELETE /api/v1/identity/organisations/{id}/members/{user_id}': {
    params: {
      id: string
      user_id: string
    }
    response: undefined
  }
  /** Every permission there is */
  'GET /api/v1/identity/permissions': {
    response: {
      items: {
        name: string
      }[]
    }
  }
  /** The roles and their permissions, in order of power */
  'GET /api/v1/identity/roles': {
    response: {
      items: Role[]
    }
  }
  /** Set the permissions of a role. Nobody gives or takes what he does not have himself. */
  'PUT /api/v1/identity/roles/{name}': {
    params: {
      name: string
    }
    body: {
      permissions: string[]
    }
    response: Role
  }
  /** Everybody’s attempts to sign in, newest first. */
  'GET /api/v1/identity/sign-ins': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      user_id?: string
    }
    response: {
      items: {
        id: string
        /** Null for a name that nobody has. */
        user_id: string | null
        method: 'password' | 'link'
        succeeded: boolean
        ip: string
        user_agent: string
        created_at: string
        username: string | null
      }[]
      next_cursor: string | null
    }
  }
  /** Who may make an account */
  'GET /api/v1/identity/sign-up-policy': {
    response: {
      sign_up: 'open' | 'invitation' | 'closed'
    }
  }
  /** Decide who may make an account */
  'PUT /api/v1/identity/sign-up-policy': {
    body: {
      sign_up: 'open' | 'invitation' | 'closed'
    }
    response: {
      sign_up: 'open' | 'invitation' | 'closed'
    }
  }
  /** State and progress of a background job */
  'GET /api/v1/jobs/{id}': {
    params: {
      id: string
    }
    response: Job
  }
  /** Cancel a job of one’s own */
  'POST /api/v1/jobs/{id}/cancel': {
    params: {
      id: string
    }
    response: Job
  }
  /** Own notifications, newest first */
  'GET /api/v1/notifications': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      /** Only those not read yet. */
      unread?: boolean
    }
    response: {
      items: Notification[]
      next_cursor: string | null
    }
  }
  /** How one wants to be told */
  'GET /api/v1/notifications/choices': {
    response: NotificationChoices
  }
  /** Choose how to be told */
  'PUT /api/v1/notifications/choices': {
    body: NotificationChoicesInput
    response: NotificationChoices
  }
  /** Mark all notifications as read */
  'POST /api/v1/notifications/read-all': {
    response: {
      /** 100 stands for 100 or more. */
      unread_count: number
    }
  }
  /** How many notifications are not read yet */
  'GET /api/v1/notifications/unread-count': {
    response: {
      /** 100 stands for 100 or more. */
      unread_count: number
    }
  }
  /** Mark a notification as read */
  'POST /api/v1/notifications/{id}/read': {
    params: {
      id: string
    }
    response: {
      /** 100 stands for 100 or more. */
      unread_count: number
    }
  }
  /** A channel as server-sent events */
  'GET /api/v1/realtime/sse': {
    query: {
      channel: string
      /** `epoch:offset` of the last message seen. Last-Event-ID comes first. */
      from?: string
      ticket?: string
      token?: string
    }
  }
  /** Several channels as one stream of server-sent events, with the frames of the WebSocket as data */
  'POST /api/v1/realtime/stream': {
    body: {
      channels: {
        channel: string
        /** `epoch:offset` of the last message seen. */
        from?: string
      }[]
    }
  }
  /** A one-time ticket for a WebSocket or an event stream, good for 30 seconds */
  'POST /api/v1/realtime/tickets': {
    response: {
      ticket: string
      /** Seconds. */
      expires_in: number
    }
  }
  /** Which engines listen and speak, and their voices */
  'GET /api/v1/speech/status': {
    response: SpeechStatus
  }
  /** Text as sound (WAV or Ogg), sent as it is spoken */
  'POST /api/v1/speech/syntheses': {
    body: {
      /** Markdown may be in it: only its words are spoken. */
      text: string
      /** An id of the voices of the status. Default: the server’s. */
      voice?: string
      /** BCP 47, such as `zh-CN`. */
      language?: string
      /** 1 is normal. */
      speed?: number
      /** `ogg` is Opus, a twentieth of the size. */
      format?: 'wav' | 'ogg'
    }
  }
  /** Audio as text (WAV, or Opus in Ogg or WebM, up to 32 MB: the body itself, or the multipart field “file”). A minute is answered at once, longer audio becomes a job */
  'POST /api/v1/speech/transcriptions': {
    query?: {
      /** BCP 47, such as `zh-CN`. */
      language?: string
    }
    file: Blob
    response: Transcription
  }
  /** The text of long audio, for a day */
  'GET /api/v1/speech/transcriptions/{id}': {
    params: {
      id: string
    }
    response: Transcription
  }
  /** Forget long audio and its text now */
  'DELETE /api/v1/speech/transcriptions/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** Users, newest first. `q` is looked for in names, e-mail addresses and phone numbers. */
  'GET /api/v1/users': {
    query?: {
      /** Items per page. */
      limit?: number
      /** `next_cursor` of the page before. */
      cursor?: string
      q?: string
      role?: string
      is_active?: boolean
    }
    response: {
      items: User[]
      next_cursor: string | null
    }
  }
  /** Make an account. Without a password, send its owner a reset link. */
  'POST /api/v1/users': {
    body: {
      display_name?: string
      email?: string | null
      phone?: string | null
      locale?: 'zh-CN' | 'en'
      time_zone?: string
      profile?: {
        mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
        gender?: 'female' | 'male' | 'other' | null
        birthday?: string | null
        interests?: string[]
        occupation?: string | null
        city?: string | null
        about?: string | null
      }
      preferences?: Record<string, unknown>
      username: string
      password?: string
      roles?: string[]
      is_vip?: boolean
    }
    response: User
  }
  /** The signed-in user, with permissions and organisations */
  'GET /api/v1/users/me': {
    response: Me
  }
  /** Replace one’s own details */
  'PUT /api/v1/users/me': {
    body: {
      display_name: string
      email: string | null
      phone: string | null
      locale: 'zh-CN' | 'en'
      time_zone: string
      profile: {
        mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
        gender?: 'female' | 'male' | 'other' | null
        birthday?: string | null
        interests?: string[]
        occupation?: string | null
        city?: string | null
        about?: string | null
      }
      preferences: Record<string, unknown>
    }
    response: Me
  }
  /** Change some of one’s own details. Keys of profile and preferences are merged; null removes one. */
  'PATCH /api/v1/users/me': {
    body: {
      display_name?: string
      email?: string | null
      phone?: string | null
      locale?: 'zh-CN' | 'en'
      time_zone?: string
      profile?: {
        mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
        gender?: 'female' | 'male' | 'other' | null
        birthday?: string | null
        interests?: string[]
        occupation?: string | null
        city?: string | null
        about?: string | null
      }
      preferences?: Record<string, unknown>
    }
    response: Me
  }
  /** Upload a picture (multipart, PNG, JPEG, WebP or GIF, at most 2 MiB) */
  'PUT /api/v1/users/me/avatar': {
    file: Blob
    response: Me
  }
  /** Remove one’s picture */
  'DELETE /api/v1/users/me/avatar': {
    response: undefined
  }
  /** A user: oneself, or anybody for administrators */
  'GET /api/v1/users/{id}': {
    params: {
      id: string
    }
    response: User
  }
  /** Replace a user’s details; `is_active`, `is_vip` and `roles` are for administrators */
  'PUT /api/v1/users/{id}': {
    params: {
      id: string
    }
    body: {
      display_name: string
      email: string | null
      phone: string | null
      locale: 'zh-CN' | 'en'
      time_zone: string
      profile: {
        mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
        gender?: 'female' | 'male' | 'other' | null
        birthday?: string | null
        interests?: string[]
        occupation?: string | null
        city?: string | null
        about?: string | null
      }
      preferences: Record<string, unknown>
      is_active?: boolean
      is_vip?: boolean
      roles?: string[]
    }
    response: User
  }
  /** Change some of a user’s details */
  'PATCH /api/v1/users/{id}': {
    params: {
      id: string
    }
    body: {
      display_name?: string
      email?: string | null
      phone?: string | null
      locale?: 'zh-CN' | 'en'
      time_zone?: string
      profile?: {
        mbti?: 'INTJ' | 'INTP' | 'ENTJ' | 'ENTP' | 'INFJ' | 'INFP' | 'ENFJ' | 'ENFP' | 'ISTJ' | 'ISFJ' | 'ESTJ' | 'ESFJ' | 'ISTP' | 'ISFP' | 'ESTP' | 'ESFP' | null
        gender?: 'female' | 'male' | 'other' | null
        birthday?: string | null
        interests?: string[]
        occupation?: string | null
        city?: string | null
        about?: string | null
      }
      preferences?: Record<string, unknown>
      is_active?: boolean
      is_vip?: boolean
      roles?: string[]
    }
    response: User
  }
  /** Delete an account: one’s own, or anybody’s for administrators. What is personal is erased. */
  'DELETE /api/v1/users/{id}': {
    params: {
      id: string
    }
    response: undefined
  }
  /** A user’s picture */
  'GET /api/v1/users/{id}/avatar': {
    params: {
      id: string
    }
    query?: {
      v?: string
    }
  }
  /** Send a user a reset link, or get it to hand over where no mail can reach the user */
  'POST /api/v1/users/{id}/password-reset': {
    params: {
      id: string
    }
    response: {
      sent: boolean
      link: string | null
    }
  }
  /** Whether the process lives; asks nothing of the database */
  'GET /health': {
    response: {
      status: 'ok'
    }
  }
  /** Metrics in the Prometheus text format */
  'GET /metrics': {}
  /** Whether the process can serve requests now */
  'GET /ready': {
    response: {
      status: 'ready'
    }
  }
  /** An answer, streamed or whole */
  'POST /v1/chat/completions': {
    body: {
      model: string
      messages: ({
        role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
        content?: string | {
          type: string
        }[] | null
      })[]
      stream?: boolean | null
      stream_options?: {
        include_usage?: boolean | null
      } | null
      /** Only 1. */
      n?: number | null
      max_tokens?: number | null
      max_completion_tokens?: number | null
    }
  }
  /** Texts as vectors */
  'POST /v1/embeddings': {
    body: {
      model: string
      input: string | string[]
      dimensions?: number
      encoding_format?: 'float' | 'base64'
    }
  }
  /** The models that the caller may use */
  'GET /v1/models': {
    response: {
      object: 'list'
      data: {
        id: string
        object: 'model'
        created: number
        owned_by: string
      }[]
    }
  }
}
