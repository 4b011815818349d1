import { AppError } from '#core/errors.ts'
import type { Catalogue } from './catalogue.ts'
import { type Provider, presetOf, targetOf } from './catalogue-sources.ts'
import { upstreamTimeout } from './errors.ts'
import { providerNotFound, unknownProviderKind } from './errors-catalogue.ts'
import type { Gateway } from './gateway.ts'
import { checkedUrl, typedKey } from './provider-admin.ts'
import { providerPresets } from './provider-presets.ts'

/** Settings to be tried: of a provider that is set up, or of one that is not yet. */
export type ProviderTest = { id: string } | { kind: string; base_url?: string; api_key?: string }

export type ProviderTestResult = {
  latency_ms: number
  /** What the provider lists. Empty where it lists nothing but answers. */
  models: string[]
  /** Null: it answered. */
  error: AppError | null
}

const withinMs = 20_000

/**
 * Whether a provider takes its key and answers: lists its models, then asks one of them for a word. This costs a few
 * tokens and is booked to nobody.
 * @throws `ai.provider_not_found`, `ai.unknown_provider_kind`, `ai.base_url_needed`, `ai.key_needed`
 */
export async function testProvider(
  { catalogue, gateway }: { catalogue: Catalogue; gateway: Gateway },
  test: ProviderTest,
  signal: AbortSignal,
): Promise<ProviderTestResult> {
  const provider = 'id' in test ? await existing(catalogue, test.id) : draft(test)
  const startedAt = performance.now()
  const limited = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  const known = provider.preset.models.find(model => model.kind === 'chat')?.upstream_model
  let models: string[] = []
  let error: AppError | null = null
  try {
    models = await gateway.listModels(targetOf(provider, '', {}), limited).catch(failure => {
      // Some servers have no list, but answer all the same.
      if (known !== undefined && failure instanceof AppError && failure.code !== 'ai.bad_key') return []
      throw failure
    })
    const model = known !== undefined && (models.length === 0 || models.includes(known)) ? known : models[0]
    if (model !== undefined)
      await gateway.complete(
        [targetOf(provider, model, { first_token_ms: withinMs })],
        { messages: [{ role: 'user', content: 'Say OK.' }], max_tokens: 16 },
        limited,
      )
  } catch (failure) {
    signal.throwIfAborted()
    error = failure instanceof AppError ? failure : upstreamTimeout({ provider: provider.id })
  }
  return { latency_ms: Math.round(performance.now() - startedAt), models, error }
}

async function existing(catalogue: Catalogue, id: string): Promise<Provider> {
  const provider = (await catalogue.snapshot()).providers.get(id)
  if (!provider) throw providerNotFound({ provider: id })
  return provider
}

function draft({
  kind,
  base_url = '',
  api_key,
}: {
  kind: string
  base_url?: string
  api_key?: string
}): Provider {
  const preset = presetOf(kind)
  if (!preset) throw unknownProviderKind({ kind, known: providerPresets.map(({ id }) => id).join(', ') })
  const url = checkedUrl(preset, base_url)
  const key = typedKey(api_key)
  return {
    // The name tells people who failed, and keeps the trial apart from a provider that is in use.
    id: preset.name,
    name: preset.name,
    preset,
    base_url: url,
    keys: key === '' ? [] : [{ id: 'draft', value: key, weight: 1 }],
    source: 'admin',
    is_enabled: true,
    is_guess: false,
  }
}
