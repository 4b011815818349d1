import { z } from 'zod'
import { defineError, type Locale } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

/** A talk with a model: a tree of messages, of which one branch is shown. */
export const Conversation = z
  .object({
    id: z.uuid(),
    title: z.string().nullable().describe('Null until the user or the background makes one.'),
    bot_id: z.uuid().nullable(),
    model: z.string().nullable().describe('Null: the default model.'),
    folder_id: z.uuid().nullable(),
    is_archived: z.boolean(),
    is_pinned: z.boolean(),
    is_temporary: z.boolean().describe('Not listed, not searched, and gone after a day.'),
    current_message_id: z.uuid().nullable().describe('The leaf of the branch that is shown.'),
    created_at: z.string(),
    updated_at: z.string(),
    last_message_at: z.string(),
  })
  .meta({ id: 'Conversation' })
export type Conversation = z.output<typeof Conversation>

export const Attachment = z
  .object({
    id: z.uuid(),
    name: z.string(),
    media_type: z.string(),
    size: z.int().describe('Bytes.'),
    kind: z.enum(['image', 'text', 'pdf']),
  })
  .meta({ id: 'Attachment' })
export type Attachment = z.output<typeof Attachment>

/** A question or an answer. An answer's numbers are null until they are known: absent is not zero. */
export const Message = z
  .object({
    id: z.uuid(),
    conversation_id: z.uuid(),
    parent_id: z.uuid().nullable(),
    role: z.enum(['user', 'assistant']),
    content: z.string(),
    reasoning: z.string().nullable(),
    attachments: z.array(Attachment),
    status: z.enum(['streaming', 'done', 'stopped', 'interrupted', 'failed']),
    model: z.string().nullable(),
    finish_reason: z.string().nullable(),
    tokens_used: z.int().nullable(),
    prompt_tokens: z.int().nullable(),
    completion_tokens: z.int().nullable(),
    usage_source: z.string().nullable().describe('Who counted: upstream, estimated or partial.'),
    cost_micros: z.int().nullable().describe('Millionths of the currency unit.'),
    latency_ms: z.int().nullable(),
    first_token_ms: z.int().nullable(),
    error_code: z.string().nullable(),
    error_detail: z.string().nullable(),
    sibling_ids: z
      .array(z.uuid())
      .describe('All answers to the same message, or all versions of a question, oldest first.'),
    created_at: z.string(),
  })
  .meta({ id: 'Message' })
export type Message = z.output<typeof Message>

/** A fact that a bot keeps about a user, and the message that it came from. */
export const Memory = z
  .object({
    id: z.uuid(),
    bot_id: z.uuid().nullable().describe('Null: said without a bot.'),
    conversation_id: z.uuid(),
    message_id: z.uuid().describe('The user’s message that said so.'),
    content: z.string(),
    superseded_by: z.uuid().nullable().describe('What took its place.'),
    superseded_at: z.string().nullable().describe('Null: it holds.'),
    created_at: z.string(),
  })
  .meta({ id: 'Memory' })
export type Memory = z.output<typeof Memory>

/** Something that the model may do in the user's name while it answers. */
export type SpokenTool = {
  /** Letters, digits, `_` and `-`, at most 64. */
  name: string
  description: string
  /** JSON Schema of the arguments. The model may not keep to it: `call` checks them. */
  parameters: object
  /**
   * What it came to, as text for the model; it is fenced as data. It is given 30 s. An AppError's text is told to the
   * model; of other errors only that the tool failed.
   */
  call(args: unknown, signal: AbortSignal): Promise<string>
}

export type SpokenQuestion = {
  user_id: string
  /** Null: no bot, just the assistant. */
  bot_id: string | null
  /** The talk to carry on. Null, one that is gone, or one with another bot: a new one. */
  conversation_id: string | null
  text: string
  locale: Locale
  tools?: readonly SpokenTool[]
  /** Ends the answer: what was said until then is stored as `stopped`. */
  signal: AbortSignal
}

/** One question that was spoken, and its answer to be spoken. */
export type SpokenTurn = {
  /** Where the turn is stored: known as soon as it is admitted. Rejects like `deltas` where it is not. */
  conversation_id: Promise<string>
  /**
   * The answer as it comes, for one reader; leaving the loop ends the answer like the signal. It ends with the last
   * word, before the books are closed, and just ends on an abort.
   * @throws AppError `quota.*` and others of `ai.reserve`, then nothing is stored; `ai.*` when the provider fails
   * half-way, then what came is stored as `failed`
   */
  deltas: AsyncIterable<{ type: 'text'; text: string }>
  /** Resolves when question and answer are stored. Rejects when the turn was not admitted or could not be stored. */
  done: Promise<{ conversation_id: string; message_id: string; status: 'done' | 'stopped' | 'failed' }>
  /**
   * Tells after an interruption how much was really heard: the stored answer is cut to it, as `stopped`, and later
   * turns know it so. Also once the whole answer was stored. Resolves when that is stored;
   * of a turn that was not admitted there is nothing to store.
   */
  spoken(text: string): Promise<void>
}

