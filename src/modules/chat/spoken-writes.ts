import type { Kysely } from 'kysely'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import {
  type Conversation,
  ConversationCreated,
  conversationNotFound,
  MessageAnswered,
  MessagePosted,
} from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import type { FollowUps } from './follow-ups.ts'
import type { Live } from './live.ts'
import { type AnswerEnd, messageStore, type PathMessage } from './message-store.ts'
import { persistently } from './persistently.ts'
import { createSlots } from './slots.ts'
import type { ChatTables } from './tables.ts'
import type { Talk } from './talks.ts'

/** What a spoken turn stores. */
export type SpokenRecord = {
  talk: Talk
  question: PathMessage
  answer: PathMessage
  /** Resolves when the turns before it are stored. */
  before: Promise<unknown>
  is_question_stored: boolean
}

/**
 * Transactions of spoken turns at once. A few keep up with hundreds of turns, and leave the connections of the pool to
 * those who wait for a first word.
 */
const maxWrites = 3
const never = new AbortController().signal

/** Stores spoken turns, behind whatever else was said in their talk. */
export function createSpokenWrites(deps: { db: Db; events: Events; live: Live; followUp: FollowUps }) {
  const db = deps.db.withTables<ChatTables>()
  const { events, live, followUp } = deps
  const slots = createSlots(maxWrites)

  async function write<T>(
    { before }: SpokenRecord,
    work: (tx: Kysely<ChatTables>) => Promise<T>,
  ): Promise<T> {
    await before
    const leave = await slots.acquire(never)
    try {
      return await persistently(() => db.transaction(work))
    } finally {
      leave()
    }
  }

  async function insertConversation(tx: Kysely<ChatTables>, { conversation_id, user_id, bot_id }: Talk) {
    await events.publish(tx, ConversationCreated, { conversation_id, user_id })
    return conversationStore.insert(tx, {
      id: conversation_id,
      user_id,
      title: null,
      bot_id,
      model: null,
      folder_id: null,
      is_temporary: false,
    })
  }

  /** Below what is shown, so that nothing which was said meanwhile elsewhere leaves the view. */
  async function insertQuestion(tx: Kysely<ChatTables>, { talk, question }: SpokenRecord) {
    const { user_id, conversation_id } = talk
    const conversation = talk.is_new
      ? await insertConversation(tx, talk)
      : await conversationStore.lock(tx, user_id, conversation_id)
    if (!conversation) throw conversationNotFound()
    const { id, content } = question
    const parent_id = conversation.current_message_id
    await messageStore.insertQuestion(tx, { id, user_id, conversation_id, parent_id, content })
    await events.publish(tx, MessagePosted, { message_id: id, conversation_id, user_id })
  }

  async function setLeaf(
    tx: Kysely<ChatTables>,
    { user_id, conversation_id }: Talk,
    leaf: string,
  ): Promise<Conversation> {
    const conversation = await conversationStore.update(tx, user_id, conversation_id, {
      last_message_at: new Date().toISOString(),
      current_message_id: leaf,
    })
    if (!conversation) throw conversationNotFound()
    return conversation
  }

  /** After the commit: tells of the newest messages, at most two. */
  async function announce(record: SpokenRecord, conversation: Conversation, leaf: string, count: number) {
    const { talk } = record
    const wasNew = talk.is_new
    talk.is_new = false
    record.is_question_stored = true
    const messages = await messageStore.branch(db.primary, conversation.id, leaf, count)
    for (const message of messages.reverse())
      await live.toConversation(conversation.id, { type: 'message.created', message })
    if (wasNew) await live.conversationCreated(talk.user_id, conversation)
    else await live.conversationUpdated(talk.user_id, conversation)
  }

  return {
    async question(record: SpokenRecord): Promise<void> {
      const leaf = record.question.id
      const conversation = await write(record, async tx => {
        await insertQuestion(tx, record)
        return setLeaf(tx, record.talk, leaf)
      })
      await announce(record, conversation, leaf, 1)
    },

    /** The answer, and the question unless it is stored. `forgotten_id`: see TurnEnding.end. */
    async end(record: SpokenRecord, answer: AnswerEnd, forgotten_id: string | null): Promise<void> {
      const { talk, question } = record
      const { user_id, conversation_id } = talk
      const { id } = record.answer
      const hadQuestion = record.is_question_stored
      const { status } = answer
      if (status === 'streaming') throw new Error('A turn cannot end while its answer goes on')
      const conversation = await write(record, async tx => {
        if (!hadQuestion) await insertQuestion(tx, record)
        const row = { ...answer, id, conversation_id, parent_id: question.id }
        await messageStore.insertEnded(tx, user_id, row)
        const { tokens_used } = answer
        await events.publish(tx, MessageAnswered, {
          message_id: id,
          conversation_id,
          user_id,
          status,
          tokens_used,
        })
        const updated = await setLeaf(tx, talk, id)
        await followUp(tx, user_id, updated, { id, content: answer.content }, forgotten_id)
        return updated
      })
      await announce(record, conversation, id, hadQuestion ? 1 : 2)
    },

    /** What was heard of an answer that is stored. */
    async cut({ talk, answer }: SpokenRecord, text: string): Promise<void> {
      if (!(await messageStore.cut(db.primary, talk.user_id, answer.id, text))) return
      const message = await messageStore.find(db.primary, talk.user_id, answer.id)
      if (message) await live.toConversation(talk.conversation_id, { type: 'message.completed', message })
    },
  }
}
