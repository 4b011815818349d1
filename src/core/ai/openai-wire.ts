import type { ChatMessage, Delta, FinishReason, Target, UpstreamRequest, Usage } from './types.ts'
import { failureOfEvent, UpstreamFailure } from './upstream-failure.ts'

type Json = Record<string, unknown>

/**
 * What both wire formats offer a reader of a stream: `read` takes one event, `end` what is known at the end. A stream
 * that ends while `finished` is false was cut.
 */
export type WireReader = {
  read(data: string, event: string): Delta[]
  /** The usage, once, if the provider sent any. */
  usage(): Usage | null
  readonly finished: boolean
}

const openaiHost = /(^|\.)openai\.(com|azure\.com)$/

/** The body of a streamed chat completion. */
export function openaiBody(target: Target, request: UpstreamRequest): Json {
  const { max_tokens, messages, ...rest } = request
  return forTarget(target, {
    ...rest,
    messages,
    ...(max_tokens === undefined ? {} : { max_tokens }),
    stream: true,
    stream_options: { include_usage: true },
  })
}

/**
 * A chat completion body as this target wants it: its name of the model, and the differences between providers that
 * are known. OpenAI's newer models take only `max_completion_tokens` and the role `developer`; most others know
 * neither. `reasoning_content` goes back only where it is asked for, and is a 400 elsewhere.
 */
export function forTarget(target: Target, body: Json): Json {
  const host = new URL(target.base_url).hostname
  const isOpenai = openaiHost.test(host)
  const { max_tokens, max_completion_tokens, ...rest } = body
  const limit = max_completion_tokens ?? max_tokens
  const messages = Array.isArray(rest.messages)
    ? rest.messages.map(message => messageFor(target, message, isOpenai))
    : rest.messages
  return {
    ...(hasFixedSampling(host, target.upstream_model) ? withoutSampling(rest) : rest),
    model: target.upstream_model,
    messages,
    ...(limit === undefined || limit === null
      ? {}
      : { [isOpenai ? 'max_completion_tokens' : 'max_tokens']: limit }),
  }
}

/** Reasoning models of OpenAI and Kimi answer 400 to any temperature but their own. */
const hasFixedSampling = (host: string, model: string): boolean =>
  openaiHost.test(host)
    ? /^(?:o\d|gpt-[5-9])/.test(model)
    : /(^|\.)moonshot\.(cn|ai)$/.test(host) && model.startsWith('kimi-')

function withoutSampling(body: Json): Json {
  const { temperature: _t, top_p: _p, presence_penalty: _pp, frequency_penalty: _fp, ...rest } = body
  return rest
}

function messageFor(target: Target, message: unknown, isOpenai: boolean): unknown {
  if (!isRecord(message)) return message
  if (message.role === 'developer' && !isOpenai) return { ...message, role: 'system' }
  if (message.role !== 'assistant') return message
  const { reasoning_content, ...rest } = message
  if (!target.echo_reasoning) return rest
  // Kimi and DeepSeek refuse an assistant message with tool calls that lacks the field, even when nothing was thought.
  if (typeof reasoning_content === 'string') return { ...rest, reasoning_content }
  return Array.isArray(message.tool_calls) ? { ...rest, reasoning_content: '' } : rest
}

/** Reads the events of a streamed chat completion. Throws UpstreamFailure for an error event, SyntaxError for junk. */
export function openaiReader(): WireReader {
  let usage: Usage | null = null
  let finished = false
  let hasFinish = false
  return {
    read(data) {
      if (data === '[DONE]') {
        finished = true
        if (hasFinish) return []
        hasFinish = true
        return [{ type: 'finish', reason: 'stop' }]
      }
      const chunk: unknown = JSON.parse(data)
      if (!isRecord(chunk)) throw new UpstreamFailure('malformed', 'an event is not an object')
      if (chunk.error !== undefined && chunk.error !== null) throw failureOfEvent(chunk.error)
      const choice = firstChoice(chunk)
      usage = usageOf(chunk.usage) ?? usageOf(choice?.usage) ?? usage
      if (!choice) return []
      const deltas = deltasOf(isRecord(choice.delta) ? choice.delta : {})
      const reason = finishReasonOf(choice.finish_reason)
      if (reason && !hasFinish) {
        finished = true
        hasFinish = true
        deltas.push({ type: 'finish', reason })
      }
      return deltas
    },
    usage: () => usage,
    get finished() {
      return finished
    },
  }
}

