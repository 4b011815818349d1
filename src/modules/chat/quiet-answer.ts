import type { Ai } from '#core/ai/ai.ts'
import type { ChatMessage } from '#core/ai/types.ts'
import { AppError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'

/** Milliseconds that background work waits for a model. */
const patience = 60_000

/**
 * A short answer for work in the background, or null where no model can give one now (none is set up, the quota is
 * used up, the provider is down): the caller then does with what code can do.
 */
export async function quietAnswer(
  ai: Ai,
  log: Log,
  request: {
    user_id: string
    feature: string
    model: string | null
    messages: ChatMessage[]
    max_tokens: number
    signal: AbortSignal
  },
): Promise<string | null> {
  try {
    const model = await ai.modelFor(request.user_id, request.model ?? undefined)
    if (model.provider_id === 'offline') return null
    let text = ''
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(patience)])
    for await (const delta of ai.chat({ ...request, model: model.id, is_background: true, signal }))
      if (delta.type === 'text') text += delta.text
    return text.trim() === '' ? null : text.trim()
  } catch (error) {
    request.signal.throwIfAborted()
    log.info(
      { feature: request.feature, code: error instanceof AppError ? error.code : 'unknown' },
      'done without a model',
    )
    return null
  }
}
