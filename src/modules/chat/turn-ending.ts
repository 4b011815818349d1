import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import type { JobDefinition } from '#core/jobs/jobs.ts'
import { type Conversation, MessageAnswered } from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import type { FollowUps } from './follow-ups.ts'
import type { Live } from './live.ts'
import { type AnswerEnd, messageStore } from './message-store.ts'
import type { Quota } from './quota.ts'
import type { ChatTables } from './tables.ts'
import { turnStore } from './turn-store.ts'

/** What names a turn to those who end it. */
export type TurnRef = { id: string; user_id: string; conversation_id: string; message_id: string }

/** What a job is told that looks after a conversation up to a message. */
export const ConversationWork = z.object({
  user_id: z.uuid(),
  conversation_id: z.uuid(),
  message_id: z.uuid(),
})
export type ConversationJob = JobDefinition<z.output<typeof ConversationWork>>

export type TurnEnding = ReturnType<typeof createTurnEnding>

/** The last step of a turn: one transaction for its state, its text, its event and what follows from it. */
export function createTurnEnding(deps: {
  db: Db
  events: Events
  live: Live
  quota: Quota
  followUp: FollowUps
}) {
  const db = deps.db.withTables<ChatTables>()
  const { events, live, quota, followUp } = deps

  async function announce(turn: TurnRef, conversation: Conversation | undefined) {
    await db.wrote(turn.user_id)
    const message = await messageStore.find(db.primary, turn.user_id, turn.message_id)
    if (message) await live.toConversation(turn.conversation_id, { type: 'message.completed', message })
    if (conversation) await live.conversationUpdated(turn.user_id, conversation)
    await live.quotaUpdated(turn.user_id, await quota.get(turn.user_id))
  }

  return {
    /**
     * Stores how an answer ended. `forgotten_id` is the newest message that found no room in the prompt; it and those
     * before it are folded into the summary. Returns false, and stores nothing, when the turn is no longer the
     * owner's.
     */
    async end(
      turn: TurnRef,
      owner: string,
      answer: AnswerEnd,
      forgotten_id: string | null,
    ): Promise<boolean> {
      const { user_id, conversation_id, message_id } = turn
      const outcome = await db.transaction(async tx => {
        if (answer.status === 'streaming') throw new Error('A turn cannot end while its answer goes on')
        if (!(await turnStore.end(tx, turn.id, owner, answer.status))) return null
        await messageStore.finish(tx, user_id, message_id, answer)
        const conversation = await conversationStore.update(tx, user_id, conversation_id, {
          last_message_at: new Date().toISOString(),
        })
        const { status, tokens_used } = answer
        await events.publish(tx, MessageAnswered, {
          message_id,
          conversation_id,
          user_id,
          status,
          tokens_used,
        })
        if (conversation) {
          const written = { id: message_id, content: answer.content }
          await followUp(tx, user_id, conversation, written, forgotten_id)
        }
        return { conversation }
      })
      if (!outcome) return false
      await announce(turn, outcome.conversation)
      return true
    },

    /** Ends the turns of processes that fell silent. Their text stays as far as it was stored. */
    async reap(): Promise<number> {
      const turns = await db.transaction(async tx => {
        const reaped = await turnStore.reap(tx, 100)
        for (const { user_id, conversation_id, message_id } of reaped) {
          const tokens_used = await messageStore.interrupt(tx, user_id, message_id)
          await events.publish(tx, MessageAnswered, {
            message_id,
            conversation_id,
            user_id,
            status: 'interrupted',
            tokens_used,
          })
        }
        return reaped
      })
      for (const turn of turns) await announce(turn, undefined)
      return turns.length
    },
  }
}
