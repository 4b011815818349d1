import type { Generated, JSONColumnType } from 'kysely'
import type { Locale } from '#core/errors.ts'

/*
 * The module's tables, as Kysely sees them. Times are ISO 8601 texts both ways; ids are UUIDv7, so that they order
 * rows by the time they were made.
 */
export type ChatTables = {
  chat_conversation: ConversationTable
  chat_message: MessageTable
  chat_turn: TurnTable
  chat_bot: BotTable
  chat_folder: FolderTable
  chat_instruction: InstructionTable
  chat_attachment: AttachmentTable
  chat_message_attachment: MessageAttachmentTable
  chat_share: ShareTable
  chat_memory: MemoryTable
  chat_memory_setting: MemorySettingTable
}

type ConversationTable = {
  id: string
  user_id: string
  title: string | null
  bot_id: string | null
  model: string | null
  folder_id: string | null
  is_archived: Generated<boolean>
  is_pinned: Generated<boolean>
  is_temporary: Generated<boolean>
  /** The newest leaf of the branch that is shown. */
  current_message_id: string | null
  /** What was said up to and including `summary_until_id`, in few words; counts on branches through that message. */
  summary: string | null
  summary_until_id: string | null
  /** Up to which message it was looked through for facts about the user. */
  memory_until_id: string | null
  /** What it was imported from. */
  source_id: string | null
  /** Of the title: see core/db/search.ts. */
  search: Generated<string>
  created_at: Generated<string>
  updated_at: Generated<string>
  last_message_at: Generated<string>
  deleted_at: string | null
}

export type MessageStatus = 'streaming' | 'done' | 'stopped' | 'interrupted' | 'failed'

type MessageTable = {
  id: string
  conversation_id: string
  parent_id: string | null
  role: 'user' | 'assistant'
  content: Generated<string>
  reasoning: string | null
  status: MessageStatus
  model: string | null
  finish_reason: string | null
  prompt_tokens: number | null
  completion_tokens: number | null
  tokens_used: number | null
  usage_source: string | null
  cost_micros: number | null
  latency_ms: number | null
  first_token_ms: number | null
  error_code: string | null
  /** In the language of the user who asked. */
  error_detail: string | null
  /** Of the content, made when the text is final. */
  search: Generated<string>
  created_at: Generated<string>
}

export type TurnKind = 'send' | 'regenerate' | 'continue'

/** `queued` and `running` are live: somebody holds the lease. The others are final. */
export type TurnState = 'queued' | 'running' | 'done' | 'stopped' | 'interrupted' | 'failed'

/** What a generation was asked for. `model` is empty for the default one. */
export type TurnRequest = { model: string; locale: Locale }

type TurnTable = {
  id: string
  user_id: string
  conversation_id: string
  /** The assistant message that the turn writes. */
  message_id: string
  client_message_id: string
  kind: TurnKind
  state: TurnState
  request: JSONColumnType<TurnRequest>
  /** The process that runs it. */
  owner: string
  lease_until: string
  stop_requested: Generated<boolean>
  created_at: Generated<string>
  finished_at: string | null
}

type BotTable = {
  id: string
  owner_id: string
  name: string
  description: Generated<string>
  avatar_emoji: Generated<string>
  system_prompt: string
  model: string | null
  temperature: number | null
  /**
   * `none`: each question stands alone, and earlier messages are not sent to the model. `facts`: what the user says
   * about themselves is kept beyond the conversation.
   */
  memory: Generated<'none' | 'conversation' | 'facts'>
  opening_line: string | null
  example_questions: JSONColumnType<string[]>
  is_public: Generated<boolean>
  created_at: Generated<string>
  updated_at: Generated<string>
}

type FolderTable = {
  id: string
  user_id: string
  name: string
  position: Generated<number>
  created_at: Generated<string>
}

type InstructionTable = {
  user_id: string
  about_user: Generated<string>
  answer_style: Generated<string>
  is_enabled: Generated<boolean>
  updated_at: Generated<string>
}

type AttachmentTable = {
  id: string
  user_id: string
  name: string
  media_type: string
  size: number
  kind: 'image' | 'text' | 'pdf'
  storage_key: string
  /** The text of a text or PDF file, cut to what a prompt may carry. */
  content_text: string | null
  created_at: Generated<string>
}

type MessageAttachmentTable = {
  message_id: string
  attachment_id: string
  position: number
}

type ShareTable = {
  id: string
  user_id: string
  conversation_id: string
  /** The leaf of the branch that is shown: what is said later stays private. */
  message_id: string
  /** By which a link is found. */
  token_hash: string
  /** The token itself, encrypted, so that its owner can see the link again. */
  token_sealed: string
  created_at: Generated<string>
}

type MemoryTable = {
  id: string
  user_id: string
  bot_id: string | null
  conversation_id: string
  /** The user's message that said so. */
  message_id: string
  content: string
  superseded_by: string | null
  /** Null: it holds. It stays set when what took its place is deleted. */
  superseded_at: string | null
  /** Of the content: see core/db/search.ts. */
  search: Generated<string>
  created_at: Generated<string>
}

type MemorySettingTable = {
  user_id: string
  is_enabled: boolean
  updated_at: Generated<string>
}
