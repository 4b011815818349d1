import { z } from 'zod'

/*
 * Our own format of conversations, `banyan.chat` version 1: all that Chat knows of them except what belongs to one
 * installation (ids, prices' currency, who it was). Ids in a file only tie its own parts together.
 *
 * { format, version, exported_at, bots: [Bot], memories: [Memory], conversations: [Conversation] }
 *
 * Memories go out and do not come in: they belong to messages of one installation.
 */
export const format = 'banyan.chat'
export const version = 1

/** How the `source_id` of a conversation begins that was held here, before its id. */
export const ownSource = 'banyan:'

const Count = z.int().min(0).max(2_147_483_647).nullable()
const Time = z.iso.datetime({ offset: true })
const Id = z.string().min(1).max(200)

export const FileAttachment = z.object({
  name: z.string().max(1000),
  media_type: z.string().max(255),
  size: z.int().min(0),
  kind: z.enum(['image', 'text', 'pdf']),
  /** A PDF's text, so that it need not be read out again. */
  text: z.string().nullable(),
  /** Null: it was too large to be part of the file, and only its name is known. */
  content_base64: z.base64().nullable(),
})
export type FileAttachment = z.output<typeof FileAttachment>

export const FileMessage = z.object({
  id: Id,
  /** A message that stands before this one, or null for a first question. */
  parent_id: Id.nullable(),
  role: z.enum(['user', 'assistant']),
  content: z.string().max(4_000_000),
  reasoning: z.string().max(4_000_000).nullable(),
  status: z.enum(['done', 'stopped', 'interrupted', 'failed']),
  model: z.string().max(200).nullable(),
  finish_reason: z.string().max(100).nullable(),
  tokens_used: Count,
  prompt_tokens: Count,
  completion_tokens: Count,
  usage_source: z.string().max(100).nullable(),
  cost_micros: z.int().min(0).nullable(),
  latency_ms: Count,
  first_token_ms: Count,
  error_code: z.string().max(200).nullable(),
  error_detail: z.string().max(10_000).nullable(),
  created_at: Time,
  attachments: z.array(FileAttachment).max(20),
})
export type FileMessage = z.output<typeof FileMessage>

export const FileConversation = z.object({
  /** The same wherever the conversation is carried, so that it is not imported twice. */
  source_id: Id,
  title: z.string().max(200).nullable(),
  /** Of a bot in the same file. */
  bot_id: Id.nullable(),
  model: z.string().max(200).nullable(),
  /** The folder's name. */
  folder: z.string().max(100).nullable(),
  is_archived: z.boolean(),
  is_pinned: z.boolean(),
  /** The leaf of the branch that is shown. */
  current_message_id: Id.nullable(),
  created_at: Time,
  updated_at: Time,
  last_message_at: Time,
  /** Parents before their children; siblings oldest first. */
  messages: z.array(FileMessage).max(50_000),
})
export type FileConversation = z.output<typeof FileConversation>

/** Bytes of files that one conversation takes along; of those beyond, only the names. */
export const maxFileBytes = 24 * 1024 * 1024
/** Longest JSON of one conversation that is taken in: its files as base64, and its texts. */
export const maxConversationBytes = 64 * 1024 * 1024
