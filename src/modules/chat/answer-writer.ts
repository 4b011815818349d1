import type { Settled } from '#core/ai/metering.ts'
import type { Delta } from '#core/ai/types.ts'
import type { AnswerEnd } from './message-store.ts'
import { createPacer } from './pacer.ts'
import { createTextStream } from './text-stream.ts'

/** What an answer holds before its turn begins: nothing, unless it is continued. */
export type AnswerStart = Pick<
  AnswerEnd,
  'content' | 'reasoning' | 'prompt_tokens' | 'completion_tokens' | 'cost_micros'
>

/** Text that became known: where it begins, in UTF-16 units of the whole, and the text itself. */
export type Piece = {
  content_offset: number
  content: string
  reasoning_offset: number
  reasoning: string
}

export type AnswerText = { content: string; reasoning: string | null }

/** Milliseconds between two live updates, and between two writes of a running answer. */
const publishInterval = 30
const checkpointInterval = 250

export type AnswerWriter = ReturnType<typeof createAnswerWriter>

/**
 * Turns the deltas of a model into a growing text. `publish` gets each piece of it once and in order; `checkpoint`
 * gets the whole text now and then. Neither may throw.
 */
export function createAnswerWriter(
  start: AnswerStart,
  publish: (piece: Piece) => Promise<void>,
  checkpoint: (text: AnswerText) => Promise<void>,
) {
  const content = createTextStream(start.content)
  const reasoning = createTextStream(start.reasoning ?? '')
  const published = { content: content.text.length, reasoning: reasoning.text.length }
  const startedAt = performance.now()
  let firstTokenAt: number | null = null
  let finishReason: string | null = null

  const text = (): AnswerText => ({ content: content.text, reasoning: reasoning.text || null })

  const publisher = createPacer(publishInterval, async () => {
    const piece = {
      content_offset: published.content,
      content: content.text.slice(published.content),
      reasoning_offset: published.reasoning,
      reasoning: reasoning.text.slice(published.reasoning),
    }
    if (piece.content === '' && piece.reasoning === '') return
    published.content = content.text.length
    published.reasoning = reasoning.text.length
    await publish(piece)
  })
  const checkpointer = createPacer(checkpointInterval, () => checkpoint(text()))

  return {
    text,

    take(delta: Delta) {
      if (delta.type === 'finish') finishReason = delta.reason
      else if (delta.type === 'text' || delta.type === 'reasoning') {
        firstTokenAt ??= performance.now()
        const stream = delta.type === 'text' ? content : reasoning
        stream.push(delta.text)
        publisher.touch()
        checkpointer.touch()
      }
    },

    /** Publishes the rest and returns the numbers of the answer, those of earlier turns included. */
    async close(
      settled: Settled | null,
    ): Promise<Omit<AnswerEnd, 'status' | 'model' | 'error_code' | 'error_detail'>> {
      content.end()
      reasoning.end()
      publisher.touch()
      await publisher.finish()
      await checkpointer.stop()
      const prompt_tokens = sum(start.prompt_tokens, settled?.usage.prompt_tokens)
      const completion_tokens = sum(start.completion_tokens, settled?.usage.completion_tokens)
      return {
        ...text(),
        finish_reason: finishReason,
        prompt_tokens,
        completion_tokens,
        tokens_used: sum(prompt_tokens, completion_tokens),
        usage_source: settled?.usage.source ?? null,
        cost_micros: sum(start.cost_micros, settled?.cost_micros),
        latency_ms: Math.round(performance.now() - startedAt),
        first_token_ms: firstTokenAt === null ? null : Math.round(firstTokenAt - startedAt),
      }
    },
  }
}

/** Absent is not zero: two unknowns stay unknown. */
const sum = (a: number | null, b: number | null | undefined): number | null =>
  b === null || b === undefined ? a : (a ?? 0) + b
