import type { ProviderKind } from './types.ts'

/** Minor units of the preset's currency (fen, cents) per million tokens. */
export type PresetPrices = { input: number; cached: number | null; output: number }

export type PresetModel = {
  /** The provider's own name of it. */
  upstream_model: string
  name: string
  kind: 'chat' | 'embedding'
  /** Tokens. */
  context_window: number
  max_output: number | null
  /** null: not known for certain. An administrator fills it in; until then the cost counts as zero. */
  prices: PresetPrices | null
  capabilities: { vision?: boolean; tools?: boolean; reasoning?: boolean; json?: boolean }
}

/** A provider that Banyan knows by itself: its key in the environment is all it needs. */
export type ProviderPreset = {
  id: string
  name: string
  kind: Exclude<ProviderKind, 'offline'>
  /** Environment variable with the key; null where none is needed. */
  key_env: string | null
  /** Environment variable with another base URL. */
  url_env: string
  /** With the version path; null where only the operator knows it. */
  base_url: string | null
  currency: 'CNY' | 'USD'
  /**
   * Whether assistant messages go back with their `reasoning_content`. Kimi's and DeepSeek's thinking models answer
   * 400 to a history with tool calls that lacks it; others ignore or refuse it.
   */
  echo_reasoning: boolean
  /** The first is the default. Empty: whatever the server lists. */
  models: readonly PresetModel[]
}

const chat = (
  upstream_model: string,
  name: string,
  context_window: number,
  max_output: number | null,
  prices: PresetPrices | null,
  capabilities: PresetModel['capabilities'],
): PresetModel => ({ upstream_model, name, kind: 'chat', context_window, max_output, prices, capabilities })

const embedding = (upstream_model: string, context_window: number, input: number | null): PresetModel => ({
  upstream_model,
  name: upstream_model,
  kind: 'embedding',
  context_window,
  max_output: null,
  prices: input === null ? null : { input, cached: null, output: 0 },
  capabilities: {},
})

const all = { vision: true, tools: true, reasoning: true, json: true }
const textOnly = { tools: true, reasoning: true, json: true }
const million = 1_048_576

/**
 * List prices as the providers' own pages gave them in the autumn of 2026. Where they differ by time of day the
 * dearer counts (DeepSeek), where by prompt length that of shorter prompts (OpenAI to 272k, Claude Haiku to 100k).
 */
