import type { Db } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { definitionStore } from './definition-store.ts'
import type { Definitions } from './definitions.ts'
import { historyStore, tallyStore } from './history-store.ts'
import { turnEpoch } from './rule-book.ts'
import { starters } from './starter.ts'
import type { AchievementsTables } from './tables.ts'

/** Brings in the starters that are not there yet. Safe in several processes at once. */
export async function installStarters(
  db: Db<AchievementsTables>,
  definitions: Pick<Definitions, 'startReplay'>,
): Promise<void> {
  const known = new Set(
    (
      await db.primary
        .selectFrom('achievements_achievement')
        .select('starter_key')
        .where('starter_key', 'is not', null)
        .execute()
    ).map(row => row.starter_key),
  )
  if (starters.every(({ key }) => known.has(key))) return
  await db.transaction(async tx => {
    const hasHistory = await historyStore.hasFacts(tx)
    for (const [position, { key, rule, is_hidden = false, ...looks }] of starters.entries()) {
      const [id, version_id] = [newId(), newId()]
      const isNew = await definitionStore.insert(
        tx,
        id,
        { ...looks, is_hidden, is_enabled: true, position: (position + 1) * 10 },
        { version_id, starter_key: key },
      )
      if (!isNew) continue
      const version = { id: version_id, achievement_id: id, number: 1, rule, created_by: null }
      await definitionStore.insertVersion(tx, version, !hasHistory)
      if (hasHistory) await definitions.startReplay(tx, version_id, { isAnew: true })
      else
        for (const [index, { type }] of rule.conditions.entries())
          if (type === 'first') await tallyStore.openPlaces(tx, version_id, index, 0)
    }
    await turnEpoch(tx)
  })
}
