import type { Kysely } from 'kysely'
import type { Ai } from '#core/ai/ai.ts'
import type { Settled } from '#core/ai/metering.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { AnswerStart } from './answer-writer.ts'
import { type BotRow, botStore } from './bot-store.ts'
import type { chatSettings } from './config.ts'
import {
  attachmentNotFound,
  type Conversation,
  clientMessageIdReused,
  conversationNotFound,
  type Message,
  MessagePosted,
  messageEmpty,
  messageNotAnswer,
  messageNotContinuable,
  messageNotFound,
  messageTooLong,
} from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import type { Live } from './live.ts'
import { messageStore, type PathAttachment } from './message-store.ts'
import type { createPrompts } from './prompt.ts'
import type { ChatTables, TurnKind } from './tables.ts'
import { storable } from './text-stream.ts'
import type { TurnRunner } from './turn-runner.ts'
import { type Turn, turnStore } from './turn-store.ts'

/** A turn that was begun, or joined. */
export type Started = { user_message: Message; assistant_message: Message }

/** What a turn will write, and from what. */
type Plan = {
  kind: TurnKind
  conversation: Conversation
  model: string | null
  /** The newest stored message that the prompt sees. */
  from_id: string | null
  /** A question to store. */
  question: { parent_id: string | null; content: string; attachments: PathAttachment[] } | null
  /** The answer to write on. */
  continued: Message | null
}

type Stored = { started: Started; conversation: Conversation }

/** Which turn may be joined by its client id: a resend says the same as the first. */
type Expected = { kind: TurnKind; conversation_id?: string; message_id?: string }

const stopChannel = 'chat.turn_stops'
const nothing: AnswerStart = {
  content: '',
  reasoning: null,
  prompt_tokens: null,
  completion_tokens: null,
  cost_micros: null,
}

export type Turns = ReturnType<typeof createTurns>

