/** A text in a message. */
export type TextPart = { type: 'text'; text: string }

/** An image in a message: an `https:` address or a `data:` URL with base64. */
export type ImagePart = { type: 'image_url'; image_url: { url: string; detail?: 'auto' | 'low' | 'high' } }

export type ContentPart = TextPart | ImagePart

/** A call that the model asks for. `arguments` is JSON text, as the model wrote it. */
export type ToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } }

/** One message, in the shape of OpenAI's chat completions. */
export type ChatMessage =
  | { role: 'system' | 'developer' | 'user'; content: string | ContentPart[]; name?: string }
  | {
      role: 'assistant'
      content: string | ContentPart[] | null
      /** What the model thought. Sent back only to providers that need it (`Target.echo_reasoning`). */
      reasoning_content?: string | null
      tool_calls?: ToolCall[]
    }
  | { role: 'tool'; tool_call_id: string; content: string | ContentPart[] }

export type ToolDefinition = {
  type: 'function'
  function: { name: string; description?: string; parameters?: object; strict?: boolean | null }
}

export type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } }

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; json_schema: { name: string; schema: object; strict?: boolean | null } }

/** What is asked of a model, whoever serves it. `ChatRequest` of `ai.ts` adds who asks and which model. */
export type UpstreamRequest = {
  messages: readonly ChatMessage[]
  tools?: readonly ToolDefinition[]
  tool_choice?: ToolChoice
  parallel_tool_calls?: boolean
  response_format?: ResponseFormat
  temperature?: number
  top_p?: number
  /** Upper bound of the answer in tokens, reasoning included. */
  max_tokens?: number
  stop?: string | string[]
  seed?: number
  presence_penalty?: number
  frequency_penalty?: number
  reasoning_effort?: 'minimal' | 'low' | 'medium' | 'high'
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** Tokens of one call. `source` says who counted: the provider, our estimate, or an estimate of a cut stream. */
export type Usage = {
  prompt_tokens: number
  /** Reasoning included. */
  completion_tokens: number
  /** The part of `prompt_tokens` that the provider had cached. */
  cached_tokens?: number
  source: 'upstream' | 'estimated' | 'partial'
}

/**
 * One step of an answer. `usage` comes at most once and only if the provider counted (its zero is a real zero);
 * `finish` comes once in a whole answer, before `usage` or after it.
 */
export type Delta =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool_call'; index: number; id?: string; name?: string; arguments?: string }
  | { type: 'finish'; reason: FinishReason }
  | { type: 'usage'; usage: Usage }

/** One key of a provider's pool. A key of weight 2 is tried first twice as often as one of weight 1. */
export type ProviderKey = { id: string; value: string; weight: number }

export type ProviderKind = 'openai' | 'anthropic' | 'offline'

/** Milliseconds. */
export type Timeouts = {
  /** From the call to the first delta: connecting, headers and the model's thinking time. */
  first_token_ms: number
  /** Between two chunks of a running answer. */
  idle_ms: number
  /** A whole answer that does not stream. */
  total_ms: number
}

/** One place that can serve a request: a provider, its keys and the model's name there. */
export type Target = {
  provider_id: string
  provider_kind: ProviderKind
  /** With the version path (`https://api.openai.com/v1`), without a slash at the end. '' for `offline`. */
  base_url: string
  /** Empty for providers that take none (Ollama, vLLM): then no key is sent. */
  keys: readonly ProviderKey[]
  upstream_model: string
  echo_reasoning: boolean
  timeouts?: Partial<Timeouts>
  /** Targets of lower priority numbers are tried first; equal numbers form a group. Default 0. */
  priority?: number
  /** Share of the first tries inside its group. */
  weight: number
}

export type Embeddings = { vectors: number[][]; usage: Usage | null }

/** What the tap of a pass-through saw of an answer: enough to settle a call without parsing each chunk. */
export type PassThroughEnd = {
  /** Who served it in the end. */
  provider_id: string
  upstream_model: string
  /** null: the provider did not count. Zero is a counted zero. */
  usage: Usage | null
  finish_reason: FinishReason | null
  /**
   * Characters of text, reasoning and tool arguments that went by, for an estimate where `usage` is null.
   * `narrow` are ASCII (about 4 a token), `wide` are all others (about 1 a token in Chinese).
   */
  characters: { narrow: number; wide: number }
  /** From the call to the first delta; null when none came. */
  first_token_ms: number | null
  /** `done`: whole. `cut`: the provider failed on the way. `aborted`: the caller or the client went away. */
  ended: 'done' | 'cut' | 'aborted'
}
