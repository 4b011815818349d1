import type { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Settled } from '#core/ai/metering.ts'
import type { Delta } from '#core/ai/types.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Actor } from '#core/http/route.ts'
import { botStore } from './bot-store.ts'
import type { chatSettings } from './config.ts'
import { botNotFound, Message, messageEmpty, messageTooLong } from './contract.ts'
import type { createPrompts } from './prompt.ts'
import type { ChatTables } from './tables.ts'

/** An answer that is not kept. */
export const BotAnswer = Message.pick({
  content: true,
  reasoning: true,
  model: true,
  finish_reason: true,
  tokens_used: true,
  prompt_tokens: true,
  completion_tokens: true,
  usage_source: true,
  cost_micros: true,
  latency_ms: true,
  first_token_ms: true,
}).meta({ id: 'BotAnswer' })
export type BotAnswer = z.output<typeof BotAnswer>

export type BotStep =
  | { type: 'delta'; content?: string; reasoning?: string }
  | { type: 'done'; answer: BotAnswer }

export type BotAnswers = ReturnType<typeof createBotAnswers>

/** Single questions to a bot: no history, nothing stored, metered like any other call. */
export function createBotAnswers(deps: {
  db: Db
  ai: Ai
  prompts: ReturnType<typeof createPrompts>
  settings: Settings<typeof chatSettings>
}) {
  const { ai, prompts, settings } = deps
  const db = deps.db.withTables<ChatTables>()

  async function* write(
    deltas: AsyncIterable<Delta>,
    model: string,
    settled: () => Settled | null,
  ): AsyncGenerator<BotStep> {
    let content = ''
    let reasoning = ''
    let finish_reason: string | null = null
    for await (const delta of deltas) {
      if (delta.type === 'text') {
        content += delta.text
        yield { type: 'delta', content: delta.text }
      } else if (delta.type === 'reasoning') {
        reasoning += delta.text
        yield { type: 'delta', reasoning: delta.text }
      } else if (delta.type === 'finish') finish_reason = delta.reason
    }
    const booked = settled()
    const usage = booked?.usage
    yield {
      type: 'done',
      answer: {
        content,
        reasoning: reasoning === '' ? null : reasoning,
        model,
        finish_reason,
        tokens_used: usage ? usage.prompt_tokens + usage.completion_tokens : null,
        prompt_tokens: usage?.prompt_tokens ?? null,
        completion_tokens: usage?.completion_tokens ?? null,
        usage_source: usage?.source ?? null,
        cost_micros: booked?.cost_micros ?? null,
        latency_ms: booked?.latency_ms ?? null,
        first_token_ms: booked?.first_token_ms ?? null,
      },
    }
  }

  return {
    /**
     * Begins an answer; `done` is its last step. Leaving the loop, or the signal, ends the call.
     * @throws AppError `bot.not_found`, `message.empty`, `message.too_long`, and those of `ai.reserve`
     */
    async ask(
      actor: Actor,
      botId: string,
      input: { content: string },
      signal: AbortSignal,
    ): Promise<AsyncGenerator<BotStep>> {
      const { content } = input
      const limit = settings.CHAT_MESSAGE_MAX_CHARS
      if (content.trim() === '') throw messageEmpty()
      if (content.length > limit) throw messageTooLong({ length: content.length, limit })
      const bot = await botStore.findVisible(db.primary, actor.user_id, botId)
      if (!bot) throw botNotFound()
      const model = await ai.modelFor(actor.user_id, bot.model ?? '')
      const { messages } = await prompts.make({
        user_id: actor.user_id,
        conversation_id: null,
        bot,
        model: {
          context_window: model.context_window,
          max_output: model.max_output,
          sees_images: model.capabilities.vision,
        },
        from_id: null,
        question: { content, attachments: [] },
        partial: null,
      })
      let settled: Settled | null = null
      const call = await ai.reserve({
        model: bot.model ?? '',
        messages,
        ...(bot.temperature === null ? {} : { temperature: bot.temperature }),
        ...(settings.CHAT_ANSWER_MAX_TOKENS > 0 ? { max_tokens: settings.CHAT_ANSWER_MAX_TOKENS } : {}),
        user_id: actor.user_id,
        feature: 'chat',
        signal,
        onSettled(result) {
          settled = result
        },
      })
      return write(call.answer(), call.model.id, () => settled)
    },
  }
}
