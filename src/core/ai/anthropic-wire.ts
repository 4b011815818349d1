import { isCount, isRecord, textOf, type WireReader } from './openai-wire.ts'
import type {
  ChatMessage,
  ContentPart,
  Delta,
  FinishReason,
  Target,
  ToolChoice,
  UpstreamRequest,
  Usage,
} from './types.ts'
import { failureOfEvent, UpstreamFailure } from './upstream-failure.ts'

type Json = Record<string, unknown>
type Block = Json & { type: string }
type Turn = { role: 'user' | 'assistant'; content: Block[] }

/** Anthropic demands a limit. What the request does not say, this says; old models cap it themselves with a 400. */
const defaultMaxTokens = 8192
const thinkingBudgets = { minimal: 1024, low: 2048, medium: 8192, high: 16_384 }

/**
 * The body of a streamed message (https://platform.claude.com/docs/en/api/messages). System and developer messages
 * become the system text; runs of one role become one turn, since roles must alternate. `seed`, penalties and
 * `parallel_tool_calls: true` have no counterpart and are left out. JSON output is asked for in words.
 */
export function anthropicBody(target: Target, request: UpstreamRequest): Json {
  const system = request.messages
    .filter(message => message.role === 'system' || message.role === 'developer')
    .map(message => textOf(message.content))
  const format = formatInWords(request.response_format)
  if (format) system.push(format)
  const version = versionOf(target.upstream_model)
  const maxTokens = request.max_tokens ?? defaultMaxTokens
  const toolChoice = toolChoiceOf(request.tool_choice, request.parallel_tool_calls)
  return {
    model: target.upstream_model,
    max_tokens: maxTokens,
    messages: turnsOf(request.messages),
    stream: true,
    ...(system.length > 0 ? { system: system.join('\n\n') } : {}),
    ...(request.tools?.length
      ? {
          tools: request.tools.map(({ function: fn }) => ({
            name: fn.name,
            ...(fn.description === undefined ? {} : { description: fn.description }),
            input_schema: fn.parameters ?? { type: 'object', properties: {} },
          })),
          ...(toolChoice ? { tool_choice: toolChoice } : {}),
        }
      : {}),
    ...(request.stop === undefined ? {} : { stop_sequences: [request.stop].flat() }),
    ...sampling(request, version),
    ...thinking(request, version, maxTokens),
  }
}

/** `claude-opus-4-6` → 406, `claude-3-5-haiku-20241022` → 305; NaN when the name has none. */
function versionOf(model: string): number {
  const [major, minor] = model.split('-').filter(part => /^\d{1,2}$/.test(part))
  return major === undefined ? Number.NaN : Number(major) * 100 + Number(minor ?? 0)
}

/** From 4.7 on any sampling parameter is a 400. */
function sampling({ temperature, top_p }: UpstreamRequest, version: number): Json {
  if (version >= 407) return {}
  // Anthropic's range ends at 1 where OpenAI's ends at 2, and it takes one of the two.
  if (temperature !== undefined) return { temperature: Math.min(1, temperature) }
  return top_p === undefined ? {} : { top_p }
}

/**
 * Models from 4.6 on think adaptively and refuse a token budget; those before know only the budget, and then insist
 * on signed thinking in earlier tool turns, which this gateway does not keep: so no thinking there.
 */
function thinking({ reasoning_effort, messages }: UpstreamRequest, version: number, maxTokens: number): Json {
  if (!reasoning_effort) return {}
  if (version >= 406)
    return {
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: reasoning_effort === 'minimal' ? 'low' : reasoning_effort },
    }
  if (!(version >= 307) || messages.some(message => message.role === 'tool')) return {}
  const budget = Math.min(thinkingBudgets[reasoning_effort], maxTokens - 1)
  // Thinking rules out other temperatures than 1.
  return budget < 1024 ? {} : { thinking: { type: 'enabled', budget_tokens: budget }, temperature: 1 }
}

function formatInWords(format: UpstreamRequest['response_format']): string | null {
  if (!format || format.type === 'text') return null
  if (format.type === 'json_object') return 'Answer with one JSON object and nothing else.'
  const schema = JSON.stringify(format.json_schema.schema)
  return `Answer with one JSON value that follows this JSON Schema, and nothing else:\n${schema}`
}

function toolChoiceOf(choice: ToolChoice | undefined, parallel: boolean | undefined): Json | null {
  const one = parallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === 'none') return { type: 'none' }
  if (choice === 'required') return { type: 'any', ...one }
  if (typeof choice === 'object') return { type: 'tool', name: choice.function.name, ...one }
  return choice === 'auto' || parallel === false ? { type: 'auto', ...one } : null
}

function turnsOf(messages: readonly ChatMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = blocksOf(message)
    if (content.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else turns.push({ role, content })
  }
  return turns
}

