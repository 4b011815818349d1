import { buffer } from 'node:stream/consumers'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Storage } from '#core/storage/storage.ts'
import { botStore } from '../bot-store.ts'
import { conversationNotFound, type Message } from '../contract.ts'
import type { Memories } from '../memory/memories.ts'
import { messageStore } from '../message-store.ts'
import type { ChatTables } from '../tables.ts'
import {
  type ExportAttachment,
  type ExportConversation,
  type ExportMessage,
  exportStore,
} from './export-store.ts'
import {
  type FileAttachment,
  type FileConversation,
  type FileMessage,
  format,
  maxFileBytes,
  ownSource,
  version,
} from './format.ts'

/** Rows per query. */
const batch = 100
const botBatch = 50

/** A download: its name, and its text piece by piece. */
export type Download = { name: string; pieces: AsyncGenerator<string> }

export type Exports = ReturnType<typeof createExports>

/** Conversations as files. They are read while they are sent, a batch at a time, so their size does not matter. */
export function createExports(deps: {
  db: Db
  storage: Storage
  clock: Clock
  memories: Pick<Memories, 'all'>
}) {
  const { storage, clock } = deps
  const db = deps.db.withTables<ChatTables>()

  async function find(actor: Actor, id: string): Promise<ExportConversation> {
    const [conversation] = await exportStore.conversations(db.primary, actor.user_id, { id })
    if (!conversation) throw conversationNotFound()
    return conversation
  }

  async function* file(
    actor: Actor,
    conversations: AsyncIterable<ExportConversation>,
    memories: AsyncIterable<string>,
  ) {
    const exported_at = new Date(clock.now()).toISOString()
    yield `{"format":"${format}","version":${version},"exported_at":"${exported_at}","bots":[`
    yield* separated(bots(actor))
    yield '],"memories":['
    yield* separated(memories)
    yield '],"conversations":['
    let isFirst = true
    for await (const conversation of conversations) {
      if (!isFirst) yield ','
      isFirst = false
      yield* conversationJson(actor, conversation)
    }
    yield ']}\n'
  }

  async function* bots(actor: Actor) {
    for (let after: [boolean, string] | null = null; ; ) {
      const rows = await botStore.list(db.primary, actor.user_id, botBatch, after)
      for (const { owner_id, created_at: _, updated_at: __, ...bot } of rows)
        if (owner_id === actor.user_id) yield JSON.stringify(bot)
      const last = rows.at(-1)
      if (rows.length < botBatch || last?.owner_id !== actor.user_id) return
      after = [true, last.id]
    }
  }

  async function* conversationJson(actor: Actor, { id, source_id, ...fields }: ExportConversation) {
    const head: Omit<FileConversation, 'messages'> = { source_id: source_id ?? ownSource + id, ...fields }
    yield `${JSON.stringify(head).slice(0, -1)},"messages":[`
    yield* separated(messages(actor, id))
    yield ']}'
  }

  async function* messages({ user_id }: Actor, conversationId: string) {
    let room = maxFileBytes
    for (let after: string | null = null; ; ) {
      const page: ExportMessage[] = await db.read(user_id, rows =>
        exportStore.messages(rows, conversationId, after, batch),
      )
      for (const { status, attachments, ...fields } of page) {
        const files: FileAttachment[] = []
        for (const attachment of attachments) {
          const fits = attachment.size <= room
          if (fits) room -= attachment.size
          files.push(await fileOf(attachment, fits))
        }
        const message: FileMessage = {
          ...fields,
          // Whoever reads the file will not see the end of it.
          status: status === 'streaming' ? 'interrupted' : (status as FileMessage['status']),
          attachments: files,
        }
        yield JSON.stringify(message)
      }
      const last = page.at(-1)
      if (page.length < batch || !last) return
      after = last.id
    }
  }

  async function fileOf(
    { storage_key, ...fields }: ExportAttachment,
    fits: boolean,
  ): Promise<FileAttachment> {
    const stored = fits ? await storage.get(storage_key) : null
    const bytes = stored ? await buffer(stored.stream) : null
    return { ...fields, content_base64: bytes?.toString('base64') ?? null }
  }

  async function* all(actor: Actor): AsyncGenerator<ExportConversation> {
    for (let after: string | null = null; ; ) {
      const page: ExportConversation[] = await db.read(actor.user_id, rows =>
        exportStore.conversations(rows, actor.user_id, { after, limit: batch }),
      )
      yield* page
      const last = page.at(-1)
      if (page.length < batch || !last) return
      after = last.id
    }
  }

  async function* memories(actor: Actor) {
    for await (const memory of deps.memories.all(actor.user_id)) yield JSON.stringify(memory)
  }

  async function* markdown(conversation: ExportConversation, locale: Locale) {
    const words = headings[locale]
    const { title, model, created_at, last_message_at, current_message_id } = conversation
    const front = { title: title ?? '', model, created_at, last_message_at }
    const lines = Object.entries(front).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    yield `---\n${lines.join('\n')}\n---\n`
    if (title !== null) yield `\n# ${title.replaceAll(/\s+/g, ' ')}\n`
    const ids = current_message_id ? await exportStore.branchIds(db.primary, current_message_id) : []
    for (let at = 0; at < ids.length; at += batch) {
      const part = ids.slice(at, at + batch)
      const found = await messageStore.findMany(db.primary, part)
      for (const id of part) {
        const message = found.get(id)
        if (message) yield messageMarkdown(message, words)
      }
    }
  }

  return {
    /** The branch that is shown, to read. @throws AppError `conversation.not_found` */
    async markdown(actor: Actor, id: string): Promise<Download> {
      const conversation = await find(actor, id)
      return { name: `${conversation.title ?? 'chat'}.md`, pieces: markdown(conversation, actor.locale) }
    },

    /** Every branch and field, in our own format. @throws AppError `conversation.not_found` */
    async json(actor: Actor, id: string): Promise<Download> {
      const conversation = await find(actor, id)
      const one = (async function* () {
        yield conversation
      })()
      return { name: `${conversation.title ?? 'chat'}.json`, pieces: file(actor, one, none()) }
    },

    /** All conversations that are kept, and what bots remember, in our own format. */
    everything(actor: Actor): Download {
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      return { name: `banyan-chat-${day}.json`, pieces: file(actor, all(actor), memories(actor)) }
    },
  }
}

const headings = {
  en: { user: 'User', assistant: 'Assistant', file: 'File' },
  'zh-CN': { user: '用户', assistant: '助手', file: '文件' },
} as const

function messageMarkdown(message: Message, words: (typeof headings)[Locale]): string {
  const { role, model, content, attachments, created_at } = message
  const who = role === 'assistant' && model ? `${words.assistant} (${model})` : words[role]
  const files = attachments.map(({ name }) => `- ${words.file}: ${name}\n`).join('')
  return `\n## ${who} · ${created_at}\n\n${content}\n${files && `\n${files}`}`
}

async function* none(): AsyncGenerator<string> {}

async function* separated(items: AsyncIterable<string>): AsyncGenerator<string> {
  let isFirst = true
  for await (const item of items) {
    yield isFirst ? item : `,${item}`
    isFirst = false
  }
}
