import { z } from 'zod'
import { invalidInput } from '#core/errors.ts'
import { zodIssues } from '#core/http/zod-issues.ts'
import { newId } from '#core/ids.ts'
import type {
  ContentPart,
  Delta,
  FinishReason,
  ProviderKind,
  ToolCall,
  UpstreamRequest,
  Usage,
} from './types.ts'
import { UpstreamFailure } from './upstream-failure.ts'

/*
 * Between OpenAI's wire format and deltas, for providers that speak something else. Fields that no other provider
 * knows (`store`, `metadata`, `logprobs` …) are left out.
 */

const contentPart = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({
    type: z.literal('image_url'),
    image_url: z.object({
      url: z.string(),
      detail: z.enum(['auto', 'low', 'high']).optional().catch(undefined),
    }),
  }),
])
const content: z.ZodType<string | ContentPart[]> = z.union([z.string(), z.array(contentPart)])
const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
})
const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer', 'user']), content }),
  z.object({
    role: z.literal('assistant'),
    content: content.nullable().default(null),
    reasoning_content: z.string().nullish(),
    tool_calls: z
      .array(toolCall)
      .nullish()
      .transform(calls => calls ?? undefined),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content }),
])
const optional = <T>(schema: z.ZodType<T>) => schema.nullish().transform(value => value ?? undefined)
const schemaObject = z.record(z.string(), z.unknown())
const completionBody = z.object({
  messages: z.array(message).min(1),
  tools: optional(
    z.array(
      z.object({
        type: z.literal('function'),
        function: z.object({
          name: z.string(),
          description: z.string().optional(),
          parameters: schemaObject.optional(),
          strict: z.boolean().nullish(),
        }),
      }),
    ),
  ),
  tool_choice: optional(
    z.union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ]),
  ),
  parallel_tool_calls: optional(z.boolean()),
  response_format: optional(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({ name: z.string(), schema: schemaObject, strict: z.boolean().nullish() }),
      }),
    ]),
  ),
  temperature: optional(z.number()),
  top_p: optional(z.number()),
  max_tokens: optional(z.int()),
  max_completion_tokens: optional(z.int()),
  stop: optional(z.union([z.string(), z.array(z.string())])),
  reasoning_effort: z.enum(['minimal', 'low', 'medium', 'high']).optional().catch(undefined),
})

/** Reads the body of a chat completion. Throws UpstreamFailure `request` for what cannot be translated. */
export function requestOf(body: Record<string, unknown>): UpstreamRequest {
  const parsed = completionBody.safeParse(body)
  if (!parsed.success) {
    const cause = invalidInput({}, { issues: zodIssues(parsed.error, body, '/body') })
    throw new UpstreamFailure('request', cause.message, { cause })
  }
  const { max_completion_tokens, ...request } = parsed.data
  return { ...request, max_tokens: max_completion_tokens ?? request.max_tokens }
}

export const wantsUsage = (body: Record<string, unknown>): boolean => {
  const options: unknown = body.stream_options
  return (
    typeof options === 'object' &&
    options !== null &&
    'include_usage' in options &&
    options.include_usage === true
  )
}

/** `engine` marks what no model wrote. */
const engineOf = (kind: ProviderKind) => (kind === 'offline' ? { engine: 'offline' } : {})

/** Writes deltas as the events of a streamed chat completion. */
export function chunkWriter(options: { model: string; kind: ProviderKind; includeUsage: boolean }) {
  const head = {
    id: `chatcmpl-${newId()}`,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    ...engineOf(options.kind),
  }
  let isFirst = true
  const event = (rest: object) => Buffer.from(`data: ${JSON.stringify({ ...head, ...rest })}\n\n`)
  const chunk = (delta: object, finish_reason: FinishReason | null = null) => {
    const role = isFirst ? { role: 'assistant' } : {}
    isFirst = false
    return event({ choices: [{ index: 0, delta: { ...role, ...delta }, finish_reason }] })
  }
  return {
    write(delta: Delta): Buffer | null {
      switch (delta.type) {
        case 'text':
          return chunk({ content: delta.text })
        case 'reasoning':
          return chunk({ reasoning_content: delta.text })
        case 'tool_call': {
          const { index, id, name, arguments: args } = delta
          const fn = {
            ...(name === undefined ? {} : { name }),
            ...(args === undefined ? {} : { arguments: args }),
          }
          return chunk({
            tool_calls: [{ index, ...(id === undefined ? {} : { id, type: 'function' }), function: fn }],
          })
        }
        case 'finish':
          return chunk({}, delta.reason)
        case 'usage':
          return options.includeUsage ? event({ choices: [], usage: wireUsage(delta.usage) }) : null
      }
    },
    end: () => Buffer.from('data: [DONE]\n\n'),
  }
}

/** An answer put together from its deltas. */
export type Completion = {
  content: string
  reasoning: string
  tool_calls: ToolCall[]
  finish_reason: FinishReason
  usage: Usage | null
}

/** Collects deltas until they end. Throws what the source throws. */
export async function collect(deltas: AsyncIterable<Delta>): Promise<Completion> {
  const completion: Completion = {
    content: '',
    reasoning: '',
    tool_calls: [],
    finish_reason: 'stop',
    usage: null,
  }
  for await (const delta of deltas) addDelta(completion, delta)
  return completion
}

function addDelta(completion: Completion, delta: Delta): void {
  switch (delta.type) {
    case 'text':
      completion.content += delta.text
      break
    case 'reasoning':
      completion.reasoning += delta.text
      break
    case 'finish':
      completion.finish_reason = delta.reason
      break
    case 'usage':
      completion.usage = delta.usage
      break
    case 'tool_call': {
      // An index far ahead would make a sparse array of that length.
      const index = Math.min(delta.index, completion.tool_calls.length)
      const call = completion.tool_calls[index] ?? {
        id: '',
        type: 'function',
        function: { name: '', arguments: '' },
      }
      completion.tool_calls[index] = call
      call.id ||= delta.id ?? ''
      call.function.name ||= delta.name ?? ''
      call.function.arguments += delta.arguments ?? ''
    }
  }
}

/** A whole answer as a chat completion. */
export function completionBodyOf(
  completion: Completion,
  options: { model: string; kind: ProviderKind },
): object {
  const { content, reasoning, tool_calls, finish_reason, usage } = completion
  return {
    id: `chatcmpl-${newId()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    ...engineOf(options.kind),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && tool_calls.length > 0 ? null : content,
          ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
          ...(tool_calls.length > 0 ? { tool_calls } : {}),
        },
        finish_reason,
      },
    ],
    ...(usage ? { usage: wireUsage(usage) } : {}),
  }
}

const wireUsage = ({ prompt_tokens, completion_tokens, cached_tokens }: Usage) => ({
  prompt_tokens,
  completion_tokens,
  total_tokens: prompt_tokens + completion_tokens,
  ...(cached_tokens === undefined ? {} : { prompt_tokens_details: { cached_tokens } }),
})
