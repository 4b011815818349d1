import { sql } from 'kysely'
import { type Db, isUniqueViolation } from '#core/db/db.ts'
import type { Catalogue, ModelInfo, Pricing } from './catalogue.ts'
import { noCapabilities } from './catalogue-sources.ts'
import {
  badFallback,
  modelExists,
  modelOfPreset,
  providerNotFound,
  unknownCurrency,
} from './errors-catalogue.ts'
import { modelNotFound } from './errors-metering.ts'
import type { AiTables, Capabilities } from './tables.ts'

export type ModelFields = {
  provider_id: string
  upstream_model: string
  name: string
  kind: ModelInfo['kind']
  context_window: number
  max_output: number
  input_price: number | null
  output_price: number | null
  cached_price: number | null
  currency: string
  capabilities: Partial<Capabilities>
  audience: string[]
  fallbacks: string[]
  is_enabled: boolean
  is_default: boolean
}
export type NewModel = Pick<ModelFields, 'provider_id' | 'upstream_model'> & {
  id: string
} & Partial<ModelFields>

export type Models = {
  /** Every model, switched off ones included. */
  list(): Promise<ModelInfo[]>
  create(input: NewModel): Promise<ModelInfo>
  /** Changing a model that came with its provider keeps the rest of it as it is now. */
  update(id: string, changes: Partial<ModelFields>): Promise<ModelInfo>
  /** Back to what the provider itself says, or away. @throws `ai.model_not_found`, `ai.model_of_preset` */
  delete(id: string): Promise<void>
}

/** What administrators do with models. */
export function createModels({
  db: anyDb,
  catalogue,
  pricing,
}: {
  db: Db
  catalogue: Catalogue
  pricing: Pricing
}): Models {
  const db = anyDb.withTables<AiTables>()

  const get = async (id: string): Promise<ModelInfo> => {
    const model = (await catalogue.snapshot()).models.get(id)
    if (!model) throw modelNotFound({ model: id })
    return model
  }

  async function check(model: ModelFields & { id: string }) {
    const { providers, models } = await catalogue.snapshot()
    if (!providers.has(model.provider_id)) throw providerNotFound({ provider: model.provider_id })
    if (!pricing.knows(model.currency)) throw unknownCurrency({ currency: model.currency })
    for (const fallback of model.fallbacks)
      if (fallback === model.id || models.get(fallback)?.kind !== model.kind)
        throw badFallback({ model: fallback })
  }

  async function write(model: ModelFields & { id: string }, isNew: boolean): Promise<ModelInfo> {
    await check(model)
    const { capabilities, ...fields } = model
    const row = { ...fields, capabilities: jsonb<Capabilities>({ ...noCapabilities, ...capabilities }) }
    await db.transaction(async tx => {
      if (model.is_default)
        await tx
          .updateTable('ai_model')
          .set({ is_default: false })
          .where('kind', '=', model.kind)
          .where('is_default', '=', true)
          .where('id', '!=', model.id)
          .execute()
      const insert = tx.insertInto('ai_model').values(row)
      await (isNew
        ? insert
        : insert.onConflict(conflict => conflict.column('id').doUpdateSet({ ...row, updated_at: sql`now()` }))
      ).execute()
    })
    await catalogue.changed()
    return get(model.id)
  }

  return {
    list: async () => [...(await catalogue.snapshot()).models.values()],
    async create(input) {
      if ((await catalogue.snapshot()).models.has(input.id)) throw modelExists({ model: input.id })
      try {
        return await write({ ...newModel, name: input.id, ...input }, true)
      } catch (error) {
        throw isUniqueViolation(error, 'ai_model_pkey') ? modelExists({ model: input.id }) : error
      }
    },
    async update(id, changes) {
      const { provider: _, source: __, is_self_hosted: ___, ...current } = await get(id)
      return write({ ...current, ...changes, id }, false)
    },
    async delete(id) {
      const { numDeletedRows } = await db.primary
        .deleteFrom('ai_model')
        .where('id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows > 0n) return catalogue.changed()
      throw (await catalogue.snapshot()).models.has(id)
        ? modelOfPreset({ model: id })
        : modelNotFound({ model: id })
    },
  }
}

const newModel: Omit<ModelFields, 'provider_id' | 'upstream_model' | 'name'> = {
  kind: 'chat',
  context_window: 32_768,
  max_output: 8192,
  input_price: null,
  output_price: null,
  cached_price: null,
  currency: 'CNY',
  capabilities: {},
  audience: ['everyone'],
  fallbacks: [],
  is_enabled: true,
  is_default: false,
}

const jsonb = <T>(value: T) => sql<T>`${JSON.stringify(value)}::jsonb`
