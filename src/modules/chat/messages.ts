import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, encodeCursor, type Page } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { AnswerText } from './answer-writer.ts'
import { conversationNotFound, type Message, messageNotFound } from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import { type FollowStep, followMessage, type TextPosition } from './follow-message.ts'
import { messageStore } from './message-store.ts'
import type { ChatTables } from './tables.ts'

const messageKey = z.tuple([z.uuid()])

export type Messages = ReturnType<typeof createMessages>

/** Reading messages: one, a page of the branch that is shown, or an answer while it is written. */
export function createMessages(deps: {
  db: Db
  realtime: Realtime
  /** The text of an answer that this process is writing, newer than the stored one. */
  textOf: (messageId: string) => AnswerText | null
}) {
  const db = deps.db.withTables<ChatTables>()

  const newest = (message: Message): Message =>
    message.status === 'streaming' ? { ...message, ...deps.textOf(message.id) } : message

  async function get(actor: Actor, id: string): Promise<Message> {
    const message = await messageStore.find(db.primary, actor.user_id, id)
    if (!message) throw messageNotFound()
    return newest(message)
  }

  return {
    get,

    /** The branch that is shown, newest first. */
    async page(
      actor: Actor,
      conversationId: string,
      { limit, cursor }: { limit: number; cursor?: string | undefined },
    ): Promise<Page<Message>> {
      const after = decodeCursor(cursor, messageKey)
      const conversation = await conversationStore.find(db.primary, actor.user_id, conversationId)
      if (!conversation) throw conversationNotFound()
      const from = after ? after[0] : conversation.current_message_id
      if (from === null) return { items: [], next_cursor: null }
      const messages = await messageStore.branch(db.primary, conversationId, from, limit)
      const parent = messages.at(-1)?.parent_id ?? null
      return {
        items: messages.map(newest),
        next_cursor: messages.length === limit && parent !== null ? encodeCursor([parent]) : null,
      }
    },

    /** An answer from a position on, to its end; see followMessage. */
    async follow(
      actor: Actor,
      id: string,
      from: TextPosition,
      signal: AbortSignal,
    ): Promise<AsyncGenerator<FollowStep>> {
      const { conversation_id } = await get(actor, id)
      return followMessage({
        realtime: deps.realtime,
        read: () => get(actor, id),
        conversation_id,
        message_id: id,
        from,
        signal,
      })
    },
  }
}
