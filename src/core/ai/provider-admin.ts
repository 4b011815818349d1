import { sql } from 'kysely'
import { type Db, isUniqueViolation } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Catalogue } from './catalogue.ts'
import {
  baseUrlOf,
  isPaidService,
  keyContext,
  type Provider,
  presetOf,
  type Source,
} from './catalogue-sources.ts'
import {
  baseUrlNeeded,
  keyNeeded,
  keyNotFound,
  providerNotFound,
  providerOfEnvironment,
  unknownProviderKind,
} from './errors-catalogue.ts'
import { type ProviderPreset, providerPresets } from './provider-presets.ts'
import type { AiTables, ProviderRow, StoredKey } from './tables.ts'

/** A provider as administrators see it. Keys are write-only: of each only the end is shown. */
export type ProviderView = {
  id: string
  kind: string
  name: string
  base_url: string
  source: Source
  is_enabled: boolean
  keys: { id: string; last_four: string; weight: number }[]
}

export type NewProvider = { kind: string; name?: string; base_url?: string; api_key?: string }
export type ProviderChanges = { name?: string; base_url?: string; is_enabled?: boolean; api_key?: string }

export type Providers = {
  /** Kinds that can be set up. */
  presets(): readonly ProviderPreset[]
  list(): Promise<ProviderView[]>
  get(id: string): Promise<ProviderView>
  /** @throws `ai.unknown_provider_kind`, `ai.base_url_needed`, `ai.key_needed` */
  create(input: NewProvider): Promise<ProviderView>
  /** `api_key` takes the place of all keys. @throws `ai.provider_not_found`, `ai.provider_of_environment`, `ai.key_needed` */
  update(id: string, changes: ProviderChanges): Promise<ProviderView>
  /** Its models go with it. */
  delete(id: string): Promise<void>
  addKey(id: string, api_key: string, weight: number): Promise<ProviderView>
  deleteKey(id: string, key_id: string): Promise<ProviderView>
  /** Encrypts keys anew that an older key of the installation has encrypted. Returns how many. */
  rotateSecrets(): Promise<number>
}

const lastFour = (key: string) => (key.length >= 12 ? key.slice(-4) : '')

const viewOf = (provider: Provider): ProviderView => ({
  id: provider.id,
  kind: provider.preset.id,
  name: provider.name,
  base_url: provider.base_url,
  source: provider.source,
  is_enabled: provider.is_enabled,
  keys: provider.keys.map(({ id, value, weight }) => ({ id, last_four: lastFour(value), weight })),
})

/** The address of a provider. @throws `ai.base_url_needed` */
export function checkedUrl(preset: ProviderPreset, given: string): string {
  const url = baseUrlOf(preset, given)
  const parsed = URL.parse(url)
  const isSound =
    parsed && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.search === ''
  if (!isSound) throw baseUrlNeeded()
  return url
}

/** What is kept of keys, and how. */
function createKeyring(secrets: Secrets) {
  return {
    make(provider_id: string, value: string, weight = 1): StoredKey {
      const id = newId()
      const secret = secrets.encrypt(value, keyContext(provider_id, id))
      return { id, secret, last_four: lastFour(value), weight }
    },
    isOld: (key: StoredKey): boolean => secrets.needsRotation(key.secret),
    /** The same key, encrypted anew; unchanged when it cannot be read any more. */
    renew(provider_id: string, key: StoredKey): StoredKey {
      const context = keyContext(provider_id, key.id)
      try {
        return { ...key, secret: secrets.encrypt(secrets.decrypt(key.secret, context), context) }
      } catch {
        return key
      }
    },
  }
}

/** A key as it can stand in a header; '' when none is given. @throws `ai.key_needed` */
export function typedKey(given: string | undefined): string {
  const key = given?.trim() ?? ''
  if (!/^[\x21-\x7e]*$/.test(key)) throw keyNeeded()
  return key
}