export const providerPresets: readonly ProviderPreset[] = [
  {
    id: 'moonshot',
    name: 'Moonshot (Kimi)',
    kind: 'openai',
    key_env: 'MOONSHOT_API_KEY',
    url_env: 'MOONSHOT_BASE_URL',
    base_url: 'https://api.moonshot.cn/v1',
    currency: 'CNY',
    echo_reasoning: true,
    models: [
      chat('kimi-k2.6', 'Kimi K2.6', 262_144, null, null, all),
      chat('kimi-k3', 'Kimi K3', million, 131_072, { input: 2000, cached: 200, output: 10_000 }, all),
      chat('moonshot-v1-128k', 'Moonshot V1 128K', 131_072, null, null, { tools: true, json: true }),
    ],
  },
  {
    id: 'deepseek',
    name: 'DeepSeek',
    kind: 'openai',
    key_env: 'DEEPSEEK_API_KEY',
    url_env: 'DEEPSEEK_BASE_URL',
    base_url: 'https://api.deepseek.com',
    currency: 'CNY',
    echo_reasoning: true,
    models: [
      chat('deepseek-flash', 'DeepSeek Flash', million, 393_216, { input: 200, cached: 4, output: 800 }, all),
      chat(
        'deepseek-v4-pro',
        'DeepSeek V4 Pro',
        million,
        393_216,
        { input: 900, cached: 30, output: 2700 },
        textOnly,
      ),
    ],
  },
  {
    id: 'dashscope',
    name: '阿里云百炼 (Qwen)',
    kind: 'openai',
    key_env: 'DASHSCOPE_API_KEY',
    url_env: 'DASHSCOPE_BASE_URL',
    base_url: 'https://dashscope.aliyuncs.com/compatible-mode/v1',
    currency: 'CNY',
    echo_reasoning: false,
    models: [
      chat('qwen-plus', 'Qwen Plus', 1_000_000, 32_768, null, textOnly),
      chat('qwen3.6-plus', 'Qwen 3.6 Plus', 1_000_000, null, null, all),
      chat('qwen-turbo', 'Qwen Turbo', 1_000_000, null, null, { tools: true, json: true }),
      embedding('text-embedding-v3', 8192, null),
    ],
  },
  {
    id: 'zhipu',
    name: '智谱 (GLM)',
    kind: 'openai',
    key_env: 'ZHIPU_API_KEY',
    url_env: 'ZHIPU_BASE_URL',
    base_url: 'https://open.bigmodel.cn/api/paas/v4',
    currency: 'CNY',
    echo_reasoning: false,
    models: [
      chat('glm-5.2', 'GLM-5.2', million, 131_072, null, textOnly),
      chat('glm-4.6', 'GLM-4.6', 204_800, null, null, textOnly),
    ],
  },
  {
    id: 'openai',
    name: 'OpenAI',
    kind: 'openai',
    key_env: 'OPENAI_API_KEY',
    url_env: 'OPENAI_BASE_URL',
    base_url: 'https://api.openai.com/v1',
    currency: 'USD',
    echo_reasoning: false,
    models: [
      chat(
        'gpt-5.6-terra',
        'GPT-5.6 Terra',
        1_000_000,
        128_000,
        { input: 200, cached: 20, output: 1200 },
        all,
      ),
      chat('gpt-5.6-luna', 'GPT-5.6 Luna', 400_000, 128_000, { input: 20, cached: 2, output: 120 }, all),
      chat('gpt-5.6-sol', 'GPT-5.6 Sol', 1_050_000, 128_000, null, all),
      embedding('text-embedding-3-small', 8191, 2),
      embedding('text-embedding-3-large', 8191, 13),
    ],
  },
  {
    id: 'anthropic',
    name: 'Anthropic (Claude)',
    kind: 'anthropic',
    key_env: 'ANTHROPIC_API_KEY',
    url_env: 'ANTHROPIC_BASE_URL',
    base_url: 'https://api.anthropic.com/v1',
    currency: 'USD',
    echo_reasoning: false,
    models: [
      chat('claude-sonnet-5-5', 'Claude Sonnet 5.5', 1_000_000, 128_000, withCheapCache(200, 1000), all),
      chat('claude-opus-5-5', 'Claude Opus 5.5', 1_000_000, 128_000, withCheapCache(400, 2000), all),
      chat('claude-haiku-5-5', 'Claude Haiku 5.5', 1_000_000, 128_000, withCheapCache(10, 50), all),
    ],
  },
  {
    id: 'ollama',
    name: 'Ollama',
    kind: 'openai',
    key_env: null,
    url_env: 'OLLAMA_URL',
    base_url: 'http://127.0.0.1:11434/v1',
    currency: 'CNY',
    echo_reasoning: false,
    models: [],
  },
  {
    id: 'openai-compatible',
    name: 'OpenAI-compatible (vLLM, LM Studio …)',
    kind: 'openai',
    key_env: 'OPENAI_COMPATIBLE_API_KEY',
    url_env: 'OPENAI_COMPATIBLE_URL',
    base_url: null,
    currency: 'CNY',
    echo_reasoning: false,
    models: [],
  },
]

/** Anthropic reads its cache at a tenth of the input price. */
function withCheapCache(input: number, output: number): PresetPrices {
  return { input, cached: input / 10, output }
}

/** The model that every installation has, so that something honest answers without any provider. */
export const offlineModel: PresetModel = {
  upstream_model: 'offline',
  name: 'Offline',
  kind: 'chat',
  context_window: 20_000,
  max_output: null,
  prices: { input: 0, cached: 0, output: 0 },
  capabilities: {},
}
