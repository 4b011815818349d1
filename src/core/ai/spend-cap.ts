import { sql } from 'kysely'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { SpendCap } from './ledger.ts'
import type { aiSettings } from './settings.ts'
import type { AiTables } from './tables.ts'

export type SpendCaps = {
  get(): Promise<SpendCap>
  /** From now on this holds instead of the settings. */
  set(cap: SpendCap, updated_by: string): Promise<void>
}

const name = 'spend_cap'
const tag = 'ai:spend_cap'

/** What all users together may spend: as administrators say, or else as the settings say. */
export function createSpendCaps(options: {
  db: Db
  cache: Cache
  settings: Settings<typeof aiSettings>
}): SpendCaps {
  const { cache, settings } = options
  const db = options.db.withTables<AiTables>()
  return {
    async get() {
      const stored = await cache.get(
        policies.modelConfiguration,
        tag,
        async () => {
          const row = await db.primary
            .selectFrom('ai_setting')
            .select('value')
            .where('name', '=', name)
            .executeTakeFirst()
          return (row?.value as SpendCap | undefined) ?? null
        },
        { tags: [tag] },
      )
      return (
        stored ?? {
          day_micros: settings.AI_SPEND_CAP_DAY || null,
          month_micros: settings.AI_SPEND_CAP_MONTH || null,
        }
      )
    },
    async set({ day_micros, month_micros }, updated_by) {
      const value = sql`${JSON.stringify({ day_micros, month_micros })}::jsonb`
      await db.primary
        .insertInto('ai_setting')
        .values({ name, value, updated_by })
        .onConflict(conflict =>
          conflict.column('name').doUpdateSet({ value, updated_by, updated_at: sql`now()` }),
        )
        .execute()
      await cache.invalidate(tag)
    },
  }
}