/** Reads and writes rows, so that what is cached of them is never older than the last change. */
function createProviderRows({ db: anyDb, catalogue }: { db: Db; catalogue: Catalogue }) {
  const db = anyDb.withTables<AiTables>()

  const get = async (id: string): Promise<ProviderView> => {
    const provider = (await catalogue.snapshot()).providers.get(id)
    if (!provider) throw providerNotFound({ provider: id })
    return viewOf(provider)
  }

  async function refuseMissing(id: string): Promise<never> {
    const isOfEnv = (await catalogue.snapshot()).providers.has(id)
    throw isOfEnv ? providerOfEnvironment({ provider: id }) : providerNotFound({ provider: id })
  }

  return {
    get,
    rows: () => db.primary.selectFrom('ai_provider').selectAll().limit(200).execute(),
    /** Makes a row under the first id that is free: `openai`, `openai-2` … */
    async insert(kind: string, rowFor: (id: string) => Pick<ProviderRow, 'name' | 'base_url' | 'keys'>) {
      const taken = (await catalogue.snapshot()).providers
      for (let n = 1; ; n++) {
        const id = n === 1 ? kind : `${kind}-${n}`
        if (taken.has(id)) continue
        try {
          const { keys, ...row } = rowFor(id)
          await db.primary
            .insertInto('ai_provider')
            .values({ id, kind, ...row, keys: jsonb<StoredKey[]>(keys), is_enabled: true })
            .execute()
        } catch (error) {
          if (isUniqueViolation(error)) continue
          throw error
        }
        await catalogue.changed()
        return get(id)
      }
    },
    /** Changes one row, which nobody else changes meanwhile. */
    async change(id: string, changed: (row: ProviderRow) => Partial<ProviderRow>): Promise<ProviderView> {
      await db.transaction(async tx => {
        const row = await tx
          .selectFrom('ai_provider')
          .selectAll()
          .where('id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        const { keys, ...rest } = changed(row ?? (await refuseMissing(id)))
        await tx
          .updateTable('ai_provider')
          .set({ ...rest, ...(keys ? { keys: jsonb<StoredKey[]>(keys) } : {}), updated_at: sql`now()` })
          .where('id', '=', id)
          .execute()
      })
      await catalogue.changed()
      return get(id)
    },
    async delete(id: string): Promise<void> {
      await db.transaction(async tx => {
        const { numDeletedRows } = await tx.deleteFrom('ai_provider').where('id', '=', id).executeTakeFirst()
        if (numDeletedRows === 0n) await refuseMissing(id)
        await tx.deleteFrom('ai_model').where('provider_id', '=', id).execute()
      })
      await catalogue.changed()
    },
  }
}

/** What administrators do with providers. */
export function createProviders(deps: { db: Db; secrets: Secrets; catalogue: Catalogue }): Providers {
  const { catalogue } = deps
  const keyring = createKeyring(deps.secrets)
  const table = createProviderRows(deps)
  return {
    presets: () => providerPresets,
    list: async () => [...(await catalogue.snapshot()).providers.values()].map(viewOf),
    get: table.get,
    async create({ kind, name, base_url: address = '', api_key }) {
      const preset = presetOf(kind)
      if (!preset)
        throw unknownProviderKind({ kind, known: providerPresets.map(candidate => candidate.id).join(', ') })
      const base_url = checkedUrl(preset, address)
      const key = typedKey(api_key)
      if (key === '' && isPaidService(preset)) throw keyNeeded()
      return table.insert(kind, id => ({
        name: name?.trim() || preset.name,
        base_url,
        keys: key === '' ? [] : [keyring.make(id, key)],
      }))
    },
    update: (id, { name, base_url, is_enabled, api_key }) =>
      table.change(id, row => {
        const preset = presetOf(row.kind)
        const url = preset && base_url !== undefined ? checkedUrl(preset, base_url) : row.base_url
        const key = typedKey(api_key)
        const movesAway = new URL(url).origin !== new URL(row.base_url).origin
        if (movesAway && row.keys.length > 0 && key === '') throw keyNeeded()
        return {
          base_url: url,
          ...(name?.trim() ? { name: name.trim() } : {}),
          ...(is_enabled === undefined ? {} : { is_enabled }),
          ...(key === '' ? {} : { keys: [keyring.make(id, key)] }),
        }
      }),
    delete: table.delete,
    addKey: (id, api_key, weight) =>
      table.change(id, row => {
        const key = typedKey(api_key)
        if (key === '') throw keyNeeded()
        return { keys: [...row.keys, keyring.make(id, key, weight)] }
      }),
    deleteKey: (id, key_id) =>
      table.change(id, row => {
        const keys = row.keys.filter(key => key.id !== key_id)
        if (keys.length === row.keys.length) throw keyNotFound()
        return { keys }
      }),
    async rotateSecrets() {
      let rotated = 0
      for (const { id, keys } of await table.rows()) {
        const old = keys.filter(keyring.isOld).length
        if (old === 0) continue
        await table.change(id, row => ({
          keys: row.keys.map(key => (keyring.isOld(key) ? keyring.renew(id, key) : key)),
        }))
        rotated += old
      }
      return rotated
    },
  }
}

const jsonb = <T>(value: T) => sql<T>`${JSON.stringify(value)}::jsonb`