/** Asking and answering: a turn is stored, charged for and run exactly once, however often it is sent. */
export function createTurns(deps: {
  db: Db
  ai: Ai
  events: Events
  realtime: Realtime
  live: Live
  runner: TurnRunner
  prompts: ReturnType<typeof createPrompts>
  settings: Settings<typeof chatSettings>
}) {
  const db = deps.db.withTables<ChatTables>()
  const { ai, events, realtime, live, runner, prompts, settings } = deps
  /** Sends under way in this process, so that the second of two equal ones waits for the first. */
  const beginning = new Map<string, Promise<Started>>()

  async function findAnswer(actor: Actor, id: string): Promise<Message> {
    const message = await messageStore.find(db.primary, actor.user_id, id)
    if (!message) throw messageNotFound()
    if (message.role !== 'assistant') throw messageNotAnswer()
    return message
  }

  async function findConversation(actor: Actor, id: string): Promise<Conversation> {
    const conversation = await conversationStore.find(db.primary, actor.user_id, id)
    if (!conversation) throw conversationNotFound()
    return conversation
  }

  /** The question and the answer of a turn, as they are now. */
  async function messagesOf(
    executor: Kysely<ChatTables>,
    turn: { conversation_id: string; message_id: string },
  ): Promise<Started> {
    const branch = await messageStore.branch(executor, turn.conversation_id, turn.message_id, 2)
    const [assistant_message, user_message] = branch
    if (!assistant_message || !user_message) throw messageNotFound()
    return { user_message, assistant_message }
  }

  async function join(turn: Turn, expected: Expected): Promise<Started> {
    const isSame =
      turn.kind === expected.kind &&
      (expected.conversation_id ?? turn.conversation_id) === turn.conversation_id &&
      (turn.kind !== 'continue' || expected.message_id === turn.message_id)
    if (!isSame) throw clientMessageIdReused()
    return messagesOf(db.primary, turn)
  }

  /** Begins the turn of a client id, or joins it when it was begun before, here or elsewhere. */
  async function begin(
    actor: Actor,
    clientId: string,
    expected: Expected,
    plan: () => Promise<Plan>,
  ): Promise<Started> {
    const key = `${actor.user_id} ${clientId}`
    // The first may have failed; then this one is the first.
    while (beginning.has(key)) await beginning.get(key)?.catch(() => undefined)
    const work = (async () => {
      const known = await turnStore.byClientId(db.primary, actor.user_id, clientId)
      return known ? join(known, expected) : start(actor, clientId, expected, await plan())
    })()
    beginning.set(key, work)
    try {
      return await work
    } finally {
      beginning.delete(key)
    }
  }

  async function start(actor: Actor, clientId: string, expected: Expected, plan: Plan): Promise<Started> {
    const { conversation, question, continued } = plan
    const bot = conversation.bot_id
      ? ((await botStore.findVisible(db.primary, actor.user_id, conversation.bot_id)) ?? null)
      : null
    const state = runner.firstState()
    const { request, forgotten_id } = await requestFor(actor, plan, bot)
    // Refuses with 429 before anything is stored.
    let settled: Settled | null = null
    const onSettled = (result: Settled) => {
      settled = result
    }
    const call = await ai.reserve({ ...request, onSettled })
    const ids = { turn: newId(), question: newId(), answer: continued?.id ?? newId() }
    let stored: Stored | null = null
    try {
      stored = await store(actor, clientId, plan, ids, { model: call.model.id, state })
    } finally {
      if (!stored) await call.release()
    }
    if (!stored) {
      const winner = await turnStore.byClientId(db.primary, actor.user_id, clientId)
      if (!winner) throw messageNotContinuable()
      return join(winner, expected)
    }
    const { started } = stored
    // In this order: an answer's first piece must not come before the answer.
    if (question)
      void live.toConversation(conversation.id, { type: 'message.created', message: started.user_message })
    void live.toConversation(conversation.id, { type: 'message.created', message: started.assistant_message })
    runner.launch({
      id: ids.turn,
      user_id: actor.user_id,
      conversation_id: conversation.id,
      message_id: ids.answer,
      state,
      locale: actor.locale,
      model: call.model.id,
      before: continued ?? nothing,
      forgotten_id,
      call,
      settled: () => settled,
    })
    await live.conversationUpdated(actor.user_id, stored.conversation)
    return started
  }

  async function requestFor(actor: Actor, plan: Plan, bot: BotRow | null) {
    const wanted = plan.model ?? plan.conversation.model ?? bot?.model ?? ''
    const model = await ai.modelFor(actor.user_id, wanted)
    const { messages, forgotten_id } = await prompts.make({
      user_id: actor.user_id,
      conversation_id: plan.conversation.id,
      bot,
      model: {
        context_window: model.context_window,
        max_output: model.max_output,
        sees_images: model.capabilities.vision,
      },
      from_id: plan.from_id,
      question: plan.question,
      partial: plan.continued?.content ?? null,
      uses_memory: !plan.conversation.is_temporary,
    })
    const request = {
      model: wanted,
      messages,
      ...(bot?.temperature == null ? {} : { temperature: bot.temperature }),
      ...(settings.CHAT_ANSWER_MAX_TOKENS > 0 ? { max_tokens: settings.CHAT_ANSWER_MAX_TOKENS } : {}),
      user_id: actor.user_id,
      feature: 'chat',
    }
    return { request, forgotten_id }
  }

  /** Question, empty answer and turn in one transaction. Null when another send of the same was faster. */
  function store(
    actor: Actor,
    clientId: string,
    plan: Plan,
    ids: { turn: string; question: string; answer: string },
    turn: { model: string; state: 'queued' | 'running' },
  ): Promise<Stored | null> {
    const { kind, question, continued } = plan
    const { user_id } = actor
    const conversation_id = plan.conversation.id
    return db.transaction(async tx => {
      if (!(await conversationStore.lock(tx, user_id, conversation_id))) throw conversationNotFound()
      const isFirst = await turnStore.insert(tx, {
        id: ids.turn,
        user_id,
        conversation_id,
        message_id: ids.answer,
        client_message_id: clientId,
        kind,
        state: turn.state,
        request: { model: turn.model, locale: actor.locale },
        owner: runner.owner,
      })
      if (!isFirst) return null
      if (question) {
        const { parent_id, content, attachments } = question
        await messageStore.insertQuestion(tx, {
          id: ids.question,
          user_id,
          conversation_id,
          parent_id,
          content,
        })
        await messageStore.attach(tx, ids.question, attachments)
        await events.publish(tx, MessagePosted, { message_id: ids.question, conversation_id, user_id })
      }
      const parent_id = question ? ids.question : plan.from_id
      if (continued) await messageStore.reopen(tx, continued.id)
      else
        await messageStore.insertAnswer(tx, { id: ids.answer, conversation_id, parent_id, model: turn.model })
      const conversation = await conversationStore.update(tx, user_id, conversation_id, {
        last_message_at: new Date().toISOString(),
        current_message_id: ids.answer,
      })
      if (!conversation) throw conversationNotFound()
      const started = await messagesOf(tx, { conversation_id, message_id: ids.answer })
      return { started, conversation }
    })
  }

  async function askToStop(stops: readonly { id: string }[]) {
    for (const { id } of stops) {
      runner.stop(id)
      await realtime.publish(stopChannel, { turn_id: id })
    }
  }

  return {
    /**
     * Stores a question and begins its answer. `parent_id` absent: under the leaf that is shown; null: a new first
     * question.
     * @throws AppError `quota.exceeded` and others of `ai.reserve`; then nothing is stored.
     */
    async send(
      actor: Actor,
      conversationId: string,
      input: {
        client_message_id: string
        content: string
        parent_id?: string | null | undefined
        attachment_ids?: string[] | undefined
        model?: string | undefined
      },
    ): Promise<Started> {
      const content = storable(input.content)
      const ids = input.attachment_ids ?? []
      const limit = settings.CHAT_MESSAGE_MAX_CHARS
      if (content.trim() === '' && ids.length === 0) throw messageEmpty()
      if (content.length > limit) throw messageTooLong({ length: content.length, limit })
      const expected = { kind: 'send', conversation_id: conversationId } as const
      return begin(actor, input.client_message_id, expected, async () => {
        const conversation = await findConversation(actor, conversationId)
        const parent_id = input.parent_id === undefined ? conversation.current_message_id : input.parent_id
        if (input.parent_id && !(await messageStore.isIn(db.primary, conversationId, input.parent_id)))
          throw messageNotFound()
        const attachments = await messageStore.attachmentsOf(db.primary, actor.user_id, ids)
        if (attachments.length < ids.length) throw attachmentNotFound()
        return {
          kind: 'send',
          conversation,
          model: input.model ?? null,
          from_id: parent_id,
          question: { parent_id, content, attachments },
          continued: null,
        }
      })
    },

    /** Another answer to the same question, beside the first. */
    async regenerate(
      actor: Actor,
      messageId: string,
      input: { client_message_id: string; model?: string | undefined },
    ): Promise<Started> {
      const { conversation_id, parent_id } = await findAnswer(actor, messageId)
      const expected = { kind: 'regenerate', conversation_id } as const
      return begin(actor, input.client_message_id, expected, async () => ({
        kind: 'regenerate',
        conversation: await findConversation(actor, conversation_id),
        model: input.model ?? null,
        from_id: parent_id,
        question: null,
        continued: null,
      }))
    },

    /** Writes on an answer that was stopped, interrupted, cut at its limit or failed half-way. */
    async continue(actor: Actor, messageId: string, input: { client_message_id: string }): Promise<Started> {
      const answer = await findAnswer(actor, messageId)
      const { conversation_id, parent_id, model } = answer
      const expected = { kind: 'continue', conversation_id, message_id: messageId } as const
      return begin(actor, input.client_message_id, expected, async () => {
        const isCut =
          answer.status === 'done' ? answer.finish_reason === 'length' : answer.status !== 'streaming'
        if (!isCut) throw messageNotContinuable()
        const conversation = await findConversation(actor, conversation_id)
        return {
          kind: 'continue',
          conversation,
          model,
          from_id: parent_id,
          question: null,
          continued: answer,
        }
      })
    },

    /** Stops an answer wherever it is being written; what is there stays. Stopping one that has ended is no error. */
    async stop(actor: Actor, messageId: string): Promise<void> {
      await findAnswer(actor, messageId)
      await askToStop(await turnStore.requestStop(db.primary, { message_id: messageId }))
    },

    stopAll: async (conversationId: string): Promise<void> =>
      askToStop(await turnStore.requestStop(db.primary, { conversation_id: conversationId })),

    /** Hears of stops that reached other processes. The lease's heartbeat sees those that get lost. */
    async start() {
      await realtime.subscribe(stopChannel, {}, ({ data }) => {
        if ('turn_id' in data && typeof data.turn_id === 'string') runner.stop(data.turn_id)
      })
    },
  }
}
