import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Db } from '#core/db/db.ts'
import { isId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Conversation, Message } from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import type { QuotaState } from './quota.ts'
import type { ChatTables } from './tables.ts'

/**
 * A piece of an answer. Offsets are UTF-16 units from the beginning of the whole text: append what follows on, skip
 * what is known, and read the message again over a gap.
 */
export type MessageDelta = {
  type: 'message.delta'
  message_id: string
  content_offset: number
  content?: string
  reasoning_offset: number
  reasoning?: string
}

/** What is said on `chat.conversation.{id}`. */
export type ConversationNews =
  | { type: 'message.created'; message: Message }
  | MessageDelta
  | { type: 'message.completed'; message: Message }
  | { type: 'conversation.updated'; conversation: Conversation }

/** What is said on `chat.user.{id}`. */
export type UserNews =
  | { type: 'conversation.created' | 'conversation.updated'; conversation: Conversation }
  | { type: 'conversation.deleted'; id: string }
  | { type: 'quota.updated'; quota: QuotaState }

export const conversationChannel = (id: string): string => `chat.conversation.${id}`
export const userChannel = (userId: string): string => `chat.user.${userId}`
const listTag = (userId: string): string => `chat.conversations.${userId}`

/** Who may listen: the owner. */
export const chatChannels = (db: Db): ChannelDefinition[] => [
  {
    pattern: 'chat.conversation.:id',
    authorize: async (actor, { id = '' }) =>
      isId(id) &&
      (await conversationStore.find(db.withTables<ChatTables>().primary, actor.user_id, id)) !== undefined,
  },
  { pattern: 'chat.user.:id', authorize: async (actor, { id }) => actor.user_id === id },
]

export type Live = ReturnType<typeof createLive>

/**
 * What other devices see, and what the cached list holds. Called after the transaction has committed. A message that
 * is lost on the way is no error: whoever listens reads the rows again.
 */
export function createLive({ cache, realtime, log }: { cache: Cache; realtime: Realtime; log: Log }) {
  async function publish(channel: string, news: ConversationNews | UserNews) {
    try {
      await realtime.publish(channel, news)
    } catch (error) {
      log.warn({ error }, 'a live update was lost')
    }
  }
  return {
    toConversation: (id: string, news: ConversationNews) => publish(conversationChannel(id), news),

    /** Many conversations changed at once: the list is read again when somebody asks for it. */
    listChanged: (userId: string) => cache.invalidate(listTag(userId)),

    async conversationCreated(userId: string, conversation: Conversation) {
      await cache.invalidate(listTag(userId))
      await publish(userChannel(userId), { type: 'conversation.created', conversation })
    },

    async conversationUpdated(userId: string, conversation: Conversation) {
      await cache.invalidate(listTag(userId))
      const news = { type: 'conversation.updated', conversation } as const
      await publish(userChannel(userId), news)
      await publish(conversationChannel(conversation.id), news)
    },

    async conversationDeleted(userId: string, id: string) {
      await cache.invalidate(listTag(userId))
      await publish(userChannel(userId), { type: 'conversation.deleted', id })
    },

    quotaUpdated: (userId: string, quota: QuotaState) =>
      publish(userChannel(userId), { type: 'quota.updated', quota }),

    /** The first page of a user's list, kept until something in it changes. */
    cachedList: <T>(userId: string, key: string, load: () => Promise<T>): Promise<T> =>
      cache.get(policies.conversationList, `${userId} ${key}`, load, { tags: [listTag(userId)] }),
  }
}
