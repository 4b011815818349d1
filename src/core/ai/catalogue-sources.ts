import type { Settings } from '#core/config.ts'
import type { Log } from '#core/log.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { ModelInfo } from './catalogue.ts'
import { offlineModel, type PresetModel, type ProviderPreset, providerPresets } from './provider-presets.ts'
import type { aiSettings } from './settings.ts'
import type { Capabilities, ModelRow, ProviderRow } from './tables.ts'
import type { ProviderKey, Target, Timeouts } from './types.ts'

/** Where a provider or model is known from: the environment or an administrator. */
export type Source = 'env' | 'admin'

/** A provider that is set up, keys in clear: never leaves the core. */
export type Provider = {
  id: string
  name: string
  preset: ProviderPreset
  base_url: string
  keys: readonly ProviderKey[]
  source: Source
  is_enabled: boolean
  /** It was not asked for: its address is only looked at to see whether something is there. */
  is_guess: boolean
}

type AiSettings = Settings<typeof aiSettings>

export const presetOf = (kind: string): ProviderPreset | undefined =>
  providerPresets.find(preset => preset.id === kind)

/** A preset with a known address and a key is a service on the internet; the others are servers of one's own. */
export const isPaidService = (preset: ProviderPreset): boolean =>
  preset.key_env !== null && preset.base_url !== null

/** Providers whose key, or address, stands in the environment. */
export function providersOfEnv(settings: AiSettings): Provider[] {
  const values: Record<string, unknown> = settings
  const textOf = (name: string | null) => (name === null ? '' : String(values[name] ?? ''))
  return providerPresets.flatMap(preset => {
    const keys = keysOf(textOf(preset.key_env))
    const url = textOf(preset.url_env)
    const isWanted = isPaidService(preset) ? keys.length > 0 : url !== '' && url !== 'off'
    if (!isWanted) return []
    return {
      id: preset.id,
      name: preset.name,
      preset,
      base_url: baseUrlOf(preset, url),
      keys,
      source: 'env' as const,
      is_enabled: true,
      is_guess: preset.id === 'ollama',
    }
  })
}

const keysOf = (text: string): ProviderKey[] =>
  text
    .split(',')
    .map(value => value.trim())
    .filter(value => value !== '')
    .map((value, i) => ({ id: `env-${i + 1}`, value, weight: 1 }))

/** Without a slash at the end; Ollama's usual address gets the path of its OpenAI door. */
export function baseUrlOf(preset: ProviderPreset, url: string): string {
  const base = (url || preset.base_url || '').replace(/\/+$/, '')
  if (preset.id !== 'ollama' || !URL.canParse(base)) return base
  return new URL(base).pathname === '/' ? `${base}/v1` : base
}

export const keyContext = (provider_id: string, key_id: string) => `ai_provider/${provider_id}/${key_id}`

/** Providers that administrators set up. A key that can no longer be decrypted is left out, and logged. */
export function providersOfRows(rows: readonly ProviderRow[], secrets: Secrets, log: Log): Provider[] {
  return rows.flatMap(row => {
    const preset = presetOf(row.kind)
    if (!preset) return []
    const keys = row.keys.flatMap(({ id, secret, weight }) => {
      try {
        return { id, value: secrets.decrypt(secret, keyContext(row.id, id)), weight }
      } catch (error) {
        log.error(
          { error, provider: row.id, key_id: id },
          'a provider’s key cannot be decrypted; enter it again',
        )
        return []
      }
    })
    const lostAll = row.keys.length > 0 && keys.length === 0
    return {
      id: row.id,
      name: row.name,
      preset,
      base_url: row.base_url,
      keys,
      source: 'admin' as const,
      is_enabled: row.is_enabled && !lostAll,
      is_guess: false,
    }
  })
}

export const targetOf = (
  provider: Provider,
  upstream_model: string,
  timeouts: Partial<Timeouts>,
): Target => ({
  provider_id: provider.id,
  provider_kind: provider.preset.kind,
  base_url: provider.base_url,
  keys: provider.keys,
  upstream_model,
  echo_reasoning: provider.preset.echo_reasoning,
  timeouts,
  weight: 1,
})

const usualWindow = 32_768
const usualOutput = 16_384

/** A provider's own models, as its preset or the server itself lists them. */
export function modelsOfProvider(provider: Provider, discovered: readonly string[]): ModelInfo[] {
  const { preset } = provider
  if (preset.models.length > 0)
    return preset.models.map(model => presetModel(model, provider, preset.currency))
  // What runs without a key is the operator's own machine.
  const price = provider.keys.length === 0 ? 0 : null
  return discovered.map(id => ({
    ...describe(provider),
    id,
    upstream_model: id,
    name: id,
    kind: /embed|bge-|gte-|e5-/i.test(id) ? ('embedding' as const) : ('chat' as const),
    context_window: usualWindow,
    max_output: usualOutput,
    input_price: price,
    output_price: price,
    cached_price: null,
    currency: preset.currency,
    capabilities: { vision: false, tools: true, reasoning: false, json: true },
  }))
}

function presetModel(model: PresetModel, provider: Provider, currency: string): ModelInfo {
  return {
    ...describe(provider),
    id: model.upstream_model,
    upstream_model: model.upstream_model,
    name: model.name,
    kind: model.kind,
    context_window: model.context_window,
    max_output: Math.min(model.max_output ?? usualOutput, model.context_window),
    input_price: model.prices?.input ?? null,
    output_price: model.prices?.output ?? null,
    cached_price: model.prices?.cached ?? null,
    currency,
    capabilities: { ...noCapabilities, ...model.capabilities },
  }
}

const describe = (provider: Provider) => ({
  provider_id: provider.id,
  provider: provider.name,
  audience: ['everyone'],
  fallbacks: [],
  is_enabled: true,
  is_default: false,
  source: 'env' as const,
  is_self_hosted: provider.keys.length === 0,
})

export const noCapabilities: Capabilities = { vision: false, tools: false, reasoning: false, json: false }

/** A model that an administrator added, or changed. */
export function modelOfRow(
  { created_at: _, updated_at: __, ...row }: ModelRow,
  provider: Provider,
): ModelInfo {
  return {
    ...row,
    capabilities: { ...noCapabilities, ...row.capabilities },
    provider: provider.name,
    source: 'admin',
    is_self_hosted: provider.keys.length === 0,
  }
}

const offlineProvider: ProviderPreset = {
  id: 'offline',
  name: 'Offline',
  kind: 'openai',
  key_env: null,
  url_env: '',
  base_url: null,
  currency: 'CNY',
  echo_reasoning: false,
  models: [],
}

/** What answers when there is nothing else. */
export const offline: { model: ModelInfo; target: Target } = {
  model: presetModel(
    offlineModel,
    {
      id: 'offline',
      name: 'Offline',
      preset: offlineProvider,
      base_url: '',
      keys: [],
      source: 'env',
      is_enabled: true,
      is_guess: false,
    },
    'CNY',
  ),
  target: {
    provider_id: 'offline',
    provider_kind: 'offline',
    base_url: '',
    keys: [],
    upstream_model: 'offline',
    echo_reasoning: false,
    weight: 1,
  },
}
