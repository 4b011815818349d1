import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { newToken } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { Secrets } from '#core/security/secrets.ts'
import {
  modelOfRow,
  modelsOfProvider,
  offline,
  type Provider,
  providersOfEnv,
  providersOfRows,
  type Source,
  targetOf,
} from './catalogue-sources.ts'
import { createDiscovery } from './discovery.ts'
import { modelNotFound } from './errors-metering.ts'
import type { Gateway } from './gateway.ts'
import type { aiSettings } from './settings.ts'
import type { AiTables, ModelRow, ProviderRow } from './tables.ts'
import type { Target, Usage } from './types.ts'

/** A model under its public id. Prices: see `AiTables`. */
export type ModelInfo = Omit<ModelRow, 'created_at' | 'updated_at'> & {
  /** The provider's name. */
  provider: string
  source: Source
  /** It runs without a key, so a price that is not known is none. */
  is_self_hosted: boolean
}

/** A model that may be called, and what stands in for it. */
export type Resolved = {
  model: ModelInfo
  /** The model and its fallbacks, in the order in which they are tried. */
  models: readonly ModelInfo[]
  targets: readonly Target[]
}

/** What a user is, as far as models care: names of roles and plans. Asked for only where a model is not for everyone. */
export type Labels = () => Promise<Iterable<string>>

export type Catalogue = {
  /**
   * The model that a user asked for, or the default one for '' and undefined.
   * @throws AppError `ai.model_not_found` for what is unknown, switched off or not for them.
   */
  resolve(model: string | undefined, labels: Labels, kind?: ModelInfo['kind']): Promise<Resolved>
  /** What a user may choose among; `is_default` marks theirs. */
  listFor(labels: Labels, kind?: ModelInfo['kind']): Promise<ModelInfo[]>
  /** All of it, for administrators. */
  snapshot(): Promise<Snapshot>
  /** Takes changed settings over. */
  reload(): void
  /** Drops what is cached of the tables, on all processes. */
  changed(): Promise<void>
}

export type Snapshot = {
  providers: ReadonlyMap<string, Provider>
  models: ReadonlyMap<string, ModelInfo>
}

type Rows = { version: string; providers: ProviderRow[]; models: ModelRow[] }

export type CatalogueOptions = {
  db: Db
  cache: Cache
  secrets: Secrets
  gateway: Pick<Gateway, 'listModels'>
  settings: Settings<typeof aiSettings>
  clock: Clock
  log: Log
}

const cacheKey = 'ai:catalogue'