/** The deltas of a chat completion that was answered in one piece. */
export function openaiCompletion(body: unknown): { deltas: Delta[]; usage: Usage | null } {
  if (!isRecord(body)) throw new UpstreamFailure('malformed', 'the answer is not an object')
  if (body.error !== undefined && body.error !== null) throw failureOfEvent(body.error)
  const choice = firstChoice(body)
  if (!choice || !isRecord(choice.message)) throw new UpstreamFailure('malformed', 'the answer has no choice')
  return {
    deltas: [
      ...deltasOf(choice.message),
      { type: 'finish', reason: finishReasonOf(choice.finish_reason) ?? 'stop' },
    ],
    usage: usageOf(body.usage) ?? usageOf(choice.usage),
  }
}

function firstChoice(body: Json): Json | null {
  const choice: unknown = Array.isArray(body.choices) ? body.choices[0] : null
  return isRecord(choice) ? choice : null
}

function deltasOf(delta: Json): Delta[] {
  const deltas: Delta[] = []
  // DeepSeek, Kimi, Qwen and GLM say `reasoning_content`; vLLM, Ollama and OpenRouter say `reasoning`.
  const reasoning = delta.reasoning_content ?? delta.reasoning
  if (typeof reasoning === 'string' && reasoning !== '') deltas.push({ type: 'reasoning', text: reasoning })
  if (typeof delta.content === 'string' && delta.content !== '')
    deltas.push({ type: 'text', text: delta.content })
  if (!Array.isArray(delta.tool_calls)) return deltas
  for (const [position, call] of delta.tool_calls.entries()) {
    if (!isRecord(call)) continue
    const fn = isRecord(call.function) ? call.function : {}
    deltas.push({
      type: 'tool_call',
      index: typeof call.index === 'number' ? call.index : position,
      ...(typeof call.id === 'string' && call.id !== '' ? { id: call.id } : {}),
      ...(typeof fn.name === 'string' && fn.name !== '' ? { name: fn.name } : {}),
      ...(typeof fn.arguments === 'string' ? { arguments: fn.arguments } : {}),
    })
  }
  return deltas
}

/** Throws for DeepSeek's `insufficient_system_resource`, which says that the answer was broken off. */
export function finishReasonOf(value: unknown): FinishReason | null {
  switch (value) {
    case 'stop':
    case 'length':
    case 'tool_calls':
    case 'content_filter':
      return value
    case 'function_call':
      return 'tool_calls'
    case 'sensitive':
      return 'content_filter'
    case 'insufficient_system_resource':
    case 'network_error':
      throw new UpstreamFailure('server', value)
    default:
      return typeof value === 'string' && value !== '' ? 'stop' : null
  }
}

/** Reads a usage object; null unless both counts are there, so that an absent usage is never taken for zero. */
export function usageOf(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const { prompt_tokens, completion_tokens, prompt_tokens_details, cached_tokens, prompt_cache_hit_tokens } =
    value
  if (!isCount(prompt_tokens) || !isCount(completion_tokens)) return null
  const details = isRecord(prompt_tokens_details) ? prompt_tokens_details.cached_tokens : undefined
  // OpenAI and most others, Kimi, DeepSeek.
  const cached = [details, cached_tokens, prompt_cache_hit_tokens].find(isCount)
  return {
    prompt_tokens,
    completion_tokens,
    ...(cached === undefined ? {} : { cached_tokens: Math.min(cached, prompt_tokens) }),
    source: 'upstream',
  }
}

/** The text of a message's content, its text parts joined; images are left out. */
export function textOf(content: ChatMessage['content']): string {
  if (content === null) return ''
  if (typeof content === 'string') return content
  return content.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('\n')
}

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
