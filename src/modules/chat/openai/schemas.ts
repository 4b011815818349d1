import { z } from 'zod'

/*
 * OpenAI's chat completions as far as the door itself reads them. Keys that are not named here pass through to the
 * provider: the protocol grows faster than any list of it.
 */

const Content = z.union([
  z.string().max(4_000_000),
  z.array(z.looseObject({ type: z.string().max(50) })).max(500),
  z.null(),
])

const Message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: Content.optional(),
})

export const CompletionRequest = z.looseObject({
  model: z.string().max(200),
  messages: z.array(Message).min(1).max(5000),
  stream: z.boolean().nullable().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullable().optional() }).nullable().optional(),
  n: z.int().min(1).max(1).nullable().optional().describe('Only 1.'),
  max_tokens: z.int().min(1).nullable().optional(),
  max_completion_tokens: z.int().min(1).nullable().optional(),
})

export const EmbeddingRequest = z.looseObject({
  model: z.string().max(200),
  input: z.union([z.string().max(1_000_000), z.array(z.string().max(1_000_000)).min(1).max(2048)]),
  dimensions: z.int().min(1).max(65_536).optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
})

export const ModelList = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() }),
  ),
})
