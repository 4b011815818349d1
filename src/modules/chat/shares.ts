import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId, newToken } from '#core/ids.ts'
import type { Secrets } from '#core/security/secrets.ts'
import { hashToken } from '#core/security/tokens.ts'
import { type Conversation, conversationNotFound, Message } from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import { messageStore } from './message-store.ts'
import type { ChatTables } from './tables.ts'

/** A link by which anyone may read a conversation as it was when the link was made. */
export const Share = z
  .object({
    id: z.uuid(),
    url_path: z.string().describe('`/share/TOKEN` in the web app.'),
    created_at: z.string(),
  })
  .meta({ id: 'Share' })
export type Share = z.output<typeof Share>

/** What anyone with the link sees. Of a message that is its text; of its files the names. */
export const SharedConversation = z
  .object({
    title: z.string().nullable(),
    created_at: z.string().describe('When it was shared.'),
    messages: z.array(Message).describe('Oldest first, at most the latest 1000.'),
  })
  .meta({ id: 'SharedConversation' })
export type SharedConversation = z.output<typeof SharedConversation>

export const shareNotFound = defineError({
  code: 'share.not_found',
  status: 404,
  en: 'There is nothing behind this link, or it is no longer shared.',
  'zh-CN': '链接无效，或已取消分享。',
})
const nothingToShare = defineError({
  code: 'share.nothing_to_share',
  status: 409,
  en: 'There is no finished message in this conversation to share yet.',
  'zh-CN': '这个对话里还没有可以分享的消息。',
})
const sharesTooMany = defineError({
  code: 'share.too_many',
  status: 409,
  en: 'This conversation has {limit} links already. Revoke one first.',
  'zh-CN': '这个对话已有 {limit} 个分享链接，请先取消一个。',
})

const maxShares = 50
const maxMessages = 1000

export type Shares = ReturnType<typeof createShares>

/**
 * Read-only links to conversations. A link shows the branch that was shown when it was made, up to its newest
 * finished message; what is said later stays private, and a newer state is another link.
 */
export function createShares(deps: { db: Db; secrets: Secrets }) {
  const { secrets } = deps
  const db = deps.db.withTables<ChatTables>()

  const view = (row: { id: string; token_sealed: string; created_at: string }): Share => ({
    id: row.id,
    url_path: `/share/${secrets.decrypt(row.token_sealed, context(row.id))}`,
    created_at: row.created_at,
  })

  async function find(actor: Actor, conversationId: string): Promise<Conversation> {
    const conversation = await conversationStore.find(db.primary, actor.user_id, conversationId)
    if (!conversation) throw conversationNotFound()
    return conversation
  }

  return {
    async list(actor: Actor, conversationId: string): Promise<Share[]> {
      await find(actor, conversationId)
      const rows = await db.primary
        .selectFrom('chat_share')
        .select(['id', 'token_sealed', 'created_at'])
        .where('conversation_id', '=', conversationId)
        .orderBy('id', 'desc')
        .execute()
      return rows.map(view)
    },

    /** @throws AppError `conversation.not_found`, `share.nothing_to_share`, `share.too_many` */
    async create(actor: Actor, conversationId: string): Promise<Share> {
      const { current_message_id } = await find(actor, conversationId)
      const leaf =
        current_message_id && (await newestFinished(db.primary, conversationId, current_message_id))
      if (!leaf) throw nothingToShare()
      const token = newToken()
      const id = newId()
      return db.transaction(async tx => {
        if (!(await conversationStore.lock(tx, actor.user_id, conversationId))) throw conversationNotFound()
        const { count } = await tx
          .selectFrom('chat_share')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('conversation_id', '=', conversationId)
          .executeTakeFirstOrThrow()
        if (count >= maxShares) throw sharesTooMany({ limit: maxShares })
        const row = await tx
          .insertInto('chat_share')
          .values({
            id,
            user_id: actor.user_id,
            conversation_id: conversationId,
            message_id: leaf,
            token_hash: hashToken(token),
            token_sealed: secrets.encrypt(token, context(id)),
          })
          .returning(['id', 'token_sealed', 'created_at'])
          .executeTakeFirstOrThrow()
        return view(row)
      })
    },

    /** From now on the link leads nowhere. */
    async revoke(actor: Actor, id: string): Promise<void> {
      const { numDeletedRows } = await db.primary
        .deleteFrom('chat_share')
        .where('id', '=', id)
        .where('user_id', '=', actor.user_id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw shareNotFound()
    },

    /** Nobody needs to be signed in. @throws AppError `share.not_found`, the same whatever the reason */
    async open(token: string): Promise<SharedConversation> {
      const share = await db.primary
        .selectFrom('chat_share')
        .innerJoin('chat_conversation', 'chat_conversation.id', 'chat_share.conversation_id')
        .select([
          'chat_share.conversation_id',
          'chat_share.message_id',
          'chat_share.created_at',
          'chat_conversation.title',
        ])
        .where('chat_share.token_hash', '=', hashToken(token))
        .where('chat_conversation.deleted_at', 'is', null)
        .executeTakeFirst()
      if (!share) throw shareNotFound()
      const { conversation_id, message_id, created_at, title } = share
      const branch = await messageStore.branch(db.primary, conversation_id, message_id, maxMessages)
      return { title, created_at, messages: branch.reverse().map(publicView) }
    },

    /** Seals anew, under the present key, what an older one sealed among the next `limit` links; the last one's id. */
    async reseal(after: string, limit: number): Promise<string | null> {
      const rows = await db.primary
        .selectFrom('chat_share')
        .select(['id', 'token_sealed'])
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute()
      for (const { id, token_sealed } of rows) {
        if (!secrets.needsRotation(token_sealed)) continue
        const fresh = secrets.encrypt(secrets.decrypt(token_sealed, context(id)), context(id))
        await db.primary.updateTable('chat_share').set({ token_sealed: fresh }).where('id', '=', id).execute()
      }
      return rows.at(-1)?.id ?? null
    },
  }
}

/** What the sealed token belongs to. */
const context = (shareId: string): string => `chat_share.token:${shareId}`

/** The newest message of a branch whose text is final; the one before an answer that is being written. */
async function newestFinished(
  db: Kysely<ChatTables>,
  conversationId: string,
  leaf: string,
): Promise<string | undefined> {
  const branch = await messageStore.branch(db, conversationId, leaf, 2)
  return branch.find(message => message.status !== 'streaming')?.id
}

/** What it cost, how it was thought of and why it failed is the owner's business. */
const publicView = (message: Message): Message => ({
  ...message,
  reasoning: null,
  tokens_used: null,
  prompt_tokens: null,
  completion_tokens: null,
  usage_source: null,
  cost_micros: null,
  latency_ms: null,
  first_token_ms: null,
  error_code: null,
  error_detail: null,
  sibling_ids: [message.id],
})
