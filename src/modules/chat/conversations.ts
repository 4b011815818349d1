import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import { CursorTime, decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { botStore } from './bot-store.ts'
import {
  botNotFound,
  type Conversation,
  ConversationCreated,
  conversationNotFound,
  folderNotFound,
  messageNotFound,
} from './contract.ts'
import { conversationStore, type ListKey } from './conversation-store.ts'
import type { Live } from './live.ts'
import type { Memories } from './memory/memories.ts'
import { messageStore } from './message-store.ts'
import type { ChatTables } from './tables.ts'
import { storable } from './text-stream.ts'

const listKey: z.ZodType<ListKey> = z.tuple([z.boolean(), CursorTime, z.uuid()])

export type ConversationPatch = {
  title?: string
  is_archived?: boolean
  is_pinned?: boolean
  folder_id?: string | null
  model?: string | null
  current_message_id?: string
}

export type Conversations = ReturnType<typeof createConversations>

/** A user's conversations. Those of others do not exist for it: `conversation.not_found`. */
export function createConversations(deps: {
  db: Db
  events: Events
  live: Live
  /** What came from a conversation goes and comes back with it. */
  memories: Pick<Memories, 'changed'>
  /** Stops whatever is being written in a conversation. */
  stopTurns: (conversationId: string) => Promise<void>
}) {
  const db = deps.db.withTables<ChatTables>()
  const { events, live, memories, stopTurns } = deps

  async function checkReferences(actor: Actor, bot_id?: string | null, folder_id?: string | null) {
    if (bot_id && !(await botStore.findVisible(db.primary, actor.user_id, bot_id))) throw botNotFound()
    if (folder_id && !(await conversationStore.ownsFolder(db.primary, actor.user_id, folder_id)))
      throw folderNotFound()
  }

  return {
    async list(
      actor: Actor,
      query: {
        archived: boolean
        folder_id?: string | undefined
        limit: number
        cursor?: string | undefined
      },
    ): Promise<Page<Conversation>> {
      const { limit, folder_id } = query
      const after = decodeCursor(query.cursor, listKey)
      const read = async (rows: Kysely<ChatTables>) => {
        const filter = { is_archived: query.archived, folder_id }
        const found = await conversationStore.list(rows, actor.user_id, filter, limit + 1, after)
        return pageFrom(found, limit, row => [row.is_pinned, row.last_message_at, row.id])
      }
      if (after) return db.read(actor.user_id, read)
      const key = `${query.archived} ${folder_id ?? ''} ${limit}`
      return live.cachedList(actor.user_id, key, () => read(db.primary))
    },

    async create(
      actor: Actor,
      input: {
        title?: string | undefined
        bot_id?: string | null | undefined
        model?: string | null | undefined
        folder_id?: string | null | undefined
        is_temporary?: boolean | undefined
      },
    ): Promise<Conversation> {
      await checkReferences(actor, input.bot_id, input.folder_id)
      const conversation = await db.transaction(async tx => {
        const row = await conversationStore.insert(tx, {
          id: newId(),
          user_id: actor.user_id,
          title: input.title === undefined ? null : storable(input.title),
          bot_id: input.bot_id ?? null,
          model: input.model ?? null,
          folder_id: input.folder_id ?? null,
          is_temporary: input.is_temporary ?? false,
        })
        await events.publish(tx, ConversationCreated, { conversation_id: row.id, user_id: actor.user_id })
        return row
      })
      await live.conversationCreated(actor.user_id, conversation)
      return conversation
    },

    async get(actor: Actor, id: string): Promise<Conversation> {
      const conversation = await conversationStore.find(db.primary, actor.user_id, id)
      if (!conversation) throw conversationNotFound()
      return conversation
    },

    /** Changes what is given. `current_message_id` may be any message: its newest leaf is shown. */
    async update(actor: Actor, id: string, patch: ConversationPatch): Promise<Conversation> {
      await checkReferences(actor, null, patch.folder_id)
      const conversation = await db.transaction(async tx => {
        if (!(await conversationStore.lock(tx, actor.user_id, id))) throw conversationNotFound()
        const changes = { ...patch }
        if (patch.title !== undefined) changes.title = storable(patch.title)
        if (patch.current_message_id !== undefined) {
          const leaf = await messageStore.newestLeaf(tx, id, patch.current_message_id)
          if (leaf === undefined) throw messageNotFound()
          changes.current_message_id = leaf
        }
        return conversationStore.update(tx, actor.user_id, id, changes)
      })
      if (!conversation) throw conversationNotFound()
      await live.conversationUpdated(actor.user_id, conversation)
      return conversation
    },

    /** Hides it at once, and removes it for good after CHAT_DELETED_DAYS. What is being written in it stops. */
    async remove(actor: Actor, id: string): Promise<void> {
      if (!(await conversationStore.setDeleted(db.primary, actor.user_id, id))) throw conversationNotFound()
      await stopTurns(id)
      await memories.changed(actor.user_id)
      await live.conversationDeleted(actor.user_id, id)
    },

    async restore(actor: Actor, id: string): Promise<Conversation> {
      const conversation = await conversationStore.restore(db.primary, actor.user_id, id)
      if (!conversation) throw conversationNotFound()
      await memories.changed(actor.user_id)
      await live.conversationUpdated(actor.user_id, conversation)
      return conversation
    },
  }
}