/** What other modules may ask for. */
export type Chat = {
  /**
   * Asks a bot in its user's name, for somebody who waits for the first word: only the metering comes before the call
   * of the model while a talk is hot, and everything is stored beside it.
   */
  spokenTurn(question: SpokenQuestion): SpokenTurn
}

export const chatKey = contractKey<Chat>('chat')

const everyone = ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user']

export const permissions: readonly PermissionDefinition[] = [
  { name: 'chat.use', roles: everyone },
  { name: 'chat.bots.publish', roles: ['super_admin', 'admin'] },
]

export const ConversationCreated = defineEvent(
  'chat.conversation.created',
  z.object({ conversation_id: z.uuid(), user_id: z.uuid() }),
)

/** A user asked something. */
export const MessagePosted = defineEvent(
  'chat.message.posted',
  z.object({ message_id: z.uuid(), conversation_id: z.uuid(), user_id: z.uuid() }),
)

/** An answer came to its end, whatever end that was. */
export const MessageAnswered = defineEvent(
  'chat.message.answered',
  z.object({
    message_id: z.uuid(),
    conversation_id: z.uuid(),
    user_id: z.uuid(),
    status: z.enum(['done', 'stopped', 'interrupted', 'failed']),
    tokens_used: z.int().nullable(),
  }),
)

export const conversationNotFound = defineError({
  code: 'conversation.not_found',
  status: 404,
  en: 'There is no such conversation.',
  'zh-CN': '没有这个对话。',
})
export const messageNotFound = defineError({
  code: 'message.not_found',
  status: 404,
  en: 'There is no such message.',
  'zh-CN': '没有这条消息。',
})
export const botNotFound = defineError({
  code: 'bot.not_found',
  status: 404,
  en: 'There is no such bot.',
  'zh-CN': '没有这个机器人。',
})
export const memoryNotFound = defineError({
  code: 'memory.not_found',
  status: 404,
  en: 'This is not remembered (any more).',
  'zh-CN': '没有这条记忆，可能已被删除。',
})
export const folderNotFound = defineError({
  code: 'folder.not_found',
  status: 404,
  en: 'There is no such folder.',
  'zh-CN': '没有这个文件夹。',
})
export const attachmentNotFound = defineError({
  code: 'attachment.not_found',
  status: 404,
  en: 'There is no such file. Upload it again.',
  'zh-CN': '没有这个文件，请重新上传。',
})
export const modelHasNoVision = defineError({
  code: 'attachment.model_has_no_vision',
  status: 422,
  en: 'This model cannot see pictures. Choose another model, or send the message without them.',
  'zh-CN': '此模型看不了图片，请换一个模型，或去掉图片后再发送。',
})
export const messageEmpty = defineError({
  code: 'message.empty',
  status: 400,
  en: 'Write something first.',
  'zh-CN': '请先输入内容。',
})
export const messageTooLong = defineError({
  code: 'message.too_long',
  status: 413,
  en: 'The message has {length} characters; at most {limit} fit.',
  'zh-CN': '消息有 {length} 个字符，超过了 {limit} 个的上限。',
})
export const messageNotAnswer = defineError({
  code: 'message.not_answer',
  status: 409,
  en: 'This can be done with an answer only, and the message is a question.',
  'zh-CN': '这条消息是提问，此操作只适用于回答。',
})
export const messageNotContinuable = defineError({
  code: 'message.not_continuable',
  status: 409,
  en: 'This answer is complete or still being written; there is nothing to continue.',
  'zh-CN': '这个回答已完成或仍在生成，无法继续。',
})
export const clientMessageIdReused = defineError({
  code: 'message.client_id_reused',
  status: 409,
  en: 'This client_message_id was already used for another message.',
  'zh-CN': '这个 client_message_id 已用于另一条消息。',
})
export const turnsBusy = defineError({
  code: 'turn.too_many',
  status: 503,
  en: 'Too many answers are being written right now. Try again in a moment.',
  'zh-CN': '当前生成的回答过多，请稍后再试。',
})
export const turnFailed = defineError({
  code: 'turn.failed',
  status: 500,
  en: 'Something went wrong while the answer was being written. Try again.',
  'zh-CN': '生成回答时出了点问题，请重试。',
})
