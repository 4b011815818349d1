import type { Generated, Selectable } from 'kysely'

/** One key of a provider as it is stored: the value encrypted, its end in clear for people to recognise. */
export type StoredKey = { id: string; secret: string; last_four: string; weight: number }

export type Capabilities = { vision: boolean; tools: boolean; reasoning: boolean; json: boolean }

export type AiTables = {
  ai_provider: {
    id: string
    /** The id of a preset: `moonshot`, `anthropic`, `openai_compatible` … */
    kind: string
    name: string
    base_url: string
    keys: StoredKey[]
    is_enabled: boolean
    created_at: Generated<string>
    updated_at: Generated<string>
  }
  ai_model: {
    id: string
    provider_id: string
    upstream_model: string
    name: string
    kind: 'chat' | 'embedding'
    context_window: number
    max_output: number
    /** Hundredths of `currency` (fen, cents) per million tokens; null: not known. */
    input_price: number | null
    output_price: number | null
    /** Of prompt tokens that the provider had cached; null: as `input_price`. */
    cached_price: number | null
    currency: string
    capabilities: Capabilities
    /** `everyone`, or names of roles and plans (`vip`). Administrators may always. */
    audience: string[]
    /** Ids of models that stand in when this one's provider fails, in this order. */
    fallbacks: string[]
    is_enabled: boolean
    is_default: boolean
    created_at: Generated<string>
    updated_at: Generated<string>
  }
  ai_setting: {
    name: string
    value: unknown
    updated_by: string | null
    updated_at: Generated<string>
  }
}

export type ProviderRow = Selectable<AiTables['ai_provider']>
export type ModelRow = Selectable<AiTables['ai_model']>