/** Which providers and models there are, from the environment, from administrators, and found by themselves. */
export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { cache, secrets, settings, log } = options
  const db = options.db.withTables<AiTables>()
  const discovery = createDiscovery(options)
  let reloads = 0
  let providersMemo: { key: string; providers: Map<string, Provider> } | undefined
  let memo: { key: string; snapshot: Snapshot } | undefined

  const timeouts = () => ({
    first_token_ms: settings.AI_FIRST_TOKEN_TIMEOUT_MS,
    idle_ms: settings.AI_IDLE_TIMEOUT_MS,
  })

  const readRows = (): Promise<Rows> =>
    cache.get(
      policies.modelConfiguration,
      cacheKey,
      async () => ({
        version: newToken(8),
        providers: await db.primary
          .selectFrom('ai_provider')
          .selectAll()
          .orderBy('created_at')
          .limit(200)
          .execute(),
        models: await db.primary
          .selectFrom('ai_model')
          .selectAll()
          .orderBy('created_at')
          .limit(1000)
          .execute(),
      }),
      { tags: [cacheKey] },
    )

  /** An administrator's provider takes the place of one of the environment with the same id. */
  function providersOf(rows: Rows): Map<string, Provider> {
    const key = `${rows.version}/${reloads}`
    if (providersMemo?.key !== key) {
      const all = [...providersOfEnv(settings), ...providersOfRows(rows.providers, secrets, log)]
      providersMemo = { key, providers: new Map(all.map(provider => [provider.id, provider])) }
    }
    return providersMemo.providers
  }

  async function snapshot(): Promise<Snapshot> {
    const rows = await readRows()
    const providers = providersOf(rows)
    const asked = [...providers.values()]
      .filter(provider => provider.is_enabled && provider.preset.models.length === 0)
      .map(provider => targetOf(provider, '', {}))
    await discovery.ensure(asked)
    const key = `${rows.version}/${reloads}/${discovery.version()}`
    if (memo?.key !== key) memo = { key, snapshot: compose(rows, providers) }
    return memo.snapshot
  }

  function compose(rows: Rows, all: ReadonlyMap<string, Provider>): Snapshot {
    const models = new Map<string, ModelInfo>()
    const providers = new Map(all)
    for (const provider of all.values()) {
      const own = modelsOfProvider(provider, discovery.modelsOf(targetOf(provider, '', {})))
      if (provider.is_guess && own.length === 0) providers.delete(provider.id)
      for (const model of own) {
        const id = models.has(model.id) ? `${provider.id}/${model.id}` : model.id
        models.set(id, { ...model, id })
      }
    }
    for (const row of rows.models) {
      const provider = providers.get(row.provider_id)
      if (provider) models.set(row.id, modelOfRow(row, provider))
    }
    for (const model of models.values())
      if (!providers.get(model.provider_id)?.is_enabled) models.set(model.id, { ...model, is_enabled: false })
    const hasChat = [...models.values()].some(model => model.kind === 'chat' && model.is_enabled)
    if (!hasChat) models.set(offline.model.id, offline.model)
    return { providers, models }
  }

  function defaultOf(models: readonly ModelInfo[]): ModelInfo | undefined {
    return (
      models.find(model => model.is_default) ??
      models.find(model => model.id === settings.AI_DEFAULT_MODEL) ??
      models[0]
    )
  }

  async function allowed(models: Iterable<ModelInfo>, labels: Labels, kind: ModelInfo['kind']) {
    const usable = [...models].filter(model => model.kind === kind && model.is_enabled)
    return usable.filter(await audienceOf(usable, labels))
  }

  const targetFor = ({ providers }: Snapshot, model: ModelInfo, priority: number): Target | null => {
    if (model.provider_id === 'offline') return offline.target
    const provider = providers.get(model.provider_id)
    return provider ? { ...targetOf(provider, model.upstream_model, timeouts()), priority } : null
  }

  return {
    snapshot,
    async resolve(id, labels, kind = 'chat') {
      const current = await snapshot()
      const named = id ? current.models.get(id) : undefined
      const candidates = named ? [named] : id ? [] : current.models.values()
      const model = defaultOf(await allowed(candidates, labels, kind))
      if (!model) throw modelNotFound({ model: id || kind })
      const standIns = model.fallbacks.flatMap(fallback => current.models.get(fallback) ?? [])
      const models = [model, ...standIns.filter(standIn => standIn.kind === kind && standIn.is_enabled)]
      const targets = models.flatMap((candidate, i) => targetFor(current, candidate, i) ?? [])
      return { model, models, targets }
    },
    async listFor(labels, kind = 'chat') {
      const models = await allowed((await snapshot()).models.values(), labels, kind)
      const chosen = defaultOf(models)
      return models.map(model => ({ ...model, is_default: model === chosen }))
    },
    reload() {
      reloads++
    },
    changed: () => cache.invalidate(cacheKey),
  }
}

/** Whether a model is for the user. Administrators may use all of them. */
async function audienceOf(
  models: readonly ModelInfo[],
  labels: Labels,
): Promise<(model: ModelInfo) => boolean> {
  if (models.every(({ audience }) => audience.includes('everyone'))) return () => true
  const all = new Set(['everyone', ...(await labels())])
  const isAdministrator = all.has('admin') || all.has('super_admin')
  return ({ audience }) => isAdministrator || audience.some(name => all.has(name))
}

const hundredthsToMicros = 10_000
const perMillion = 1_000_000

/**
 * What some usage costs in micro-units of the installation's currency, rounded up. A price that is not known counts
 * as `AI_ASSUMED_PRICE` where the provider takes a key, and as nothing on a machine of one's own.
 */
export function createPricing(settings: Settings<typeof aiSettings>) {
  const rateOf = (currency: string): number | undefined =>
    currency === settings.AI_CURRENCY ? 1 : settings.AI_EXCHANGE_RATES[currency]
  return {
    /** Whether prices in this currency can be counted. */
    knows: (currency: string) => rateOf(currency) !== undefined,
    costOf(model: ModelInfo, usage: Usage): number {
      const { input_price: input, output_price: output } = model
      const rate = rateOf(model.currency) ?? 1
      const assumed = model.is_self_hosted ? 0 : settings.AI_ASSUMED_PRICE
      const price = (hundredths: number | null) =>
        hundredths === null ? assumed : hundredths * hundredthsToMicros * rate
      const cached = Math.min(usage.cached_tokens ?? 0, usage.prompt_tokens)
      const micros =
        (usage.prompt_tokens - cached) * price(input) +
        cached * price(model.cached_price ?? input) +
        usage.completion_tokens * price(output)
      // The tiny step keeps rounding errors from costing a millionth.
      return Math.max(0, Math.ceil(micros / perMillion - 1e-6))
    },
  }
}
export type Pricing = ReturnType<typeof createPricing>
