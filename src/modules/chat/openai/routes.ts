import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ai } from '#core/ai/ai.ts'
import type { Router } from '#core/http/route.ts'
import { sendStream } from '#core/http/send-stream.ts'
import type { Log } from '#core/log.ts'
import type { Quota } from '../quota.ts'
import { sendOpenAiError } from './problem.ts'
import { CompletionRequest, EmbeddingRequest, ModelList } from './schemas.ts'

const feature = 'openai_door'
/** Images travel as base64 in the body. */
const bodyLimit = 32 * 1024 * 1024

/** OpenAI's API under `/v1`, for any client that speaks it, with a user's API token and the user's quotas. */
export function openAiRoutes(router: Router, { ai, quota, log }: { ai: Ai; quota: Quota; log: Log }): void {
  const door = {
    access: 'chat.use',
    openInput: true,
    onError: (error: unknown, at: { request: FastifyRequest; reply: FastifyReply }) =>
      sendOpenAiError(error, { ...at, log }),
  } as const

  router.route({
    ...door,
    method: 'GET',
    path: '/v1/models',
    summary: 'The models that the caller may use',
    response: ModelList,
    async handler({ actor }) {
      const [chat, embedding] = await Promise.all([
        ai.modelsFor(actor.user_id, 'chat'),
        ai.modelsFor(actor.user_id, 'embedding'),
      ])
      const data = [...chat, ...embedding].map(({ id, provider }) => ({
        id,
        object: 'model' as const,
        created: 0,
        owned_by: provider,
      }))
      return { object: 'list' as const, data }
    },
  })

  router.route({
    ...door,
    method: 'POST',
    path: '/v1/chat/completions',
    rate: 'ai',
    bodyLimit,
    summary: 'An answer, streamed or whole',
    body: CompletionRequest,
    raw: true,
    async handler({ actor, body, signal, reply }) {
      const answer = await ai.openaiChat({ user_id: actor.user_id, feature, body, signal })
      // A stream does not wait for the query behind them: its first token is what people wait for.
      const headers = body.stream ? {} : await quota.headers(actor)
      // Leaving destroys the body, which cancels the call at the provider and books what came.
      return body.stream
        ? sendStream(reply, answer.headers, answer.body)
        : reply.headers(answer.headers).headers(headers).send(answer.body)
    },
  })

  router.route({
    ...door,
    method: 'POST',
    path: '/v1/embeddings',
    rate: 'ai',
    bodyLimit,
    summary: 'Texts as vectors',
    body: EmbeddingRequest,
    raw: true,
    async handler({ actor, body, signal, reply }) {
      const input = typeof body.input === 'string' ? [body.input] : body.input
      const { model, dimensions } = body
      const result = await ai.embeddings({
        user_id: actor.user_id,
        feature,
        model,
        input,
        dimensions,
        signal,
      })
      const encode = body.encoding_format === 'base64' ? base64Of : (vector: number[]) => vector
      return reply.send({
        object: 'list',
        model: result.model,
        data: result.vectors.map((vector, index) => ({
          object: 'embedding',
          index,
          embedding: encode(vector),
        })),
        usage: { prompt_tokens: result.usage.prompt_tokens, total_tokens: result.usage.prompt_tokens },
      })
    },
  })
}

/** Little-endian 32-bit floats, as the official SDKs ask for by default. */
function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
