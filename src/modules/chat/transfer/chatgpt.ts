import { z } from 'zod'
import type { FileConversation, FileMessage } from './format.ts'

/*
 * `conversations.json` of ChatGPT's data export: an array of conversations, each with a `mapping` of nodes that point
 * at their parent and children. There is no published specification; unknown keys and shapes pass, and what cannot be
 * read as a message is left out.
 */
const Part = z.union([
  z.string(),
  z.looseObject({ content_type: z.string().optional(), text: z.string().nullish() }),
])
const Node = z.looseObject({
  parent: z.string().nullish(),
  children: z.array(z.string()).nullish(),
  message: z
    .looseObject({
      author: z.looseObject({ role: z.string() }),
      create_time: z.number().nullish(),
      recipient: z.string().nullish(),
      content: z
        .looseObject({
          content_type: z.string().nullish(),
          parts: z.array(Part.nullable()).nullish(),
          text: z.string().nullish(),
          language: z.string().nullish(),
        })
        .nullish(),
      metadata: z
        .looseObject({
          model_slug: z.string().nullish(),
          is_visually_hidden_from_conversation: z.boolean().nullish(),
          attachments: z.array(z.looseObject({ name: z.string().nullish() })).nullish(),
        })
        .nullish(),
    })
    .nullish(),
})
type Node = z.output<typeof Node>

export const ChatGptConversation = z.looseObject({
  id: z.string().min(1).max(200).nullish(),
  conversation_id: z.string().min(1).max(200).nullish(),
  title: z.string().nullish(),
  create_time: z.number().nullish(),
  update_time: z.number().nullish(),
  current_node: z.string().nullish(),
  default_model_slug: z.string().nullish(),
  is_archived: z.boolean().nullish(),
  is_starred: z.boolean().nullish(),
  mapping: z.record(z.string(), Node),
})
export type ChatGptConversation = z.output<typeof ChatGptConversation>

/**
 * Reads one conversation. System, tool and hidden nodes are left out, and what hangs below them moves up to the nearest
 * message that stays. The order of children is kept. `fallback` is the time of what has none.
 */
export function fromChatGpt(given: ChatGptConversation, fallback: number): FileConversation {
  const begun = timeOf(given.create_time, fallback)
  const mapping = new Map(Object.entries(given.mapping))
  const messages: FileMessage[] = []
  /** Which message stands for a node: itself, or the nearest one above it. */
  const standIn = new Map<string, string | null>()

  const roots = [...mapping].filter(([, node]) => !node.parent || !mapping.has(node.parent)).map(([id]) => id)
  const waiting = roots.reverse().map(id => ({ id, parent_id: null as string | null }))
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { id, parent_id } = next
    const node = mapping.get(id)
    // A node that was reached already: the file has a loop, or two parents name one child.
    if (!node || standIn.has(id)) continue
    const message = messageOf(id, node, parent_id, begun)
    if (message) messages.push(message)
    standIn.set(id, message ? id : parent_id)
    for (const child of (node.children ?? []).toReversed())
      waiting.push({ id: child, parent_id: message ? id : parent_id })
  }

  const source = given.conversation_id ?? given.id ?? `${given.create_time ?? ''} ${messages[0]?.id ?? ''}`
  const updated = timeOf(given.update_time, Date.parse(begun))
  return {
    source_id: `chatgpt:${source}`.slice(0, 200),
    title: given.title ? [...given.title].slice(0, 100).join('') : null,
    bot_id: null,
    model: null,
    folder: null,
    is_archived: given.is_archived ?? false,
    is_pinned: given.is_starred ?? false,
    current_message_id: standIn.get(given.current_node ?? '') ?? messages.at(-1)?.id ?? null,
    created_at: begun,
    updated_at: updated,
    last_message_at: updated,
    messages,
  }
}

function messageOf(
  id: string,
  { message }: Node,
  parent_id: string | null,
  fallback: string,
): FileMessage | null {
  const role = message?.author.role
  if (!message || (role !== 'user' && role !== 'assistant')) return null
  const { metadata, recipient } = message
  // What an assistant says to a tool is not said to the user.
  const isToTool = role === 'assistant' && recipient != null && recipient !== 'all'
  if (isToTool || metadata?.is_visually_hidden_from_conversation) return null
  const content = textOf(message)
  if (content.trim() === '') return null
  return {
    id,
    parent_id,
    role,
    content,
    reasoning: null,
    status: 'done',
    model: role === 'assistant' ? (metadata?.model_slug?.slice(0, 200) ?? null) : null,
    finish_reason: null,
    tokens_used: null,
    prompt_tokens: null,
    completion_tokens: null,
    usage_source: null,
    cost_micros: null,
    latency_ms: null,
    first_token_ms: null,
    error_code: null,
    error_detail: null,
    created_at: timeOf(message.create_time, Date.parse(fallback)),
    attachments: [],
  }
}

/** What the user saw as text; pictures, recordings and files as notes. */
function textOf({ content, metadata }: NonNullable<Node['message']>): string {
  const texts: string[] = []
  const type = content?.content_type
  if (type === 'text' || type === 'multimodal_text') {
    for (const part of content?.parts ?? []) {
      if (typeof part === 'string') texts.push(part)
      else if (part) texts.push(part.text ?? `[${part.content_type ?? 'attachment'}]`)
    }
  } else if (type === 'code' && content?.text)
    texts.push(`\`\`\`${(content.language ?? '').replaceAll(/\W/g, '')}\n${content.text}\n\`\`\``)
  for (const { name } of metadata?.attachments ?? []) texts.push(`[${name ?? 'file'}]`)
  return texts.filter(text => text !== '').join('\n\n')
}

/** Seconds since 1970, as such files have them, as ISO 8601; the fallback (ms) for what no calendar has. */
function timeOf(seconds: number | null | undefined, fallback: number): string {
  const isSound = typeof seconds === 'number' && seconds > 0 && seconds < 4_102_444_800
  return new Date(isSound ? Math.floor(seconds * 1000) : fallback).toISOString()
}