function blocksOf(message: ChatMessage): Block[] {
  switch (message.role) {
    case 'system':
    case 'developer':
      return []
    case 'user':
      return contentBlocks(message.content)
    case 'tool':
      return [
        { type: 'tool_result', tool_use_id: message.tool_call_id, content: contentBlocks(message.content) },
      ]
    case 'assistant':
      return [
        ...contentBlocks(message.content ?? ''),
        ...(message.tool_calls ?? []).map(call => ({
          type: 'tool_use',
          id: call.id,
          name: call.function.name,
          input: parseArguments(call.function.arguments),
        })),
      ]
  }
}

function contentBlocks(content: string | ContentPart[]): Block[] {
  const parts: ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return parts.flatMap((part): Block[] => {
    if (part.type === 'text') return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }]
    const { url } = part.image_url
    const inline = /^data:([\w.+/-]+);base64,(.*)$/s.exec(url)
    return [
      {
        type: 'image',
        source: inline ? { type: 'base64', media_type: inline[1], data: inline[2] } : { type: 'url', url },
      },
    ]
  })
}

function parseArguments(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text || '{}')
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

/** Reads the events of a streamed message. Throws UpstreamFailure for `error` events, SyntaxError for junk. */
export function anthropicReader(): WireReader {
  let counts: Json = {}
  let finished = false
  /** Content block index → tool call index: OpenAI counts tool calls only. */
  const toolIndexes = new Map<unknown, number>()

  const readBlockStart = (event: Json): Delta[] => {
    const block = isRecord(event.content_block) ? event.content_block : {}
    if (block.type === 'tool_use' && typeof block.id === 'string' && typeof block.name === 'string') {
      const index = toolIndexes.size
      toolIndexes.set(event.index, index)
      return [{ type: 'tool_call', index, id: block.id, name: block.name, arguments: '' }]
    }
    return block.type === 'text' && typeof block.text === 'string' && block.text !== ''
      ? [{ type: 'text', text: block.text }]
      : []
  }

  const readBlockDelta = (event: Json): Delta[] => {
    const delta = isRecord(event.delta) ? event.delta : {}
    if (delta.type === 'text_delta' && typeof delta.text === 'string')
      return [{ type: 'text', text: delta.text }]
    if (delta.type === 'thinking_delta' && typeof delta.thinking === 'string')
      return [{ type: 'reasoning', text: delta.thinking }]
    const index = toolIndexes.get(event.index)
    return delta.type === 'input_json_delta' && typeof delta.partial_json === 'string' && index !== undefined
      ? [{ type: 'tool_call', index, arguments: delta.partial_json }]
      : []
  }

  return {
    read(data) {
      const event: unknown = JSON.parse(data)
      if (!isRecord(event)) throw new UpstreamFailure('malformed', 'an event is not an object')
      switch (event.type) {
        case 'message_start':
          if (isRecord(event.message) && isRecord(event.message.usage)) counts = { ...event.message.usage }
          return []
        case 'content_block_start':
          return readBlockStart(event)
        case 'content_block_delta':
          return readBlockDelta(event)
        case 'message_delta': {
          // Counts here are totals, and replace those of the start.
          if (isRecord(event.usage)) counts = { ...counts, ...withoutNulls(event.usage) }
          const reason = isRecord(event.delta) ? stopReasonOf(event.delta.stop_reason) : null
          if (!reason) return []
          finished = true
          return [{ type: 'finish', reason }]
        }
        case 'error':
          throw failureOfEvent(event.error)
        default:
          // `ping`, `content_block_stop`, `message_stop`, and whatever comes to be: the API asks to ignore it.
          return []
      }
    },
    usage: () => anthropicUsage(counts),
    get finished() {
      return finished
    },
  }
}

const withoutNulls = (counts: Json): Json =>
  Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== null))

/** `input_tokens` leaves out what was read from or written to the cache; OpenAI's `prompt_tokens` does not. */
function anthropicUsage(counts: Json): Usage | null {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = counts
  if (!isCount(input_tokens) || !isCount(output_tokens)) return null
  const read = isCount(cache_read_input_tokens) ? cache_read_input_tokens : 0
  const written = isCount(cache_creation_input_tokens) ? cache_creation_input_tokens : 0
  return {
    prompt_tokens: input_tokens + read + written,
    completion_tokens: output_tokens,
    ...(read > 0 ? { cached_tokens: read } : {}),
    source: 'upstream',
  }
}

function stopReasonOf(value: unknown): FinishReason | null {
  switch (value) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length'
    case 'tool_use':
      return 'tool_calls'
    case 'refusal':
      return 'content_filter'
    default:
      // `end_turn`, `stop_sequence`, `pause_turn`
      return typeof value === 'string' ? 'stop' : null
  }
}
